# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The lab: machines in network namespaces round a userspace Open vSwitch that plays the hypervisor's
# switch. A script sources this file, draws its topology on top and then types what a person would.
#
#   lab_up                         a switch and an appliance's trunk, nothing running on it
#   lab_machine NAME VLAN ADDR..   a machine on a portgroup (VLAN): namespace, NIC, addresses
#   lab_appliance POLICY           bulkhead-dataplane under its supervisor, then bulkheadd with POLICY ("" for none)
#   on NAME COMMAND..              run a command on a machine
#   ctl COMMAND..                  bulkheadctl of this lab's appliance
#   expect TEXT COMMAND..          the command succeeds;  refuse TEXT COMMAND..: it fails
#   wait_for SECONDS COMMAND..     until the command succeeds, at most so long
#   lab_check_identity             in + copies == out + drops + consumed + held, on every port
#
# Everything has the prefix $LAB in its name, so that labs run side by side. lab_down runs whatever
# happens: it ends only what the lab started and removes all it made.

set -u -o pipefail

LAB_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${BUILD:-$LAB_ROOT/build}
LAB_DEVICE=${LAB_DEVICE:-af_xdp} # af_xdp | af_packet (whose kernel side reassembles fragments: none are seen)
LAB_WORKERS=${LAB_WORKERS:-1}
LAB_FLOWS=${LAB_FLOWS:-65536} # size of the flow table
LAB=
LAB_DIR=
LAB_PASSED=0
LAB_FAILED=0

# ---- small words ----

say() { printf '%s\n' "$*"; }
die() {
	printf 'lab: %s\n' "$*" >&2
	exit 1
}

on() {
	local machine=$1
	shift
	ip netns exec "$LAB-$machine" "$@"
}

ctl() { "$BUILD/bulkheadctl" --run "$LAB_DIR/run" "$@"; }

# Wait for an event, bounded; the condition is asked again as soon as it is likely to have changed.
wait_for() {
	local seconds=$1 end
	shift
	end=$((SECONDS + seconds))
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		read -rt 0.02 <> <(:) || : # a pause without a process
	done
}

ok() {
	LAB_PASSED=$((LAB_PASSED + 1))
	printf '  ok    %s\n' "$*"
}
not_ok() {
	LAB_FAILED=$((LAB_FAILED + 1))
	printf '  FAIL  %s\n' "$*"
}
expect() {
	local text=$1
	shift
	if "$@" >"$LAB_DIR/last" 2>&1; then ok "$text"; else
		not_ok "$text"
		sed 's/^/        | /' "$LAB_DIR/last"
	fi
}
refuse() {
	local text=$1
	shift
	if ! "$@" >"$LAB_DIR/last" 2>&1; then ok "$text"; else
		not_ok "$text"
		sed 's/^/        | /' "$LAB_DIR/last"
	fi
}

# ---- up ----

