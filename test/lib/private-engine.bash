# private-engine.bash - a Docker engine of the tests' own, which they may kill: `load ../lib/private-engine`
# private_engine_start in setup_file (or setup), private_engine_stop in teardown_file (or teardown). It lives in name
# spaces of its own (processes, mounts, network) below one process: containers, mounts, bridges and firewall rules end
# with that. Ports that containers publish are inside its network: what must reach them is started with `inside`.

# private_engine_start [DOCKERD-OPTION]... - without a blank in them. Sets DOCKER_HOST for all that follows, and
# ENGINE_HOME: the folder data is the data root (a test may make or mount it before), the file log is dockerd's.
private_engine_start() {
	local _
	ENGINE_HOME=${ENGINE_HOME:-$(mktemp -d /tmp/slipway-engine-XXXXXX)} || return 1
	export ENGINE_HOME ENGINE_OPTIONS="$*" DOCKER_HOST=unix://$ENGINE_HOME/socket
	mkdir -p "$ENGINE_HOME/data"
	echo '{}' >"$ENGINE_HOME/daemon.json" # instead of the machine's own
	# The first process of a name space must reap what loses its parent. The sockets of other engines are out of sight.
	setsid setpriv --pdeathsig KILL unshare --net --pid --mount --propagation slave --fork --kill-child --mount-proc sh -c '
		for d in /run/containerd /run/docker; do mkdir -p "$d" && mount -t tmpfs none "$d" || exit; done
		ip link set lo up || exit
		echo up
		while :; do sleep 3600 & wait $!; done' >"$ENGINE_HOME/holder" 2>&1 3>&- 4>&- 8>&- &
	ENGINE_HOLDER=$!
	disown "$ENGINE_HOLDER"
	for _ in {1..200}; do
		! grep -q up "$ENGINE_HOME/holder" || break
		sleep 0.02
	done
	ENGINE_HOLDER=$(only_child "$ENGINE_HOLDER") || { cat "$ENGINE_HOME/holder"; return 1; }
	export ENGINE_HOLDER
	private_engine_restart
}

only_child() { grep -o '[0-9]*' "/proc/$1/task/$1/children"; }

# inside COMMAND... - in the engine's network
inside() { nsenter --net="/proc/$ENGINE_HOLDER/ns/net" -- "$@"; }

# private_engine_restart - dockerd, the first time or once more; waits until it answers
private_engine_restart() {
	local dockerd _
	# shellcheck disable=SC2086 # one word an option
	setsid nsenter -t "$ENGINE_HOLDER" --net --pid --mount -- dockerd --config-file "$ENGINE_HOME/daemon.json" \
		--data-root "$ENGINE_HOME/data" --exec-root "$ENGINE_HOME/exec" --pidfile "$ENGINE_HOME/pid" --host "$DOCKER_HOST" \
		--cgroup-parent "/${ENGINE_HOME##*/}" $ENGINE_OPTIONS >>"$ENGINE_HOME/log" 2>&1 3>&- 4>&- 8>&- &
	dockerd=$!
	disown "$dockerd" # no message when it is killed
	for _ in {1..300}; do
		if docker version >/dev/null 2>&1; then
			only_child "$dockerd" >"$ENGINE_HOME/dockerd"
			return
		fi
		kill -0 "$dockerd" 2>/dev/null || break
		sleep 0.1
	done
	tail -n 20 "$ENGINE_HOME/log"
	return 1
}

# private_engine_kill [SIGNAL] - ends dockerd, and with SIGKILL its containerd, but not what its containers run
private_engine_kill() {
	local pid
	pid=$(cat "$ENGINE_HOME/dockerd") || return 1
	kill "-${1:-KILL}" "$pid" || return 1
	while kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
}

# private_engine_power_cut - ends dockerd, and all that its containers run, at once
private_engine_power_cut() {
	nsenter -t "$ENGINE_HOLDER" --pid --mount -- sh -c 'kill -KILL -1'
	while kill -0 "$(cat "$ENGINE_HOME/dockerd")" 2>/dev/null; do sleep 0.02; done
}

private_engine_stop() {
	local _
	[ -n "${ENGINE_HOLDER-}" ] || return 0
	kill -KILL "$ENGINE_HOLDER" 2>/dev/null
	while kill -0 "$ENGINE_HOLDER" 2>/dev/null; do sleep 0.02; done
	for _ in {1..100}; do # the kernel takes the mounts away when the last process has gone
		! find "/sys/fs/cgroup" -depth -type d -path "*/${ENGINE_HOME##*/}*" -exec rmdir {} + 2>/dev/null ||
			! rm -rf "$ENGINE_HOME" 2>/dev/null || break
		sleep 0.1
	done
	[ ! -e "$ENGINE_HOME" ] || { echo "'$ENGINE_HOME' is still there"; return 1; }
	unset ENGINE_HOME ENGINE_HOLDER DOCKER_HOST
}
