load ../lib/common

# What `make check` promises, on small files of tests of this test's own.
# A bats within bats must not see the outer one's environment.
apart() {
	env -i PATH="/usr/sbin:/usr/bin:/sbin:/bin:${PATH##*:}" BUILD="${SLIPWAY_BUILD:-${SLIPWAY_BIN%/bin}}" CI="${CI-}" SLIPWAY_JOBS=2 \
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

@test "check: under another shell /bin/sh is that shell, with busybox its own commands too; a missing one fails" {
	for shell in busybox mksh bash; do
		sed 's/^TEST/@test/' >which.bats <<-END # bats would take a line that begins with @test for its own
			load $SLIPWAY_TOP/test/lib/common
			TEST "sh" { cmp /bin/sh $(command -v "$shell"); }
			TEST "commands" { [ "\$(basename "\$(readlink "\$SLIPWAY_BIN/cut")")" = busybox ]; [[ "\$(command -v cut)" != \$SLIPWAY_BIN/* ]]; }
		END
		run apart "$SLIPWAY_TOP/test/tap" "sh-$shell/$PWD/which.bats"
		[ "${lines[1]}" = 'ok 1 sh' ]
		case $shell in busybox) [ "${lines[2]}" = 'ok 2 commands' ] ;; *) [ "${lines[2]}" = 'not ok 2 commands' ] ;; esac
	done
	run -1 apart "$SLIPWAY_TOP/test/tap" "sh-nosuch/$PWD/which.bats"
	[[ "$output" == *'not ok 1 - '*'there is no nosuch'* ]]
}

@test "check: an item of Compose v2 says so to its tests, no other does, and without the plugins they fail" {
	mkdir live; ln -s "$SLIPWAY_TOP/test/lib" lib
	sed 's/^TEST/@test/' >live/v2.bats <<-END
		load ../lib/live
		SLIPWAY_TOP=$SLIPWAY_TOP
		setup() { :; }
		docker_answers() { true; }
		TEST "v2" { need_docker; [ "\$COMPOSE_GENERATION" = v2 ]; docker compose version; docker buildx version; }
		TEST "v1" { need_docker; [ "\$COMPOSE_GENERATION" = v1 ]; ! docker compose version; }
		TEST "none" { export SLIPWAY_PLUGINS=\$PWD; ! need_docker; }
		teardown() { :; }
	END
	run -1 apart "$SLIPWAY_TOP/test/tap" "v2/$PWD/live/v2.bats"
	[[ "$output" == *'ok 1 v2'*'not ok 2 v1'*'ok 3 none'* && "$output" != *'not ok 1'* && "$output" != *'not ok 3'* ]]
	run -1 tap live/v2.bats
	[[ "$output" == *'not ok 1 v2'*'ok 2 v1'* && "$output" != *'not ok 2'* ]]
}
