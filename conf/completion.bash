# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion of synprint(1). Commands and options are what `synprint help` lists, so that
# they are always those of the version that is installed.

_synprint_help() {
	synprint "$@" 2>/dev/null
}

_synprint() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command= word i
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		--socket | --config) i=$((i + 1)) ;;
		-*) ;;
		*) command=$word; break ;;
		esac
	done

	case $prev in
	--socket | --config | --db | --links | --output)
		COMPREPLY=($(compgen -f -- "$cur"))
		return ;;
	--color) COMPREPLY=($(compgen -W 'auto always never' -- "$cur")); return ;;
	--format) COMPREPLY=($(compgen -W 'nft iptables ipset' -- "$cur")); return ;;
	--engine) COMPREPLY=($(compgen -W 'auto nft xt none' -- "$cur")); return ;;
	--interface) COMPREPLY=($(compgen -W "$(ls /sys/class/net)" -- "$cur")); return ;;
	--grade) COMPREPLY=($(compgen -W 'none access possible likely' -- "$cur")); return ;;
	--flag) COMPREPLY=($(compgen -W 'vpn tunnel scanner os_mismatch inconsistent shared
		mss_clamped unknown malformed' -- "$cur")); return ;;
	esac

	if [[ $cur == -* ]]; then
		COMPREPLY=($(compgen -W "$(_synprint_help ${command:-help} ${command:+--help} |
			grep -oE -- '--[a-z0-9-]+' | sort -u)" -- "$cur"))
	elif [[ -z $command || $command == help ]]; then
		COMPREPLY=($(compgen -W "$(_synprint_help help |
			sed -nE '/^Commands:/,/^$/s/^  ([a-z]+) .*/\1/p')" -- "$cur"))
	else
		case $command in
		rules) COMPREPLY=($(compgen -W 'print apply remove status' -- "$cur")) ;;
		db) COMPREPLY=($(compgen -W 'check stats show merge import export' -- "$cur")
			$(compgen -f -- "$cur")) ;;
		classify) COMPREPLY=($(compgen -f -- "$cur")) ;;
		esac
	fi
}

complete -o filenames -F _synprint synprint
