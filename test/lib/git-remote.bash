# git-remote.bash - repositories and the servers that give them out: `load ../lib/git-remote`
# A file that starts servers calls remotes_stop in its teardown; they also end with the process that started them.

# repo_make DIR [BRANCH] - an empty repository whose branch is main
repo_make() {
	git init -q -b "${2:-main}" "$1"
	git -C "$1" config commit.gpgsign false
}

# as_nobody COMMAND... - without root's right to read everything
as_nobody() {
	setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}

# let_nobody_in - as_nobody may then come to the scratch folder
let_nobody_in() {
	local folder=$PWD
	while [ "$folder" != / ] && [ "$folder" != /tmp ]; do
		chmod o+x "$folder"
		folder=$(dirname "$folder")
	done
}

REMOTE_PIDS=()

# remotes_stop - ends the servers that this test started
remotes_stop() {
	local pid
	for pid in "${REMOTE_PIDS[@]}"; do
		kill "$pid" 2>/dev/null || continue
		wait "$pid" 2>/dev/null || true
	done
	REMOTE_PIDS=()
	return 0
}

# remote_ca NAME... - a CA in remote.ca of the scratch folder, and remote.key, remote.crt of it for the names
remote_ca() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=slipway test CA' \
		-addext 'keyUsage=critical,keyCertSign' -keyout remote.ca.key -out remote.ca 2>/dev/null
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout remote.key -out remote.csr 2>/dev/null
	printf 'subjectAltName=%s\n' "$(printf 'DNS:%s,' "$@" | sed 's/,$//')" >remote.ext
	openssl x509 -req -in remote.csr -CA remote.ca -CAkey remote.ca.key -days "${REMOTE_DAYS:-2}" \
		-extfile remote.ext -out remote.crt 2>/dev/null
}

# http_serve PARENT TOKEN [CONFIG] - gives out the repositories below PARENT as $REMOTE_URL/NAME by git http-backend
# behind lighttpd, with TLS when REMOTE_TLS is set. TOKEN, unless empty, is the password of the users x-access-token
# and oauth2. CONFIG is more for lighttpd. REMOTE_BACKEND may name another CGI program than git's. Sets REMOTE_URL,
# REMOTE_PORT, REMOTE_LOG (one line a request: user, status, request).
http_serve() {
	local parent token=$2 dir
	parent=$(cd "$1" && pwd)
	dir=$(mktemp -d "$PWD/remote.XXXXXX")
	REMOTE_LOG=$dir/access.log
	[ -z "$token" ] || printf '%s:%s\n' x-access-token "$token" oauth2 "$token" >"$dir/users"
	: >"$REMOTE_LOG"
	cat >"$dir/conf" <<-EOF
		server.modules = ("mod_openssl", "mod_auth", "mod_authn_file", "mod_cgi", "mod_setenv", "mod_alias",
			"mod_redirect", "mod_accesslog")
		server.document-root = "$dir"
		server.bind = "127.0.0.1"
		server.port = env.REMOTE_PORT
		server.systemd-socket-activation = "enable"
		server.errorlog = "$dir/error.log"
		accesslog.filename = "$REMOTE_LOG"
		accesslog.format = "%u %s %r"
		alias.url = ("/git" => "${REMOTE_BACKEND:-/usr/lib/git-core/git-http-backend}")
		setenv.set-environment = ("GIT_PROJECT_ROOT" => "$parent", "GIT_HTTP_EXPORT_ALL" => "1",
			"GIT_CONFIG_COUNT" => "1", "GIT_CONFIG_KEY_0" => "safe.directory", "GIT_CONFIG_VALUE_0" => "*")
		\$HTTP["url"] =~ "^/git" { cgi.assign = ("" => "") }
		${3:-}
	EOF
	[ -z "$REMOTE_TLS" ] || cat >>"$dir/conf" <<-EOF
		ssl.engine = "enable"
		ssl.pemfile = "$PWD/remote.crt"
		ssl.privkey = "$PWD/remote.key"
	EOF
	[ -z "$token" ] || cat >>"$dir/conf" <<-EOF
		auth.backend = "plain"
		auth.backend.plain.userfile = "$dir/users"
		auth.require = ("/git" => ("method" => "basic", "realm" => "git", "require" => "valid-user"))
	EOF
	setpriv --pdeathsig TERM perl -MIO::Socket::INET -MPOSIX -e '
		$^F = 9; # keep the socket over exec
		my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => 0, Listen => 64) or die "no port: $!\n";
		open(my $f, ">", "$ARGV[0]/port") or die; print $f $s->sockport, "\n"; close $f;
		POSIX::dup2(fileno($s), 3);
		@ENV{"LISTEN_FDS", "LISTEN_PID", "REMOTE_PORT"} = (1, $$, $s->sockport);
		exec "lighttpd", "-D", "-f", "$ARGV[0]/conf";
	' "$dir" >"$dir/out" 2>&1 3>&- &
	REMOTE_PIDS+=($!)
	wait_for_file "$dir/port"
	read -r REMOTE_PORT <"$dir/port"
	REMOTE_URL=http${REMOTE_TLS:+s}://localhost:$REMOTE_PORT/git
}

