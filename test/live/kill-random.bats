load ../lib/live
load ../lib/killer

# KILL_ROUNDS rounds from KILL_SEED: an update is killed with all that it started at a random time, and then it is
# finished or taken back, which is killed at times too. Whatever happens, the server is the old or the new one.
setup() {
	live_setup
	need_docker
	export SLIPWAY_UPDATE__HEALTH__SOAK=1
	KILL_SEED=${KILL_SEED:-20261123} # the same places each time; make soak has others
	KILL_STATE=$KILL_SEED
	echo "KILL_SEED=$KILL_SEED" >rounds
	: >round.out
}

teardown() {
	[ -n "${BATS_TEST_COMPLETED-}" ] || cat rounds round.out
	[ -z "${KILL_KEEP-}" ] || cp rounds "$KILL_KEEP"
	live_cleanup
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
	old_or_new "$1" "$before"
	rm acked
}

# bats test_tags=postgres
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
