# killer.bash - kills a workflow and all that it has started at a random time. Load it behind live.

KILL_SEED=${KILL_SEED:-20261123} # the same places each time; other seeds are for long runs

# below N - sets PICK to a number of 0..N-1; the same seed gives the same numbers
below() {
	KILL_STATE=$(((KILL_STATE * 1103515245 + 12345) & 0x7fffffff))
	PICK=$(((KILL_STATE >> 8) % $1))
}

# Whatever was started with this mark in its environment, in any session and below any parent.
marked() { # MARK
	local p
	for p in /proc/[0-9]*/environ; do
		if tr '\0' '\n' 2>/dev/null <"$p" | grep -qxF "KILL_MARK=$1"; then
			p=${p%/environ}
			echo "${p##*/}"
		fi
	done
}

# killed_after HUNDREDTHS HOW COMMAND... - false when COMMAND ended by itself before; its output goes to round.out.
# HOW: at-once (all stand still, then all are killed: a power cut), or one-by-one (the survivors act on the death of
# the others, as when a control group is killed).
killed_after() {
	local mark=$NAME-$RANDOM-$RANDOM wait=$1 how=$2 pid pids rc=0
	shift 2
	KILL_MARK=$mark setsid "$@" >>round.out 2>&1 3>&- 8>&- &
	pid=$!
	echo "$pid" >>"$BATS_TEST_TMPDIR/here/started.pids"
	sleep "$((wait / 100)).$(printf %02d $((wait % 100)))"
	while pids=$(marked "$mark"); [ -n "$pids" ]; do
		[ "$how" = one-by-one ] || kill -STOP $pids 2>/dev/null
		[ "$how" = one-by-one ] || pids=$(marked "$mark")
		# shellcheck disable=SC2046 # one word a process
		kill -KILL $(shuf -e --random-source=<(yes "$KILL_SEED $wait") $pids) 2>/dev/null
	done
	wait "$pid" || rc=$?
	[ "$rc" = 137 ]
}
