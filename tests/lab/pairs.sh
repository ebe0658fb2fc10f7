# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A pair is a client and a server of one application: a file of applications/ that says what it is and has two functions. In
# applications/anywhere nDPI knows it on every port, in applications/own-port on its own alone.
#
#      client 10.10.0.11, 2001:db8::11      server 10.10.0.21, 2001:db8::21
#      VLAN 101                             VLAN 102
#          |                                    |
#      ----+------------------------------------+---- Open vSwitch
#                           | trunk, all VLANs
#                      bulkhead-dataplane
#
#
#   pair TITLE NAME PROTOCOL PORT FOREIGN SETTLED_BY
#                          NAME: as nDPI records it; its standard port and one that is not its own; what nDPI knows it by:
#                          request   the client's first payload: when it is denied, none of the client's payload passes
#                          answer    the server's first payload: none of the server's passes
#                          dialogue  something of both, which passes before the verdict
#                          guess     its port alone, when nDPI gives up
#   serve PORT                              start the server on the machine `server`, with its files in $DIR
#   job PORT                                the client's work, which must come to its end: `client COMMAND..` runs on the client,
#                                           `soon COMMAND..` waits for what must be seen
#
# and where they apply
#
#   in_the_clear           the job's request carries $MARK, another word in each phase, readable on the wire
#   matched_by APPLICATION the policy's word, if not the last part of NAME
#   only_on_its_port       nDPI looks for it on its own port alone: on the foreign one it stays unknown
#   needs_rule TEXT        a rule beside the application's: for sessions of the server's own
#   with_settings TEXT     other keys of the policy
#
# test_pairs FILE.. runs them: a policy that allows only this application, then one that denies only this application.

SERVER=10.10.0.21
# shellcheck disable=SC2034 # of the files of pairs
SERVER6=2001:db8::21
CONTROL_HTTP=7080
CONTROL_SSH=7022
PATIENCE=20

