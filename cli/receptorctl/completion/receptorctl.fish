# fish completion for receptorctl
function __receptorctl_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l lines ($words[1] __complete fish -- $words[2..-1] "$current" 2>/dev/null)
    if test "$lines[1]" = ":files"
        set -l prefix (string match -r -- '^--[^=]*=' "$current")
        __fish_complete_path (string replace -r -- '^--[^=]*=' '' "$current") | string replace -r '^' "$prefix"
        return
    end
    printf '%s\n' $lines
end
complete -c receptorctl -f -a '(__receptorctl_complete)'
