load ../lib/live
load ../lib/disks

# The disk of the server directory fills behind the plan, with containers.

setup() {
	live_setup
	need_docker
	filler_overlay
	export SLIPWAY_UPDATE__HEALTH__SOAK=1
}
teardown() {
	live_cleanup
	disks_gone
}

server_at_1_0() {
	server_new prod
	sqlite3 "$DB" 'CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT NOT NULL UNIQUE)'
	server_install v1.0.0
}

# full_at RECORD DISK - the update with that disk full from the record on is taken back, while it stays full
full_at() {
	fill_with fill_blocks "$PWD/$2"
	FILL_AT=$1 SLIPWAY_BIN=$PWD/overlay run -111 --separate-stderr update || { echo "$1: $stderr"; return 1; }
	[[ "$stderr" == *'everything is as before' ]] || { echo "$1: $stderr"; return 1; }
	[[ "$stderr" == *'o space left on device'* || "$stderr" == *"the disk of '$PWD/$2"*"' is full"* ]] || { echo "$1: $stderr"; return 1; }
	answers_within 5 /health ok
	make_room "$2"
	assert_as_before || { echo "$1: differs"; return 1; }
}

@test "disk full: of the server, from stop, start or health on: the old container serves again, and no row is lost" {
	local at before end
	disk server 64
	disk backups 24
	server_at_1_0
	remember
	before=$(date +%s%N)
	writer_start
	for at in stop start health; do full_at "begin step=$at" server; done
	end=$(date +%s%N)
	writer_stop
	[ -z "$(rows_missing "$before" "$end" "$DB" "$DB".set-aside-*[!lm])" ]
	[ "$ACKED" -gt 20 ]
	update
	assert_server_is v1.1.0
}
