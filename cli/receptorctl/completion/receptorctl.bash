# bash completion for receptorctl
_receptorctl() {
    local value _
    COMPREPLY=()
    while IFS=$'\t' read -r value _; do
        if [[ $value == :files ]]; then
            compopt -o default 2>/dev/null
            return
        fi
        printf -v value '%q' "$value"
        COMPREPLY+=("$value")
    done < <("${1/#\~/$HOME}" __complete bash -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _receptorctl receptorctl
