# clock.bash - a clock that jumps, for what slipway starts and nothing else. Load it behind live. A file that uses it
# calls clock_gone in its teardown.

# fake_clock - from now on time.set says what time it is for commands behind with_clock: the clock's own (+0), or far
# from it. Time since the start of the machine goes on, as it does when a real clock is put.
fake_clock() {
	FAKE_LIB=$(find /usr/lib -name 'libfaketime*.so.1' | sort | head -n 1)
	[ -n "$FAKE_LIB" ] || { echo 'faketime is not installed'; return 1; }
	set_clock +0
}
set_clock() { # +10y, -365d, '2026-01-01 00:00:00' (stands still)
	printf '%s\n' "$1" >"$BATS_TEST_TMPDIR/here/time.new"
	mv "$BATS_TEST_TMPDIR/here/time.new" "$BATS_TEST_TMPDIR/here/time.set"
}
with_clock() {
	LD_PRELOAD=$FAKE_LIB FAKETIME_TIMESTAMP_FILE=$BATS_TEST_TMPDIR/here/time.set FAKETIME_NO_CACHE=1 \
		FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1 "$@"
}

# clock_gone - what libfaketime leaves of processes that became another program
clock_gone() {
	local left
	for left in /dev/shm/*faketime_*_[0-9]*; do
		[ ! -e "$left" ] || [ -e "/proc/${left##*_}" ] || rm -f "$left"
	done
}

# jump_overlay - a folder `overlay` in front of the tools, whose journal sets the clock to $JUMP_TO when the record that
# it has written is $JUMP_AT
jump_overlay() {
	mkdir -p overlay
	cat >overlay/journal <<-END
		#!/bin/sh
		"$SLIPWAY_BIN/journal" "\$@" || exit
		[ "\$1" = -a ] || exit 0
		shift 2
		if [ "\$*" = "\${JUMP_AT-}" ]; then echo "\$JUMP_TO" >"$PWD/time.new"; mv "$PWD/time.new" "$PWD/time.set"; fi
	END
	chmod +x overlay/journal
	local tool
	for tool in "$SLIPWAY_BIN"/*; do [ -e "overlay/${tool##*/}" ] || ln -s "$tool" overlay/; done
}