# https_remote_start PARENT TOKEN [CONFIG] - http_serve with TLS for the name localhost; REMOTE_CA is what to trust
https_remote_start() {
	[ -f remote.crt ] || remote_ca localhost
	REMOTE_CA=$PWD/remote.ca
	REMOTE_TLS=1 http_serve "$@"
}

# wait_for_file FILE - until it holds a line
wait_for_file() {
	local tries=0
	until [ -s "$1" ]; do
		tries=$((tries + 1))
		[ $tries -lt 500 ] || { echo "no $1 after 5 s" >&2; return 1; }
		sleep 0.01
	done
}

# stall_start - a server that accepts and stays silent; sets STALL_PORT
stall_start() {
	local file
	file=$(mktemp "$PWD/stall.XXXXXX")
	setpriv --pdeathsig TERM perl -MIO::Socket::INET -e '
		my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => 0, Listen => 8) or die "no port: $!\n";
		open(my $f, ">", $ARGV[0]) or die; print $f $s->sockport, "\n"; close $f;
		my @kept; while (my $c = $s->accept) { push @kept, $c }
	' "$file" >/dev/null 2>&1 3>&- &
	REMOTE_PIDS+=($!)
	wait_for_file "$file"
	read -r STALL_PORT <"$file"
}

# tree_raw REPO [MODE NAME OBJECT]... - writes the tree as given, however wrong, and prints its id
tree_raw() {
	local repo=$1
	shift
	perl -e 'while (my ($mode, $name, $id) = splice(@ARGV, 0, 3)) { print "$mode $name\0", pack("H*", $id) }' -- "$@" |
		git -C "$repo" hash-object -t tree --literally -w --stdin
}

# tree_commit REPO TREE - a commit of the tree, on the branch main; prints its id
tree_commit() {
	local id
	id=$(git -C "$1" commit-tree -m tree "$2") && git -C "$1" update-ref refs/heads/main "$id" && echo "$id"
}

# blob REPO TEXT - writes a blob, prints its id
blob() {
	printf %s "$2" | git -C "$1" hash-object -w --stdin
}

# ssh_serve REPOSITORY [COMMAND] - gives it out by ssh to the key ./deploy, whatever path is asked for; COMMAND instead
# of git-upload-pack. Its host key is ./host, which ./known holds. Sets SSH_PORT, and REMOTE_URL without a path.
ssh_serve() {
	local dir key
	dir=$(mktemp -d "$PWD/ssh.XXXXXX")
	for key in host deploy; do [ -e "$key" ] || ssh-keygen -q -t ed25519 -N '' -C x -f "$key"; done
	printf 'restrict,command="%s" %s\n' "${2:-git-upload-pack '$(cd "$1" && pwd)'}" "$(cat deploy.pub)" >"$dir/keys"
	cat >"$dir/conf" <<-END
		HostKey $PWD/host
		AuthorizedKeysFile $dir/keys
		StrictModes no
		UsePAM no
		PasswordAuthentication no
		KbdInteractiveAuthentication no
		PermitRootLogin prohibit-password
		LogLevel VERBOSE
	END
	mkdir -p /run/sshd # Debian makes it when the service starts
	setpriv --pdeathsig TERM perl -MIO::Socket::INET -MPOSIX -e '
		my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => 0, Listen => 64) or die "no port: $!\n";
		open(my $f, ">", "$ARGV[0]/port") or die; print $f $s->sockport, "\n"; close $f;
		$SIG{CHLD} = sub { 1 while waitpid(-1, WNOHANG) > 0 };
		while (1) {
			my $c = $s->accept or next;
			next if fork;
			POSIX::dup2(fileno($c), 0); POSIX::dup2(fileno($c), 1); close $s;
			open(STDERR, ">>", "$ARGV[0]/log");
			exec "/usr/sbin/sshd", "-i", "-e", "-f", "$ARGV[0]/conf";
		}
	' "$dir" >"$dir/out" 2>&1 3>&- &
	REMOTE_PIDS+=($!)
	wait_for_file "$dir/port"
	read -r SSH_PORT <"$dir/port"
	REMOTE_URL=ssh://$(id -un)@127.0.0.1:$SSH_PORT
	printf '[127.0.0.1]:%s %s\n' "$SSH_PORT" "$(cat host.pub)" >known
}
