# killer.bash - kills a workflow and all that it has started, finishes or takes back what it left, and looks whether
# the server is the old or the new one, whole. Load it behind live.

# below N - sets PICK to a number of 0..N-1; the same seed gives the same numbers
below() {
	KILL_STATE=$(((KILL_STATE * 1103515245 + 12345) & 0x7fffffff))
	PICK=$(((KILL_STATE >> 8) % $1))
}

# Whatever was started with this mark in its environment, in any session and below any parent.
marked() { # MARK
	local p
	while IFS=/ read -r _ _ p _; do echo "$p"; done < <(grep -lszxF "KILL_MARK=$1" /proc/[0-9]*/environ)
}

# marked_start COMMAND... - in the background, under a mark of its own; its output goes to round.out
marked_start() {
	MARK=$NAME-$RANDOM-$RANDOM
	KILL_MARK=$MARK setsid "$@" >>round.out 2>&1 3>&- 8>&- &
	MARKED=$!
	echo "$MARKED" >>"$BATS_TEST_TMPDIR/here/started.pids"
}

# marked_kill HOW - kills it and all that it has started; false when COMMAND had ended by itself.
# HOW: at-once (all stand still, then all are killed: a power cut), or one-by-one (the survivors act on the death of
# the others, as when a control group is killed).
marked_kill() {
	local pids rc=0
	while pids=$(marked "$MARK"); [ -n "$pids" ]; do
		[ "$1" = one-by-one ] || kill -STOP $pids 2>/dev/null
		[ "$1" = one-by-one ] || pids=$(marked "$MARK")
		# shellcheck disable=SC2046 # one word a process
		kill -KILL $(shuf -e --random-source=<(yes "$KILL_STATE") $pids) 2>/dev/null
	done
	wait "$MARKED" || rc=$?
	[ "$rc" = 137 ]
}

pause() { sleep "$(($1 / 100)).$(printf %02d $(($1 % 100)))"; } # HUNDREDTHS

killed_after() { # HUNDREDTHS HOW COMMAND...
	local wait=$1 how=$2
	shift 2
	marked_start "$@"
	pause "$wait"
	marked_kill "$how"
}

# The next release of round N: files come, change and go, and the schema changes.
next_release() { # N
	release "1.1.$1" --file app/greeting.txt "hello $1" --file "app/only $1.txt" "$1" --remove "app/only $(($1 - 1)).txt" \
		--migration "CREATE TABLE round_$1(x integer); INSERT INTO round_$1 VALUES ($1);"
}

# finish - resume or undo until nothing is unfinished; each is killed at times
finish() {
	local tries=0 verb rc
	while [ -e "$ROOT/.slipway/current" ]; do
		tries=$((tries + 1))
		below 2
		if [ "$PICK" = 0 ]; then verb=(resume); else verb=(undo -y --allow set-aside); fi
		below 3
		if [ "$PICK" = 0 ] && [ "$tries" -le 2 ]; then
			below 400
			echo "  ${verb[0]}, killed after $PICK" >>rounds
			killed_after "$PICK" at-once slipway -C "$ROOT" "${verb[@]}" || true
			continue
		fi
		echo "  ${verb[0]}" >>rounds
		rc=0
		timeout -k 5 300 slipway -C "$ROOT" "${verb[@]}" >>round.out 2>&1 || rc=$?
		# 100: behind the point of no return undo says no
		case "${verb[0]} $rc" in 'resume 0' | 'undo 0' | 'undo 100' | 'resume 1' | 'undo 1') ;;
		*) echo "${verb[*]}: status $rc" >&2; return 1 ;;
		esac
		[ "$tries" -lt 12 ] || { echo "still unfinished after $tries tries" >&2; return 1; }
	done
}

runs_version() { sed -n 's/^version: "\(.*\)"/\1/p' "$ROOT/config/.version"; }

# old_or_new N SINCE - after the writer has stopped: the server is what `remember` saw, or release 1.1.N, and nothing
# that was acknowledged since then, and nothing else, is left
old_or_new() {
	local missing left
	if [ "$(runs_version)" = "1.1.$1" ]; then
		echo '  new' >>rounds
		assert_server_is "1.1.$1"
		[ "$(db_sql "$DB" "SELECT x FROM round_$1")" = "$1" ]
		[ "$(docker inspect -f '{{.HostConfig.RestartPolicy.Name}}' "$(container_of app)")" = unless-stopped ]
	else
		echo '  old' >>rounds
		assert_as_before
	fi
	# shellcheck disable=SC2046 # one word a database
	missing=$(rows_missing "$2" "$(date +%s%N)" "$DB" $(asides))
	[ -z "$missing" ] || { echo "rows lost: $missing" >&2; return 1; }
	left=$(find "$ROOT" -path "$ROOT/.slipway/runs" -prune -o -name '*.slipway-*' -print
		docker ps -aq --filter "label=com.docker.compose.project=$NAME" --filter label=com.docker.compose.service=app | tail -n +2)
	[ -z "$left" ] || { echo "left over: $left" >&2; return 1; }
	[ "$(docker ps -aq --filter "label=com.docker.compose.project=$NAME" | wc -l)" = "$DB_CONTAINERS" ]
	[ ! -e "$ROOT/.slipway/current" ]
}
