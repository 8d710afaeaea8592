# broken.bash - for tests of releases that are broken on purpose. Load it behind live.

setup() {
	live_setup
	need_docker
	server_new prod 1.1.0
	db_begin
	server_install v1.1.0
}

# broken VERSION REASON - the update to that release must fail and leave the server as it was, with no row lost
broken() {
	slow_build
	remember
	local old before stop end
	old=$(container_of app)
	watch_stops "$old"
	before=$(date +%s%N)
	writer_start
	SLIPWAY_UPDATE__HEALTH__TIMEOUT=5 SLIPWAY_BIN=$PWD/slow run -111 --separate-stderr update --version "$1"
	sleep 0.5
	writer_stop
	end=$(date +%s%N)
	[ -z "$output" ]
	[[ "$stderr" == *"step "*" failed: "*"$2"*"; log: $ROOT/.slipway/runs/"* ]] || { echo "$stderr"; return 1; }
	assert_as_before
	if [ "$1" != 1.3.1 ]; then
		stop=$(stop_time)
		saved=$(date -d "$(stat -c %y "$(ls -t backups/*.meta | head -n 1)")" +%s%N)
		[ "$(acked_between "$saved" "$stop")" -ge 100 ] || { echo "only $(acked_between "$saved" "$stop") rows"; return 1; }
		[ -z "$(rows_missing "$before" "$stop" "$DB")" ]
	fi
	# shellcheck disable=SC2046 # one word a database
	[ -z "$(rows_missing "$before" "$end" "$DB" $(asides))" ]
	[ "$(acked_between "$before" "$end")" -gt 100 ]
}
