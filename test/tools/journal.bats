load ../lib/common

# The leak check of ASan does not work under strace.
traced() { ASAN_OPTIONS=detect_leaks=0 strace "$@"; }

three_records() {
	journal -a j begin step=stop
	journal -a j done step=stop
	journal -a j begin 'step=files'
}

@test "journal: appends records and prints them with number, time, state and values" {
	mkdir 'run 7'
	journal -a 'run 7/j' begin step=stop 'msg=a b' && journal -a 'run 7/j' done
	run -0 journal 'run 7/j'
	[ "${#lines[@]}" -eq 2 ]
	[[ "${lines[0]}" =~ ^1$'\t'20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z$'\t'begin$'\t'step=stop$'\t'msg=a%20b$ ]]
	[[ "${lines[1]}" =~ ^2$'\t'[^$'\t']*$'\t'done$ ]]
	grep -qE '^v1 1 run%207 [0-9]{10} [0-9a-f]{8} begin step=stop msg=a%20b crc=[0-9a-f]{8}$' 'run 7/j'
	[ "$(stat -c %a 'run 7/j')" = 600 ]
}

@test "journal: -l prints only the last record" {
	three_records
	run -0 journal -l j
	[ "$(cut -f1,3- <<<"$output")" = "$(printf '3\tbegin\tstep=files')" ]
}

@test "journal: a missing and an empty journal are no, silently" {
	: >empty
	run -1 journal missing; [ -z "$output" ]
	run -1 journal -l missing; [ -z "$output" ]
	run -1 journal empty; [ -z "$output" ]
}