lab_up() {
	[ "$(id -u)" = 0 ] || die "network namespaces need root: run as root, or in a container that may make them"
	LAB_DIR=$(mktemp -d /tmp/bulkhead-lab.XXXXXX)
	LAB=bh${LAB_DIR##*.}
	trap lab_down EXIT
	trap 'exit 130' INT TERM
	mkdir -p "$LAB_DIR"/{ovs,run,state,log}
	ip netns add "$LAB-switch"
	ip netns add "$LAB-appliance"
	ip -n "$LAB-switch" link set lo up
	lab_switch
	lab_trunk trunk
}

# The switch: OVS's userspace datapath, all of it inside a namespace and a folder of its own.
lab_switch() {
	local ovs=$LAB_DIR/ovs
	export OVS_RUNDIR=$ovs OVS_LOGDIR=$ovs OVS_DBDIR=$ovs OVS_SYSCONFDIR=$ovs
	ovsdb-tool create "$ovs/conf.db" /usr/share/openvswitch/vswitch.ovsschema || die "ovsdb-tool failed"
	ip netns exec "$LAB-switch" ovsdb-server "$ovs/conf.db" --remote="punix:$ovs/db.sock" --detach \
		--pidfile="$ovs/ovsdb.pid" --log-file="$ovs/ovsdb.log" --unixctl="$ovs/ovsdb.ctl" 2>/dev/null ||
		die "ovsdb-server did not start, see $ovs/ovsdb.log"
	vsctl --no-wait init
	ip netns exec "$LAB-switch" /usr/lib/openvswitch-switch/ovs-vswitchd "unix:$ovs/db.sock" --detach \
		--pidfile="$ovs/vswitchd.pid" --log-file="$ovs/vswitchd.log" --unixctl="$ovs/vswitchd.ctl" \
		2>/dev/null || die "ovs-vswitchd did not start, see $ovs/vswitchd.log"
	vsctl add-br vsw0 -- set bridge vsw0 datapath_type=netdev
}

vsctl() { ovs-vsctl --db="unix:$LAB_DIR/ovs/db.sock" --timeout=20 "$@"; }

# A cable from the switch to a namespace: veth, named so that it fits 15 bytes and tells whose it is.
lab_cable() {
	local inside=$1 device=$2 outside=$3
	ip link add "$outside" netns "$LAB-switch" type veth peer name "$device" netns "$LAB-$inside" ||
		die "cannot make a veth pair for $inside"
	ip netns exec "$LAB-switch" sysctl -qw "net.ipv6.conf.$outside.disable_ipv6=1"
	ip -n "$LAB-switch" link set "$outside" mtu 1600 up
}

# A trunk port of the appliance: every VLAN, tags kept (VLAN 4095 of a vSwitch).
lab_trunk() {
	local name=$1
	lab_cable appliance "$name" "p-$name"
	ip netns exec "$LAB-appliance" sysctl -qw "net.ipv6.conf.$name.disable_ipv6=1"
	ip netns exec "$LAB-appliance" ethtool -K "$name" tx off rx off gro off >/dev/null 2>&1
	ip -n "$LAB-appliance" link set "$name" mtu 1600 up
	vsctl add-port vsw0 "p-$name"
}

# The NIC of a machine: addresses at once (no duplicate address detection), no checksums left to hardware.
lab_addresses() {
	local name=$1 address
	shift
	on "$name" ethtool -K eth0 tx off >/dev/null 2>&1
	on "$name" sysctl -qw net.ipv6.conf.eth0.accept_dad=0 net.ipv6.conf.eth0.router_solicitations=0
	ip -n "$LAB-$name" link set lo up
	for address in "$@"; do
		ip -n "$LAB-$name" address add "$address" dev eth0
	done
	ip -n "$LAB-$name" link set eth0 up
}

lab_machine() {
	local name=$1 vlan=$2
	shift 2
	ip netns add "$LAB-$name"
	lab_cable "$name" eth0 "p-$name"
	lab_addresses "$name" "$@"
	if [ "$vlan" = trunk ]; then vsctl add-port vsw0 "p-$name"; else
		vsctl add-port vsw0 "p-$name" tag="$vlan"
	fi
}

# A machine on a port of its own, without the switch: untagged.
lab_direct() {
	local name=$1 port=$2
	shift 2
	ip netns add "$LAB-$name"
	ip link add "$port" netns "$LAB-appliance" type veth peer name eth0 netns "$LAB-$name"
	ip netns exec "$LAB-appliance" sysctl -qw "net.ipv6.conf.$port.disable_ipv6=1"
	ip netns exec "$LAB-appliance" ethtool -K "$port" tx off rx off gro off >/dev/null 2>&1
	ip -n "$LAB-appliance" link set "$port" mtu 1600 up
	lab_addresses "$name" "$@"
}

# ---- the appliance ----

lab_config() {
	local device
	case $LAB_DEVICE in
	af_xdp) device="net_af_xdp0,iface=trunk" ;;
	*) device="net_af_packet0,iface=trunk,blocksz=65536,framesz=2048,framecnt=4096" ;;
	esac
	cat >"$LAB_DIR/bulkhead.yaml" <<-YAML
		version: 1
		ports:
		  trunk: { device: "$device", mtu: 1500 }
		workers: $LAB_WORKERS
		memory: { huge-pages: auto, size: 512 MiB }
		sizes: { flows: $LAB_FLOWS, macs: 4096, detecting: 4096, dpi-memory: 64 MiB, fragments: 256, mbufs: 16384 }
		paths: { run: $LAB_DIR/run, state: $LAB_DIR/state }
		policy: $LAB_DIR/policy.yaml
		user: root
	YAML
}

