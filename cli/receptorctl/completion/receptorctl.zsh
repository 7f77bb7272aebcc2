#compdef receptorctl
# zsh completion for receptorctl
_receptorctl() {
    local -a candidates
    local line value
    for line in "${(@f)$("${(Q)words[1]}" __complete zsh -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
        [[ -n $line ]] || continue
        if [[ $line == :files ]]; then
            [[ $PREFIX == --*=* ]] && compset -P '*='
            _files
            return
        fi
        value=${line%%$'\t'*}
        candidates+=("${value//:/\\:}:${line#*$'\t'}")
    done
    (( $#candidates )) && _describe -t receptorctl receptorctl candidates
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _receptorctl "$@"
else
    compdef _receptorctl receptorctl
fi
