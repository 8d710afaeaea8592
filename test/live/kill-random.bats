load ../lib/live
load ../lib/killer

# KILL_ROUNDS rounds from KILL_SEED: an update is killed with all that it started at a random time, and then it is
# finished or taken back, which is killed at times too. Whatever happens, the server is the old or the new one.
setup() {
	live_setup
	need_docker
	export SLIPWAY_UPDATE__HEALTH__SOAK=1
	KILL_STATE=$KILL_SEED
	echo "KILL_SEED=$KILL_SEED" >rounds
	: >round.out
}

teardown() {
	[ -n "${BATS_TEST_COMPLETED-}" ] || cat rounds round.out
	[ -z "${KILL_KEEP-}" ] || cp rounds "$KILL_KEEP"
	live_cleanup
}

# The next release of round N: files come, change and go, and the schema changes.
next_release() {
	release "1.1.$1" --file app/greeting.txt "hello $1" --file "app/only $1.txt" "$1" --remove "app/only $(($1 - 1)).txt" \
		--migration "CREATE TABLE round_$1(x integer); INSERT INTO round_$1 VALUES ($1);"
}

is_new() { # VERSION ROUND
	assert_server_is "$1" && [ "$(db_sql "$DB" "SELECT x FROM round_$2")" = "$2" ] &&
		[ "$(docker inspect -f '{{.HostConfig.RestartPolicy.Name}}' "$(container_of app)")" = unless-stopped ]
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
			below 600
			echo "  ${verb[*]}, killed after $PICK" >>rounds
			killed_after "$PICK" at-once slipway -C "$ROOT" "${verb[@]}" || true
			continue
		fi
		echo "  ${verb[*]}" >>rounds
		rc=0
		slipway -C "$ROOT" "${verb[@]}" >>round.out 2>&1 || rc=$?
		# 100: behind the point of no return undo says no
		case "${verb[0]} $rc" in 'resume 0' | 'undo 0' | 'undo 100' | 'resume 1' | 'undo 1') ;;
		*) echo "${verb[*]}: status $rc"; return 1 ;;
		esac
		[ "$tries" -lt 12 ]
	done
}

round() { # N
	local before after how
	: >round.out
	next_release "$1"
	remember
	below 110
	after=$((PICK * WHOLE / 100))
	below 2
	if [ "$PICK" = 0 ]; then how=at-once; else how=one-by-one; fi
	echo "round $1: update, killed $how after $after of $WHOLE" >>rounds
	before=$(date +%s%N)
	writer_start
	killed_after "$after" "$how" slipway -C "$ROOT" update -e prod -y || true
	finish
	sleep 0.3
	writer_stop || { echo "the writer counted $ACKED, there are $(wc -l <acked)"; return 1; }
	if [ "$(sed -n 's/^version: "\(.*\)"/\1/p' "$ROOT/config/.version")" = "1.1.$1" ]; then
		echo '  new' >>rounds
		is_new "1.1.$1" "$1"
	else
		echo '  old' >>rounds
		assert_as_before
	fi
	[ -z "$(rows_missing "$before" "$(date +%s%N)" "$DB" $(asides))" ]
	rm acked
	[ -z "$(find "$ROOT" -path "$ROOT/.slipway/runs" -prune -o -name '*.slipway-*' -print)" ] # no temporary file stays
	[ "$(docker ps -aq --filter "label=com.docker.compose.project=$NAME" | wc -l)" = 1 ]
	[ ! -e "$ROOT/.slipway/current" ]
}

@test "live: killed with all its children at any instant, a run is finished or taken back, and no row is lost" {
	local began n
	server_new prod
	server_install v1.0.0
	release 1.1.1 --file 'app/only 1.txt' 1
	began=$(date +%s%N)
	update --version 1.1.1 2>install.out
	WHOLE=$((($(date +%s%N) - began) / 10000000))
	for ((n = 2; n < 2 + ${KILL_ROUNDS:-4}; n++)); do
		round "$n"
	done
}
