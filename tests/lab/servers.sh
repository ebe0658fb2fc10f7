# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Real servers for lab machines, each with its files in the lab's folder: serve_http web 8080, and so on.
# A server is listening when its function returns and ends with the lab.

serve_http() {
	local machine=$1 port=$2 dir=$LAB_DIR/nginx-$1-$2
	mkdir -p "$dir/www"
	printf 'hello from %s\n' "$machine" >"$dir/www/index.html"
	chmod 755 "$dir" "$dir/www"
	cat >"$dir/nginx.conf" <<-CONF
		worker_processes 1; daemon off; pid $dir/pid; error_log $dir/error.log;
		events { worker_connections 256; }
		http { access_log $dir/access.log; client_body_temp_path $dir/b; proxy_temp_path $dir/p; fastcgi_temp_path $dir/f;
		       uwsgi_temp_path $dir/u; scgi_temp_path $dir/s;
		       server { listen 0.0.0.0:$port; listen [::]:$port; root $dir/www; } }
	CONF
	lab_serve "$machine" "$port" nginx -c "$dir/nginx.conf" -e "$dir/error.log"
}

# requests that reached the server
http_requests() { wc -l <"$LAB_DIR/nginx-$1-$2/access.log"; }

serve_postgres() {
	local machine=$1 port=${2:-5432} dir=$LAB_DIR/postgres-$1 bin
	bin=$(echo /usr/lib/postgresql/*/bin)
	mkdir -p "$dir"
	chown postgres "$dir"
	runuser -u postgres -- "$bin/initdb" -D "$dir/data" -A trust >"$LAB_DIR/log/initdb-$machine" 2>&1 || die "initdb failed"
	printf 'host all all 0.0.0.0/0 trust\nhost all all ::/0 trust\n' >>"$dir/data/pg_hba.conf"
	lab_serve "$machine" "$port" runuser -u postgres -- "$bin/postgres" -D "$dir/data" -p "$port" \
		-c listen_addresses='*' -c unix_socket_directories="$dir" -c fsync=off -c shared_buffers=16MB
}

serve_ssh() {
	local machine=$1 port=$2 dir=$LAB_DIR/ssh-$1-$2
	mkdir -p "$dir" /run/sshd
	ssh-keygen -q -t ed25519 -N '' -f "$dir/host"
	[ -e "$LAB_DIR/key" ] || ssh-keygen -q -t ed25519 -N '' -f "$LAB_DIR/key"
	lab_serve "$machine" "$port" /usr/sbin/sshd -D -e -f /dev/null -o Port="$port" -o HostKey="$dir/host" -o PidFile="$dir/pid" \
		-o AuthorizedKeysFile="$LAB_DIR/key.pub" -o StrictModes=no -o UsePAM=no -o PasswordAuthentication=no
}

# ssh from a machine to an address, with the lab's key
ssh_from() {
	local machine=$1 port=$2 address=$3
	shift 3
	on "$machine" ssh -n -p "$port" -i "$LAB_DIR/key" -F /dev/null -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
		-o BatchMode=yes -o ConnectTimeout=5 -o LogLevel=ERROR "root@$address" "$@"
}

serve_iperf() { lab_serve "$1" "${2:-5201}" iperf3 -s -p "${2:-5201}"; }

serve_dns() {
	lab_serve "$1" 53 dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --bind-interfaces \
		--interface=eth0 --pid-file="$LAB_DIR/dnsmasq-$1.pid" --address=/shop.example/10.10.0.21 --user=root --cache-size=0
}
