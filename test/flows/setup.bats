load ../lib/common
export SETUP=$SLIPWAY_TOP/scripts/setup # bats has a function setup

# In a mount namespace of its own a test hides what it wants to be missing. `hidden` is sourced there first; apt-get
# is a stub that notes its arguments and what the policy says while it runs.
machine() { # [HIDE]... -- COMMAND...
	local hide=()
	while [ "$1" != -- ]; do hide+=("$1"); shift; done
	shift
	printf '%s\n' "${hide[@]}" >hide.list
	unshare -m bash -c '
		while read -r what; do
			if [ -d "$what" ]; then mount -t tmpfs tmpfs "$what"; else mount --bind /dev/null "$what"; fi || exit 99
		done <hide.list
		[ ! -e prepare ] || . ./prepare
		"$@"' bash "$@"
}

stub_apt() { # [COMMANDS]: what its install does besides
	mkdir -p stub
	cat >stub/apt-get <<-END
		#!/bin/sh
		echo "\$*" >>"$PWD/apt.calls"
		case "\$*" in *install*)
			/usr/sbin/policy-rc.d lighttpd start >/dev/null 2>&1; echo \$? >"$PWD/policy.said"
			${1:-:} ;;
		esac
	END
	chmod +x stub/apt-get
	PATH=$PWD/stub:$PATH
}

# own_sbin: from here on /usr/sbin is as it is, but for policy-rc.d: the file `policy` of the test, or none
own_sbin() {
	mkdir -p sbin.work
	cat >prepare <<-'END'
		mount -t tmpfs tmpfs sbin.work
		mkdir sbin.work/u sbin.work/w
		mount -t overlay overlay -o lowerdir=/usr/sbin,upperdir="$PWD/sbin.work/u",workdir="$PWD/sbin.work/w" /usr/sbin || exit 99
		rm -f /usr/sbin/policy-rc.d
		[ ! -e policy ] || cp -p policy /usr/sbin/policy-rc.d
	END
}

@test "setup: where nothing is missing it says one line, does nothing, and is fast" {
	stub_apt
	local TIMEFORMAT='%U %S' # of the processor: a busy machine makes nothing slow
	for for_tests in '' -t; do
		run -0 --separate-stderr "$SETUP" $for_tests
		[ -z "$output" ]
		[ "${stderr_lines[0]}" = 'setup: nothing is missing' ]
		{ time "$SETUP" $for_tests 2>/dev/null; } 2>took
		awk '{ exit $1 + $2 >= 0.3 }' took
	done
	[ ! -e apt.calls ]
}

@test "setup: -n says what is missing and the packages that bring it, and installs nothing" {
	stub_apt
	run -0 --separate-stderr machine "$(command -v jq)" "$(command -v mandoc)" /usr/include -- "$SETUP" -nt
	[[ "$stderr" == *'missing: jq mandoc stdio.h yaml.h git2.h'* ]]
	[[ "$stderr" == *'apt-get install -y --no-install-recommends --no-remove jq libarchive-dev libc6-dev '* ]]
	[ ! -e apt.calls ]
}

@test "setup: without -t it wants nothing that only the tests need" {
	stub_apt
	run -0 --separate-stderr machine "$(command -v mksh)" "$(command -v bats)" "$(command -v clang)" "$(command -v musl-gcc)" -- "$SETUP"
	[ "${stderr_lines[0]}" = 'setup: nothing is missing' ]
	run -0 --separate-stderr machine "$(command -v mksh)" "$(command -v musl-gcc)" -- "$SETUP" -nt
	[[ "$stderr" == *'missing: musl-gcc mksh'*'--no-remove mksh musl-tools'* ]]
}

stub_go() { # VERSION [LINES]...: a go that answers `env GOVERSION`, and does the lines for the rest
	mkdir -p stub
	printf '%s\n' '#!/bin/sh' "[ \"\$1\" != env ] || { echo '$1'; exit; }" "${@:2}" >stub/go
	chmod +x stub/go
	PATH=$PWD/stub:$PATH
}

