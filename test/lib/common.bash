# common.bash - what every bats file loads: `load ../lib/common`
# It puts the tools under test in front of PATH (SLIPWAY_BIN, else build/bin), and moves into a scratch folder.
bats_require_minimum_version 1.5.0

SLIPWAY_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export SLIPWAY_TOP
SLIPWAY_BIN=${SLIPWAY_BIN:-$SLIPWAY_TOP/build/bin}
# Only the scripts, which put SLIPWAY_BIN in front of PATH, find the applets. This file is read more than once.
[ "$SLIPWAY_BIN" = "${SLIPWAY_APPLETS-}" ] || PATH=$SLIPWAY_BIN:$SLIPWAY_TOP/scripts:$PATH
SLIPWAY_BIN=${SLIPWAY_APPLETS:-$SLIPWAY_BIN}
export PATH SLIPWAY_BIN LC_ALL=C
unset GIT_DIR GIT_WORK_TREE ENVIRONMENT SLIPWAY_ROOT SLIPWAY_CONFIG SLIPWAY_DATABASE_URL SLIPWAY_TOKEN
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
export GIT_AUTHOR_NAME=Tester GIT_AUTHOR_EMAIL=tester@example.org
export GIT_COMMITTER_NAME=Tester GIT_COMMITTER_EMAIL=tester@example.org

setup() {
	mkdir -p "$BATS_TEST_TMPDIR/here" && cd "$BATS_TEST_TMPDIR/here" || return 1 # bats writes files of its own above
}

# fails_with STATUS TEXT COMMAND... - the status, nothing on stdout, and TEXT in one of at most two lines on stderr
fails_with() {
	local status_wanted=$1 text=$2
	shift 2
	run "-$status_wanted" --separate-stderr "$@"
	[ -z "$output" ] || { echo "stdout: $output"; return 1; }
	[[ "$stderr" == *"$text"* ]] || { echo "stderr: $stderr"; return 1; }
}
