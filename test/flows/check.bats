load ../lib/common

# What `make check` promises, on small files of tests of this test's own.
# A bats within bats must not see the outer one's environment.
apart() {
	env -i PATH="/usr/sbin:/usr/bin:/sbin:/bin:${PATH##*:}" BUILD="${SLIPWAY_BIN%/bin}" CI="${CI-}" SLIPWAY_JOBS=2 \
		${SLIPWAY_SECONDS:+SLIPWAY_SECONDS=$SLIPWAY_SECONDS} \
		${SLIPWAY_ITEM_SECONDS:+SLIPWAY_ITEM_SECONDS=$SLIPWAY_ITEM_SECONDS} "$@"
}
tap() { apart "$SLIPWAY_TOP/test/tap" "$PWD/$1"; }
run_all() { apart "$SLIPWAY_TOP/test/run" "${@/#/$PWD/}"; }

good() { printf '@test "good" { true; }\n' >"$1"; }

@test "check: in CI a skipped test has failed, elsewhere it is skipped" {
	printf '@test "left out" { skip "no engine"; }\n@test "good" { true; }\n' >a.bats
	CI=true run -0 tap a.bats
	[ "${lines[1]}" = 'not ok 1 left out' ]
	[[ "$output" == *'# skipped, which CI does not let pass: no engine'*'ok 2 good' ]]
	CI= run -0 tap a.bats
	[ "${lines[1]}" = 'ok 1 left out # skip no engine' ]
	CI=true run -1 run_all a.bats
	[ "${lines[-1]}" = 'Result: FAIL' ]
	CI= run -0 run_all a.bats
	[ "${lines[-1]}" = 'Result: PASS' ]
}

@test "check: one closing line counts the tests of all files, behind the slowest files" {
	good a.bats; good b.bats; printf '#!/bin/sh\necho 1..3\nfor i in 1 2 3; do echo "ok $i"; done\n' >unit; chmod +x unit
	run -0 run_all a.bats unit b.bats
	[[ "${lines[-2]}" == 'Files=3, Tests=5, '* ]]
	[ "${lines[-1]}" = 'Result: PASS' ]
	[ "$(grep -c 'slowest:' <<<"$output")" = 1 ]
	[ "$(grep -cE '^ +[0-9.]+ s  ' <<<"$output")" = 3 ]
}

@test "check: a test that fails, a file that does not parse, one without tests and a program that crashes make it fail" {
	good good.bats
	printf '@test "bad" { echo why; false; }\n' >bad.bats
	printf '@test "never ended {\n' >broken.bats
	: >empty.bats
	printf '#!/bin/sh\necho 1..2\necho ok 1\nkill -SEGV $$\n' >crash; chmod +x crash
	for f in bad.bats broken.bats crash; do
		run -1 run_all good.bats "$f"
		[ "${lines[-1]}" = 'Result: FAIL' ]
	done
	run -1 run_all good.bats bad.bats
	[[ "$output" == *'# why'* ]]
	CI=true run -1 run_all good.bats empty.bats
}

@test "check: a file that takes too long is ended, and so is the whole" {
	good good.bats
	printf '@test "slow" { sleep 60; }\n' >slow.bats
	SECONDS=0
	SLIPWAY_ITEM_SECONDS=1 run -1 run_all good.bats slow.bats
	[[ "$output" == *'it took too long'* ]]
	SLIPWAY_SECONDS=1 run -124 run_all good.bats slow.bats
	[ "$SECONDS" -lt 30 ]
	[[ "$output" == *'run: ended after 1 s'* ]]
	for _ in {1..50}; do pgrep -f "$(pwd)/[s]low.bats" >/dev/null || break; sleep 0.1; done
	run -1 pgrep -f "$(pwd)/[s]low.bats"
}
