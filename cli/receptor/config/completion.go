package config

import (
	"fmt"
	"io"
	"strings"
)

// WriteCompletion writes a script that completes the command line of a program of
// this name in bash.
func WriteCompletion(w io.Writer, program string) error {
	function := "_" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, program)
	var dashed []string
	for _, word := range words() {
		dashed = append(dashed, "--"+word)
	}
	_, err := fmt.Fprintf(w, completion, function, strings.Join(append(dashed, "-c"), " "), actionCases(), quoted(program))
	return err
}

// actionCases are the parameters of each action, and the values of those that have
// few.
func actionCases() string {
	var b strings.Builder
	for _, a := range table {
		if len(a.params) == 0 || a.is&hidden != 0 {
			continue
		}
		var names []string
		for _, p := range a.params {
			if values := p.values(); values != nil {
				fmt.Fprintf(&b, "    --%s:%s=) candidates=%q ;;\n", a.name, p.name, strings.Join(values, " "))
			}
			names = append(names, p.name+"=")
		}
		fmt.Fprintf(&b, "    --%s:*=) candidates= files=yes ;;\n", a.name)
		fmt.Fprintf(&b, "    --%s:*) candidates=%q ;;\n", a.name, strings.Join(names, " "))
	}
	return b.String()
}

// values are what a parameter may be, if that is little.
func (p *param) values() []string {
	if p.choices == nil && p.typeName == "bool" {
		return []string{"true", "false"}
	}
	return p.choices
}

// completion has the function's name, the words with dashes, the cases and the
// program's name. What is typed comes as COMP_WORDS, in which bash splits off "=" as a
// word of its own; names and values are told apart by it.
const completion = `# Completion for bash. To have it now:  . <(%[4]s --bash-completion)
%[1]s() {
  local words=("${COMP_WORDS[@]:0:COMP_CWORD+1}") action= name= files= candidates= i
  local current="${words[COMP_CWORD]}"
  COMPREPLY=()
  for ((i = COMP_CWORD - 1; i > 0; i--)); do
    if [[ ${words[i]} == -* ]]; then
      action="${words[i]}"
      break
    fi
  done
  if [[ $current == "=" ]]; then
    name="${words[COMP_CWORD-1]}="
    current=
  elif ((COMP_CWORD > 1)) && [[ ${words[COMP_CWORD-1]} == "=" ]]; then
    name="${words[COMP_CWORD-2]}="
  fi
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "%[2]s" -- "$current"))
    return
  fi
  case "$action:$name" in
    --config:*|-c:*) files=yes ;;
%[3]s  esac
  if [[ -n $files ]]; then
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$current"))
    return
  fi
  COMPREPLY=($(compgen -W "$candidates" -- "$current"))
  if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then
    compopt -o nospace 2>/dev/null
  fi
}
complete -F %[1]s %[4]s
`
