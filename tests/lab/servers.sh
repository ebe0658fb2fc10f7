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
	local machine=$1 port=${2:-5432} bin
	local dir=$LAB_DIR/postgres-$1-$port
	bin=$(echo /usr/lib/postgresql/*/bin)
	mkdir -p "$dir"
	chown postgres "$dir"
	runuser -u postgres -- "$bin/initdb" -D "$dir/data" -A trust >"$LAB_DIR/log/initdb-$machine-$port" 2>&1 || die "initdb failed"
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
	local machine=$1 port=${2:-53}
	lab_serve "$machine" "$port" dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --bind-interfaces \
		--interface=eth0 --port="$port" --pid-file="$LAB_DIR/dnsmasq-$machine-$port.pid" --address=/shop.example/10.10.0.21 --user=root --cache-size=0
}

# ---- for pairs of applications (pairs.sh): on the machine `server`, with their files in $DIR ----

make_certificate() { # NAME: of its owner and issuer
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$1" -keyout "$DIR/key" -out "$DIR/certificate" \
		2>"$DIR/openssl" || die "openssl req failed: $(cat "$DIR/openssl")"
}

serve_https() { # PORT NAME
	make_certificate "$2"
	lab_serve server "$1" openssl s_server -quiet -www -accept "$1" -key "$DIR/key" -cert "$DIR/certificate"
}

serve_syslog() { # PORT MODULE: imudp or imtcp
	cat >"$DIR/rsyslog.conf" <<-CONF
		global(workDirectory="$DIR" net.enableDNS="off")
		module(load="$2")
		input(type="$2" port="$1")
		*.* action(type="omfile" file="$DIR/messages" asyncWriting="off")
	CONF
	lab_serve server "$1" rsyslogd -n -iNONE -f "$DIR/rsyslog.conf"
}

serve_dovecot() { # PORT PROTOCOL: imap or pop3
	install -d -o nobody "$DIR/home"
	cat >"$DIR/dovecot.conf" <<-CONF
		protocols = $2
		base_dir = $DIR/run
		state_dir = $DIR/state
		log_path = /dev/stderr
		ssl = no
		disable_plaintext_auth = no
		mail_location = maildir:~/mail
		passdb {
			driver = static
			args = nopassword=y
		}
		userdb {
			driver = static
			args = uid=nobody gid=nogroup home=$DIR/home
		}
		service $2-login {
			inet_listener $2 {
				port = $1
			}
			inet_listener ${2}s {
				port = 0
			}
		}
	CONF
	lab_serve server "$1" dovecot -F -c "$DIR/dovecot.conf"
}

serve_tinyproxy() {
	printf 'Port %d\nListen 0.0.0.0\nTimeout 30\nMaxClients 10\nLogLevel Error\nPidFile "%s/pid"\n' "$1" "$DIR" >"$DIR/tinyproxy.conf"
	lab_serve server "$1" tinyproxy -d -c "$DIR/tinyproxy.conf"
}