pair() {
	TITLE=$1 NAME=$2 PROTOCOL=$3 STANDARD=$4 FOREIGN=$5 SETTLED_BY=$6
	PORTS=("$4" "$5") APPLICATION=${2##*.} CLEAR=false RULE='' SETTINGS=''
}
only_on_its_port() { PORTS=("$STANDARD"); }
in_the_clear() { CLEAR=true; }
matched_by() { APPLICATION=$1; }
needs_rule() { RULE=$1; }
with_settings() { SETTINGS=$1; }

client() { on client timeout -k 1 "$PATIENCE" "$@"; }
soon() { wait_for "$PATIENCE" over_or "$@" && "$@"; }
over_or() { [ -e "$LAB_DIR/over" ] || "$@"; }

# ---- one job, and all of them side by side ----

# A job's result is its status in a file, so that both ports are tried at once. What was ended did not come to its end, whatever it says.
attempt() {
	# shellcheck disable=SC2034 # the job's
	local port=$1 DIR=$LAB_DIR/$PAIR-$1 MARK=${PHASE}mark${1}x$PAIR
	job "$port" >"$DIR/$PHASE.out" 2>&1 && [ ! -e "$LAB_DIR/over" ]
	echo $? >"$DIR/$PHASE"
}
attempt_all() { # PORT..
	local port
	jobs=()
	rm -f "$LAB_DIR/over"
	for port; do
		attempt "$port" &
		jobs+=($!)
	done
}
# what is refused is given a second more to come to its end, and is then ended
stop_all() {
	local pids
	wait_for 1 false
	touch "$LAB_DIR/over"
	until gone_all "${jobs[@]}"; do
		mapfile -t pids < <(ip netns pids "$LAB-client")
		[ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null
		wait_for 1 gone_all "${jobs[@]}"
	done
}
gone_all() {
	local pid
	for pid; do gone "$pid" || return 1; done
}
worked() { [ "$(cat "$LAB_DIR/$PAIR-$1/$PHASE")" = 0 ] || ! cat "$LAB_DIR/$PAIR-$1/$PHASE.out"; }
wire() { grep -qa "${PHASE}mark${1}x$PAIR" "$LAB_DIR/wire.pcap"; }

# ---- policies: the application alone, and all but the application ----

# NAME ACTION [RULE..]: one that does ACTION to the application, then RULE..; SETTINGS are its other keys
apply_policy() {
	local name=$1 action=$2
	shift 2
	{
		cat <<-YAML
			version: 1
			name: $name
			networks:
			  lab:
			    segments:
			      client: { port: trunk, vlan: 101 }
			      server: { port: trunk, vlan: 102 }
			rules:
			  - { name: the-application, from: client, to: server, application: ["$APPLICATION"], action: $action, log: true }
		YAML
		[ $# -eq 0 ] || printf '  - %s\n' "$@"
		printf 'default: { action: deny, log: true }\n%s\n' "$SETTINGS"
	} >"$LAB_DIR/$name.yaml"
	ctl apply "$LAB_DIR/$name.yaml"
}
only() { apply_policy only allow ${RULE:+"$RULE"}; }
all_but() { apply_policy all-but deny '{ name: the-rest, from: client, to: server, action: allow }' ${RULE:+"$RULE"}; }

# ---- records: those of the policy in force to a port of the server ----

records() {
	local generation
	generation=$(ctl status --json | jq .policy.generation)
	ctl flows --json --limit 0 --port "$1" --protocol "$PROTOCOL" | jq --argjson g "$generation" --argjson p "$1" \
		'[.flows[] | select(.dest_port == $p and .bulkhead.generation == $g)]' | tee "$LAB_DIR/$PAIR-$1/$PHASE.json"
}
# PORT NAME VERDICT RULE CONFIDENCE..
has_record() {
	local port=$1 name=$2 verdict=$3 rule=$4
	shift 4
	records "$port" | jq -e --arg n "$name" --arg v "$verdict" --arg r "$rule" \
		'any(.app_proto == $n and (.bulkhead | .verdict == $v and .rule == $r and IN(.confidence; $ARGS.positional[])))' --args "$@"
}
recorded() { wait_for 20 has_record "$@" || ! jq -c '.[] | [.app_proto, .bulkhead]' "$LAB_DIR/$PAIR-$1/$PHASE.json"; }
inspected() { recorded "$1" "$NAME" "$2" the-application dpi custom; } # PORT VERDICT

nothing_passed() { # PORT: before the verdict, of the side that it was settled by
	local side
	case $SETTLED_BY in
	request) side=toserver ;;
	answer) side=toclient ;;
	esac
	jq -e --arg n "$NAME" --arg side "pending_bytes_$side" \
		'map(select(.app_proto == $n).bulkhead[$side]) | length > 0 and add == 0' "$LAB_DIR/$PAIR-$1/$PHASE.json"
}

# ---- the test of one pair ----

start_server() {
	local DIR=$LAB_DIR/$PAIR-$1
	mkdir -p "$DIR"
	chmod 755 "$DIR"
	(serve "$1")
}
start_all() { # PORT..
	local port
	local starts=()
	for port; do
		start_server "$port" &
		starts+=($!)
	done
	for port in "${starts[@]}"; do wait "$port" || return 1; done
}

# Another application than the pair's: HTTP, or SSH where the pair is HTTP's.
other_application() {
	case $NAME in
	HTTP*) ssh_from client "$CONTROL_SSH" "$SERVER" echo hello ;;
	*) client curl -sS "http://$SERVER:$CONTROL_HTTP/" ;;
	esac
}

in_allow_phase() {
	local port
	PHASE=allow
	expect "$PAIR: only $APPLICATION is allowed" only
	attempt_all "${PORTS[@]}"
	wait "${jobs[@]}"
	for port in "${PORTS[@]}"; do
		expect "$PAIR: works on $PROTOCOL/$port" worked "$port"
		expect "$PAIR: its record says $NAME, by inspection" inspected "$port" allow
		! $CLEAR || expect "$PAIR: the request was readable on the server's wire" wait_for 10 wire "$port"
	done
}

in_deny_phase() {
	local port
	PHASE=deny
	expect "$PAIR: only $APPLICATION is denied" all_but
	attempt_all "${PORTS[@]}"
	for port in "${PORTS[@]}"; do expect "$PAIR: its record says $NAME, denied" inspected "$port" deny; done
	stop_all
	for port in "${PORTS[@]}"; do
		refuse "$PAIR: does not work on $PROTOCOL/$port" worked "$port"
		[ "$SETTLED_BY" = dialogue ] || expect "$PAIR: nothing passed before the verdict" nothing_passed "$port"
		! $CLEAR || refuse "$PAIR: no request is on the server's wire" wire "$port"
		row "$port" "$NAME" "$(result allow "$port")" "$(result deny "$port")"
	done
	expect "$PAIR: another application works" other_application
}