@test "setup: -t builds Compose v2 and buildx once, and without -n only" {
	export SLIPWAY_PLUGINS=$PWD/plugins
	stub_go go1.24 'echo "$*" >>"'"$PWD"'/go.calls"' 'while [ $# -gt 0 ]; do [ "$1" != -o ] || { : >"$2"; chmod +x "$2"; }; shift; done'
	run -0 --separate-stderr "$SETUP" -nt
	[[ "$stderr" == 'setup: missing: the plugins of Docker'*'test/plugins' ]]
	[ ! -e plugins ]
	run -0 --separate-stderr "$SETUP" -t
	[[ "$stderr" == 'plugins: building Compose v2.'*'nothing is missing now' ]]
	[ -x plugins/cli-plugins/docker-compose ]
	[ -x plugins/cli-plugins/docker-buildx ]
	[ "$(grep -c '^build ' go.calls)" = 2 ]
	run -0 --separate-stderr "$SETUP" -t
	[ "$stderr" = 'setup: nothing is missing' ]
	[ "$(grep -c '^build ' go.calls)" = 2 ]
}

@test "setup: -t says when there is no Go, an old one, or no answer for it" {
	export SLIPWAY_PLUGINS=$PWD/plugins
	for old in go1.19.8 go1.9 go1.23.4; do
		stub_go $old
		run -100 --separate-stderr "$SETUP" -t
		[[ "$stderr" == *"want Go 1.24 or newer; $PWD/stub/go is $old"*"put docker-compose v2."*"$PWD/plugins/cli-plugins" ]]
	done
	for new in go1.24 go1.26.8 go1.100.1 go2.0; do
		stub_go $new 'echo "dial tcp: no route to host" >&2; exit 1'
		run -111 --separate-stderr "$SETUP" -t
		[[ "$stderr" == *'no route to host'*'is the Go module proxy reachable?'* ]]
	done
	[ -z "$(ls plugins/cli-plugins)" ]
	rm stub/go
	PATH=/usr/sbin:/usr/bin:/sbin:/bin run -100 --separate-stderr machine $(ls /usr/bin/go /usr/local/go/bin/go 2>/dev/null) -- "$SETUP" -t
	[[ "$stderr" == *'there is no go here'* ]]
}

@test "setup: installs what is missing, never removes, and looks again" {
	stub_apt "cp /bin/true $PWD/stub/jq"
	run -0 --separate-stderr machine "$(command -v jq)" -- "$SETUP"
	[[ "$stderr" == *'missing: jq'* && "$stderr" == *'nothing is missing now'* ]]
	[ "$(grep -c update apt.calls)" = 1 ]
	grep -q -- 'install .*--no-install-recommends --no-remove .* jq$' apt.calls
}

@test "setup: a package that did not bring its command, and an apt-get that fails, are 111" {
	stub_apt
	run -111 --separate-stderr machine "$(command -v jq)" -- "$SETUP"
	[[ "$stderr" == *'still missing after apt-get: jq'* ]]
	stub_apt 'exit 100'
	run -111 --separate-stderr machine "$(command -v jq)" -- "$SETUP"
	[[ "$stderr" == *'is this machine online? The command: apt-get install -y'*' jq'* ]]
}

@test "setup: no service may start while it installs, and nothing of it is left" {
	own_sbin
	stub_apt "cp /bin/true $PWD/stub/jq"
	run -0 --separate-stderr machine "$(command -v jq)" -- sh -c '"$SETUP" && ! ls /usr/sbin/policy-rc.d*'
	[ "$(cat policy.said)" = 101 ]
}

@test "setup: a policy that is there stays; one that lets services start is covered for apt-get alone" {
	own_sbin
	printf '#!/bin/sh\nexit 0\n# mine\n' >policy; chmod 755 policy
	stub_apt "cp /bin/true $PWD/stub/jq"
	run -0 --separate-stderr machine "$(command -v jq)" -- sh -c '"$SETUP" && cmp policy /usr/sbin/policy-rc.d'
	[ "$(cat policy.said)" = 101 ]
	printf '#!/bin/sh\nexit 101\n# mine\n' >policy
	rm stub/jq
	run -0 --separate-stderr machine "$(command -v jq)" -- sh -c '"$SETUP" && cmp policy /usr/sbin/policy-rc.d'
	[ "$(cat policy.said)" = 101 ]
}