@test "journal: the sum is CRC-32C" {
	journal -a j begin
	# an independent computation, bit by bit
	local body sum=$((0xffffffff)) c i k
	body=$(sed 's/ crc=.*//' j)' '
	for ((i = 0; i < ${#body}; i++)); do
		printf -v c %d "'${body:i:1}"
		((sum ^= c))
		for k in 1 2 3 4 5 6 7 8; do ((sum = sum & 1 ? sum >> 1 ^ 0x82f63b78 : sum >> 1)); done
	done
	[ "$(printf 'crc=%08x' $((sum ^ 0xffffffff)))" = "$(grep -o 'crc=.*' j)" ]
}

@test "journal: values cannot break a record: TAB, newline, control bytes and percent are encoded" {
	journal -a j note "v=$(printf 'a\tb\nc\033[2J%%41')" 'e=' 'q=a=b'
	[ "$(wc -l <j)" -eq 1 ]
	run -0 journal j
	[ "$(cut -f4- <<<"$output")" = "$(printf 'v=a%%09b%%0Ac%%1B[2J%%2541\te=\tq=a=b')" ]
}

@test "journal: a tail torn at any byte is not there, and the next record takes its place" {
	three_records
	cp j whole
	local two all at
	two=$(head -n 2 whole | wc -c); all=$(wc -c <whole)
	for ((at = two + 1; at < all; at++)); do
		head -c "$at" whole >j
		[ "$(journal j | wc -l)" -eq 2 ] || { echo "read at $at"; return 1; }
		journal -a j done step=again
		[ "$(journal j | cut -f1,3,4 | tail -n 1)" = "$(printf '3\tdone\tstep=again')" ] || { echo "append at $at"; return 1; }
		[ "$(wc -l <j)" -eq 3 ] || { echo "tail stayed at $at"; return 1; }
	done
}

@test "journal: blocks of zeros that a power cut left count as torn" {
	three_records
	head -c 100 /dev/zero >>j
	[ "$(journal j | wc -l)" -eq 3 ]
	journal -a j done
	[ "$(journal j | wc -l)" -eq 4 ]
	[ "$(tr -d '\0' <j | wc -c)" -eq "$(wc -c <j)" ]
}

@test "journal: a flipped bit is never read as a record, and in the middle it is damage" {
	three_records
	cp j whole
	local all two at byte status_seen good
	all=$(wc -c <whole); two=$(head -n 2 whole | wc -c); good=$(journal whole)
	for ((at = 0; at < all; at++)); do
		cp whole j
		byte=$(od -An -tu1 -j "$at" -N 1 j)
		# shellcheck disable=SC2059
		printf "\\x$(printf %x $((byte ^ 1 << at % 8)))" | dd of=j bs=1 seek="$at" conv=notrunc status=none
		status_seen=0; journal j >out 2>err || status_seen=$?
		if ((at < two)); then
			[ "$status_seen" -eq 100 ] && grep -q "j:[12]: damaged record" err || { echo "$at: $status_seen"; return 1; }
		else
			[ "$status_seen" -eq 0 ] && [ "$(cat out)" = "$(head -n 2 <<<"$good")" ] || [ "$status_seen" -eq 100 ] ||
				{ echo "$at: $status_seen"; return 1; }
		fi
	done
}

@test "journal: a journal damaged in the middle takes no more records" {
	three_records
	sed -i '2s/done/dome/' j
	cp j before
	fails_with 100 "j:2: damaged record" journal -a j done
	cmp j before
}

@test "journal: a record that is missing in the middle is damage" {
	three_records
	sed -i 2d j
	fails_with 100 "j:2: damaged record" journal j
}

@test "journal: a file that is no journal is refused and stays as it is" {
	echo 'dear diary' >diary
	fails_with 100 "diary:1: damaged record" journal -a diary begin
	[ "$(cat diary)" = 'dear diary' ]
	fails_with 100 "diary:1: damaged record" journal diary
	mkfifo pipe
	fails_with 100 "'pipe' is not a plain file" journal -a pipe begin
	fails_with 100 "'.' is not a plain file" journal .
	ln -s diary link
	fails_with 111 "cannot open 'link'" journal -a link begin
	head -c 70000000 /dev/zero >big
	fails_with 100 "'big' is larger than" journal big
}

@test "journal: twenty writers at once leave consecutive numbers" {
	local i pids=()
	for i in {1..20}; do journal -a j begin n="$i" & pids+=($!); done
	wait "${pids[@]}"
	[ "$(journal j | cut -f1 | tr '\n' ' ')" = "$(seq 20 | tr '\n' ' ')" ]
	[ "$(journal j | cut -f4 | sort -u | wc -l)" -eq 20 ]
}

@test "journal: a new file's folder is synced, then the record is one write and one fsync" {
	mkdir run; : >trace
	traced -y -o trace -e trace=write,fsync,ftruncate journal -a run/j begin step=a
	[ "$(grep -oE '^[a-z]+\([0-9]+<[^>]*/(run|j)>' trace | sed -E 's/\(.*\/(run|j)>/ \1/' | tr '\n' ,)" = 'fsync run,write j,fsync j,' ]
	traced -y -o trace -e trace=write,fsync journal -a run/j done
	[ "$(grep -oE '^[a-z]+\([0-9]+<[^>]*/(run|j)>' trace | sed -E 's/\(.*\/(run|j)>/ \1/' | tr '\n' ,)" = 'write j,fsync j,' ]
}

@test "journal: a fsync that fails is a failure, and the record is not there" {
	journal -a j begin
	run -111 --separate-stderr traced -o /dev/null -e inject=fsync:error=EIO journal -a j done
	[[ "$stderr" == *"cannot append to 'j': I/O error"* || "$stderr" == *"cannot append to 'j': Input/output error"* ]]
	[ "$(journal j | wc -l)" -eq 1 ]
}

@test "journal: a full disk is 111 and leaves the records that were there" {
	mkdir small
	mount -t tmpfs -o size=4k tmpfs small
	local n=0 st=0
	while ((n < 200)); do journal -a small/j begin n=$n 2>err || { st=$?; break; }; n=$((n + 1)); done
	local left; left=$(journal small/j | wc -l)
	umount small
	[ "$st" -eq 111 ]
	grep -q 'No space left' err
	[ "$left" -eq "$n" ]
}

@test "journal: room for a run is set aside, so that a disk that fills up later takes its records" {
	mkdir small
	mount -t tmpfs -o size=256k tmpfs small
	local st=0 i
	journal -a small/j begin
	cat /dev/zero >small/filler 2>/dev/null || true
	for i in {1..100}; do journal -a small/j done n="$i" || { st=$?; break; }; done
	umount small
	[ "$st" -eq 0 ]
}

@test "journal: a record of more than 1024 bytes is refused and nothing is written" {
	fails_with 100 "record 'note' is larger than 1024 bytes" journal -a j note "v=$(printf 'x%.0s' {1..1024})"
	run -1 journal j
	fails_with 100 "larger than 1024 bytes" journal -a j note "v=$(printf '\001%.0s' {1..340})"
	fails_with 100 "larger than 1024 bytes" journal -a j "$(printf 'x%.0s' {1..2000})"
	local n
	for n in {930..1000}; do
		journal -a j note "v=$(head -c "$n" /dev/zero | tr '\0' x)" 2>/dev/null || break
	done
	[ "$n" -lt 1000 ]
	[ "$(awk '{ if (length($0) > m) m = length($0) } END { print m + 1 }' j)" -eq 1024 ]
	[ "$(journal j | wc -l)" -eq $((n - 930)) ]
}

@test "journal: states, keys and values that are none are refused" {
	local bad
	for bad in '' Begin 'a b' 1x $'a\n' -x; do
		fails_with 100 "is not a state" journal -a -- j "$bad"
	done
	for bad in novalue =x 'K=x' 'a b=c' 'crc=1' ''; do
		fails_with 100 "is not KEY=VALUE" journal -a j begin "$bad"
	done
	fails_with 100 "key 'a' is given twice" journal -a j begin a=1 ab=3 a=2
	run -1 journal j
}

@test "journal: wrong use is 100, a missing folder 111, a full stdout 111" {
	fails_with 100 usage journal
	fails_with 100 usage journal -a j
	fails_with 100 usage journal -l -a j begin
	fails_with 100 usage journal j extra
	fails_with 111 "cannot find the folder of 'no/j'" journal -a no/j begin
	journal -a j begin
	full() { journal j >/dev/full; }
	run -111 --separate-stderr full
	[[ "$stderr" == *"cannot write to standard output"* ]]
	run -0 journal -h
	[[ "$output" == "usage: journal -a FILE STATE"* ]]
}

@test "journal: the example of the man page runs" {
	sed -n '/^\.Bd/,/^\.Ed/{/^\.[BE]d/d;p}' "$SLIPWAY_TOP/man/journal.1" >example
	run -0 sh -eu example
	[ "$output" = "$(printf '2\tdone\tstep=stop\tservices=app%%20worker')" ]
}