# where nDPI does not look for it: nothing but the port tells it from an unknown one
where_it_is_unknown() {
	PHASE=unknown
	attempt_all "$FOREIGN"
	wait "${jobs[@]}"
	expect "$PAIR: works on $PROTOCOL/$FOREIGN" worked "$FOREIGN"
	expect "$PAIR: its record names nothing there" wait_for 20 unnamed "$FOREIGN"
	row "$FOREIGN" Unknown - "not seen"
}
unnamed() {
	has_record "$1" Unknown pending the-rest unknown || has_record "$1" Unknown allow the-rest unknown
}

# By its port, when nDPI gives up: for the record alone, and for rules if the policy lets it guess.
test_guessed() {
	PHASE=record SETTINGS='classification: { max-packets: 2 }'
	expect "$PAIR: only $APPLICATION is denied" all_but
	attempt_all "${PORTS[@]}"
	wait "${jobs[@]}"
	expect "$PAIR: works on $PROTOCOL/$STANDARD" worked "$STANDARD"
	expect "$PAIR: its record says $NAME, by port" recorded "$STANDARD" "$NAME" allow the-rest port
	expect "$PAIR: works on $PROTOCOL/$FOREIGN" worked "$FOREIGN"

	PHASE=guess SETTINGS='classification: { max-packets: 2, guess: true }'
	expect "$PAIR: only $APPLICATION is denied, guesses count" all_but
	attempt_all "${PORTS[@]}"
	wait "${jobs[1]}"
	expect "$PAIR: its record says $NAME, denied" recorded "$STANDARD" "$NAME" deny the-application port
	stop_all
	refuse "$PAIR: does not work on $PROTOCOL/$STANDARD" worked "$STANDARD"
	expect "$PAIR: works on $PROTOCOL/$FOREIGN" worked "$FOREIGN"
	row "$STANDARD" "$NAME (by port)" "$(result record "$STANDARD")" "$(result guess "$STANDARD")"
	row "$FOREIGN" Unknown "$(result record "$FOREIGN")" "not seen"
}

# What a line of the table says: whether the job came to its end.
result() { [ "$(cat "$LAB_DIR/$PAIR-$2/$1")" = 0 ] && echo works || echo fails; }
row() { # PORT RECORD ALLOWED DENIED
	local packets
	packets=$(cat "$LAB_DIR/$PAIR-$1"/*.json 2>/dev/null | jq -rs --arg n "${2%% *}" \
		'flatten | map(select(.app_proto == $n).bulkhead.packets_to_verdict) | max // "-"')
	printf '%-12s %-32s %-9s %-22s %7s  %-7s  %s\n' "$PAIR" "$TITLE" "$PROTOCOL/$1" "$2" "$packets" "$3" "$4" >>"$LAB_DIR/table"
}

test_pair() {
	local pids failed=$LAB_FAILED
	PAIR=$(basename "$1")
	unset -f serve job
	# shellcheck source=/dev/null
	. "$1" || die "there is no pair $1"
	: >"$LAB_DIR/servers"
	expect "$PAIR: $TITLE: the servers listen" start_all "$STANDARD" "$FOREIGN"
	[ "$LAB_FAILED" -eq "$failed" ] || return
	if [ "$SETTLED_BY" = guess ]; then
		test_guessed
	else
		in_allow_phase
		in_deny_phase
		[ ${#PORTS[@]} -gt 1 ] || where_it_is_unknown
	fi
	mapfile -t pids <"$LAB_DIR/servers"
	kill "${pids[@]}" 2>/dev/null
	wait_for 10 gone_all "${pids[@]}" || kill -KILL "${pids[@]}" 2>/dev/null
}

test_pairs() {
	local file
	lab_up
	chmod 711 "$LAB_DIR"
	lab_machine client 101 10.10.0.11/24 2001:db8::11/64
	lab_machine server 102 10.10.0.21/24 2001:db8::21/64
	lab_appliance ""
	on server tcpdump -i eth0 --immediate-mode -U -w "$LAB_DIR/wire.pcap" 2>"$LAB_DIR/log/tcpdump" &
	wait_for 5 grep -q listening "$LAB_DIR/log/tcpdump" || die "tcpdump does not run"
	serve_http server "$CONTROL_HTTP"
	serve_ssh server "$CONTROL_SSH"
	: >"$LAB_DIR/table"
	for file; do test_pair "$file"; done
	printf '%-12s %-32s %-9s %-22s %7s  %-7s  %s\n' PAIR PROGRAMS PORT RECORD PACKETS ALLOWED DENIED
	cat "$LAB_DIR/table"
	lab_check_identity
	lab_summary
}
