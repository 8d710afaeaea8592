load ../lib/live
load ../lib/clock

# The clock is put while the new container is waited for and watched.

teardown() {
	clock_gone
	live_cleanup
}

# looks_put TO N - from the N-th look on the clock is at TO
looks_put() {
	: >looks
	printf '#!/bin/sh\necho >>%s/looks\n[ "$(wc -l <%s/looks)" -lt %s ] || { echo %s >%s/time.new; mv %s/time.new %s/time.set; }\nexec %s "$@"\n' \
		"$PWD" "$PWD" "$2" "$1" "$PWD" "$PWD" "$PWD" "$(command -v curl)" >overlay/curl
	chmod +x overlay/curl
	set_clock +0
}
slipway_update() { SLIPWAY_BIN=$PWD/overlay with_clock timeout 120 slipway -C "$ROOT" update -e prod -y "$@"; }

@test "live: the wait for the new container and the watch neither end nor last longer when the clock is put" {
	local to began
	server_new prod
	sqlite3 "$DB" 'CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT NOT NULL UNIQUE)'
	server_install v1.0.0
	fake_clock
	jump_overlay
	export SLIPWAY_UPDATE__HEALTH__SOAK=3 SLIPWAY_UPDATE__HEALTH__TIMEOUT=8
	looks_put -365d 2
	run -0 --separate-stderr slipway_update --version 1.1.0
	[ "$(cat time.set)" = -365d ]
	[[ "$stderr" =~ 'watched for 3 s; not serving for '[0-9]{1,2}\.[0-9]' s' ]] || { echo "$stderr"; return 1; }
	assert_server_is v1.1.0
	release 1.1.6 --fault 500
	for to in +10y -365d; do
		looks_put "$to" 1
		run -111 --separate-stderr slipway_update
		[[ "$stderr" == *'no good answer within 8 s'* ]] || { echo "$stderr"; return 1; }
		[ "$(wc -l <looks)" -ge 2 ] # the first was not the last
		assert_server_is v1.1.0
	done
}
