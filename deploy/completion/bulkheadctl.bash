# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Completion of bulkheadctl for bash.

_bulkheadctl_options()
{
	case $1 in
	check) echo --verbose ;;
	compile) echo --output ;;
	explain)
		echo --from --to --service --source-port --application --server-name --risk --at --expect
		;;
	replay) echo --policy --assign --out --flows --counters --workers --flow-table --ingress --mtu ;;
	config) echo --dataplane-arguments --exec ;;
	flows) echo --run --address --port --protocol --segment --verdict --limit ;;
	hosts) echo --run --address --segment ;;
	stages) echo --run --on --off --seconds ;;
	drops) echo --run --ports --all ;;
	events) echo --run --follow --type --limit ;;
	applications) echo --run --all ;;
	status | rules | segments | apply) echo --run ;;
	esac
}

# names of a kind that a running appliance knows; nothing if it can not be asked
_bulkheadctl_names()
{
	bulkheadctl "$1" --json 2>/dev/null | sed -n 's/^ *"name": "\([^"]*\)".*/\1/p'
}

_bulkheadctl()
{
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command='' i
	local commands='check explain test replay compile config status apply rules flows hosts segments
		applications drops stages events help'

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--run) ((i++)) ;;
		-*) ;;
		*)
			command=${COMP_WORDS[i]}
			break
			;;
		esac
	done
	if [[ -z $command || $command == help ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$commands --run --version --help" -- "$current")
		return
	fi
	case $previous in
	--verdict | --expect) mapfile -t COMPREPLY < <(compgen -W 'allow deny reject pending' -- "$current") ;;
	--type) mapfile -t COMPREPLY < <(compgen -W 'flow verdict denials notice' -- "$current") ;;
	--protocol) mapfile -t COMPREPLY < <(compgen -W 'tcp udp icmp icmpv6 sctp' -- "$current") ;;
	--segment) mapfile -t COMPREPLY < <(compgen -W "$(_bulkheadctl_names segments)" -- "$current") ;;
	--run) mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
	--out | --flows | --counters | --policy | --output | -o)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		;;
	--address | --port | --limit | --seconds | --from | --to | --service | --source-port | --application | \
		--server-name | --risk | --at | --assign | --workers | --flow-table | --ingress | --mtu) ;;
	*)
		if [[ $current == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "$(_bulkheadctl_options "$command") --json --help" -- "$current")
		elif [[ $command == rules ]]; then
			mapfile -t COMPREPLY < <(compgen -W "$(_bulkheadctl_names rules)" -- "$current")
		else
			mapfile -t COMPREPLY < <(compgen -f -- "$current")
		fi
		;;
	esac
}

complete -o filenames -F _bulkheadctl bulkheadctl