@test "setup: killed while it installs, it leaves a policy that forbids nothing, and the next one takes it away" {
	own_sbin
	stub_apt "kill -KILL \$PPID"
	run -0 --separate-stderr machine "$(command -v jq)" -- sh -c '
		"$SETUP"; [ -e /usr/sbin/policy-rc.d ] && /usr/sbin/policy-rc.d lighttpd start && echo allowed >after.kill
		printf "#!/bin/sh\ncp /bin/true stub/jq\n" >stub/apt-get
		"$SETUP" && ! ls /usr/sbin/policy-rc.d*'
	[ "$(cat policy.said)" = 101 ]
	[ "$(cat after.kill)" = allowed ]
}

@test "setup: without root it asks sudo, and without sudo says the exact command and ends with 100" {
	stub_apt
	chmod -R a+rwX "$PWD"
	local as=(setpriv --reuid 65534 --regid 65534 --clear-groups sh -c 'setup')
	cp "$SLIPWAY_TOP/scripts/setup" stub/setup
	local tmp=$PWD up=$PWD
	while [ "$up" != /tmp ] && [ "$up" != / ]; do chmod a+x "$up"; up=$(dirname "$up"); done
	if command -v sudo >/dev/null; then hide_sudo=("$(command -v sudo)"); else hide_sudo=(); fi
	run -100 --separate-stderr machine "$(command -v jq)" "${hide_sudo[@]}" -- "${as[@]}"
	[[ "$stderr" == *'run as root: apt-get install -y --no-install-recommends --no-remove jq' ]]
	printf '#!/bin/sh\necho "$*" >"%s/sudo.said"\n' "$tmp" >stub/sudo; chmod +x stub/sudo
	run -0 --separate-stderr machine "$(command -v jq)" -- "${as[@]}"
	[ "$(cat sudo.said)" = "-- $PWD/stub/setup" ]
	as[-1]='setup -t'
	run -0 --separate-stderr machine "$(command -v jq)" "${hide_sudo[@]}" -- "${as[@]}"
	[ "$(cat sudo.said)" = "-- $PWD/stub/setup -t" ]
}

@test "setup: without apt-get it says what is missing and ends with 100" {
	run -100 --separate-stderr machine "$(command -v jq)" "$(command -v apt-get)" -- "$SETUP"
	[[ "$stderr" == *'missing: jq'*'there is no apt-get here'* ]]
}

@test "setup: an engine that does not answer is named with the way to start it, and is no failure" {
	DOCKER_HOST=unix:///nonexistent run -0 --separate-stderr "$SETUP"
	[[ "$stderr" == *'the Docker engine does not answer'*'systemctl start docker'* ]]
}

@test "setup: a docker command of any make is enough; without Compose docker-compose is asked for" {
	mkdir -p stub
	printf '#!/bin/sh\n[ "$1" != compose ]\n' >stub/docker; chmod +x stub/docker
	PATH=$PWD/stub:$PATH
	local hide=()
	for d in /usr/bin/docker /usr/local/bin/docker /usr/bin/docker-compose; do [ ! -e "$d" ] || hide+=("$d"); done
	cp stub/docker docker.keep
	run -0 --separate-stderr machine "${hide[@]}" -- "$SETUP" -n
	[[ "$stderr" == *'missing: docker-compose'* ]]
	[[ "$stderr" != *docker.io* ]]
	printf '#!/bin/sh\nexit 0\n' >stub/docker
	run -0 --separate-stderr machine "${hide[@]}" -- "$SETUP" -n
	[ "$stderr" = 'setup: nothing is missing' ]
}

@test "setup: an operand or an unknown option is refused" {
	fails_with 100 'usage: setup [-nt]' "$SETUP" now
	fails_with 100 'usage: setup [-nt]' "$SETUP" -x
	run -0 "$SETUP" -h
	[ "$output" = 'usage: setup [-nt]' ]
}