# The supervisor of the lab: systemd's part in a few lines. Ends when the file `stop` is there.
lab_supervise() {
	local arguments
	mapfile -t arguments < <("$BUILD/bulkheadctl" config "$LAB_DIR/bulkhead.yaml" --dataplane-arguments)
	[ ${#arguments[@]} -gt 0 ] || die "bulkheadctl config failed"
	while [ ! -e "$LAB_DIR/stop" ]; do
		ip netns exec "$LAB-appliance" "$BUILD/bulkhead-dataplane" "${arguments[@]}" >>"$LAB_DIR/log/dataplane" 2>&1 &
		echo $! >"$LAB_DIR/dataplane.pid"
		wait $! 2>/dev/null
	done
}

lab_dataplane() {
	[ -e "$LAB_DIR/bulkhead.yaml" ] || lab_config
	lab_supervise &
	echo $! >"$LAB_DIR/supervisor.pid"
	wait_for 30 dataplane_is_up || {
		cat "$LAB_DIR/log/dataplane" >&2
		die "the dataplane did not come up"
	}
}

# its heartbeat runs: ports are open, frames are taken, and no segment is only listened to (for loops) any more
dataplane_is_up() { ctl status --json | jq -e '.dataplane.up and .dataplane.answers and .listening == 0'; }

lab_daemon() {
	ip netns exec "$LAB-appliance" "$BUILD/bulkheadd" --config "$LAB_DIR/bulkhead.yaml" >>"$LAB_DIR/log/bulkheadd" 2>&1 &
	echo $! >"$LAB_DIR/bulkheadd.pid"
	wait_for 10 test -S "$LAB_DIR/run/bulkheadd.sock" || die "bulkheadd did not come up: $(cat "$LAB_DIR/log/bulkheadd")"
}

lab_appliance() {
	lab_config
	[ -z "$1" ] || cp -r "$1" "$LAB_DIR/policy.yaml"
	lab_dataplane
	lab_daemon
	[ -z "$1" ] || wait_for 10 policy_in_force || die "the policy did not come into force: $(cat "$LAB_DIR/log/bulkheadd")"
}

policy_in_force() { ctl status --json | jq -e '.policy.generation > 0 and .listening == 0'; }

# ---- servers: started on a machine, known to be listening when this returns, ended with the lab ----

lab_serve() {
	local machine=$1 port=$2
	shift 2
	ip netns exec "$LAB-$machine" "$@" >>"$LAB_DIR/log/$machine-$port" 2>&1 &
	echo $! >>"$LAB_DIR/servers"
	wait_for 20 listening_or_gone "$machine" "$port" $!
	listening "$machine" "$port" || die "nothing listens on $machine:$port: $(cat "$LAB_DIR/log/$machine-$port")"
}

listening_or_gone() { listening "$1" "$2" || gone "$3"; }
listening() { on "$1" ss -Hlntu "sport = :$2" | grep -q .; }

# ---- the end ----

drained() { ctl status --json | jq -e '.identity.holds and .identity.under_way == 0'; }

lab_check_identity() {
	# once: where traffic goes on, a frame is under way again in the next moment
	expect "counter identities hold on every port" wait_for 5 drained
}

lab_summary() {
	printf '%s: %d passed, %d failed\n' "$(basename "$0")" "$LAB_PASSED" "$LAB_FAILED"
	[ "$LAB_FAILED" -eq 0 ]
}

kill_and_wait() {
	local pid=$1 signal=${2:-TERM}
	kill -"$signal" "$pid" 2>/dev/null || return 0
	wait_for 5 gone "$pid" || kill -KILL "$pid" 2>/dev/null
}
gone() { ! kill -0 "$1" 2>/dev/null; }

lab_down() {
	local pid name
	trap - EXIT
	[ -n "$LAB_DIR" ] || return 0
	touch "$LAB_DIR/stop"
	[ ! -e "$LAB_DIR/dataplane.pid" ] || kill_and_wait "$(cat "$LAB_DIR/dataplane.pid")"
	[ ! -e "$LAB_DIR/bulkheadd.pid" ] || kill_and_wait "$(cat "$LAB_DIR/bulkheadd.pid")"
	# whatever still runs in the lab's own namespaces was started by it
	for name in $(ip netns list | awk -v p="$LAB-" 'index($1, p) == 1 { print $1 }'); do
		for pid in $(ip netns pids "$name" 2>/dev/null); do
			kill_and_wait "$pid"
		done
		ip netns delete "$name"
	done
	rm -rf "$LAB_DIR"
}
