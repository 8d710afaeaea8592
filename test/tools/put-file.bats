load ../lib/common

@test "put-file: writes standard input to a new file" {
	printf 'a\nb' | put-file f
	[ "$(od -An -c f | tr -d ' \n')" = 'a\nb' ]
}

@test "put-file: replaces a file and passes its mode on" {
	echo old >f; chmod 640 f
	echo new | put-file f
	[ "$(cat f)" = new ]
	[ "$(stat -c %a f)" = 640 ]
}

@test "put-file: -m sets the mode of a new and of an old file" {
	umask 077
	echo x | put-file -m 644 f
	[ "$(stat -c %a f)" = 644 ]
	echo x | put-file -m 600 f
	[ "$(stat -c %a f)" = 600 ]
}

@test "put-file: a full disk leaves the old file and no temporary one" {
	mkdir small
	mount -t tmpfs -o size=64k tmpfs small
	echo old >small/f
	head -c 200000 /dev/zero >big
	run -111 --separate-stderr put-file small/f <big
	local left; left=$(ls -A small); local kept; kept=$(cat small/f)
	umount small
	[[ "$stderr" == *"No space left"* ]]
	[ "$left" = f ]
	[ "$kept" = old ]
}

@test "put-file: an unreadable input leaves the old file" {
	echo old >f
	run -111 --separate-stderr put-file f <.
	[ "$(cat f)" = old ]
	[ "$(ls -A)" = f ]
}

@test "put-file: the file is synced, renamed and its folder synced, in this order" {
	echo x | ASAN_OPTIONS=detect_leaks=0 strace -f -o trace -e trace=fsync,rename,renameat,renameat2 put-file f
	run -0 grep -oE 'fsync|rename' trace
	[ "$(echo $output)" = 'fsync rename fsync' ]
}

@test "put-file: a symlink or a folder in the place of the file is refused" {
	ln -s elsewhere link; mkdir dir
	fails_with 100 "'link' exists and is not a plain file" put-file link </dev/null
	fails_with 100 "'dir' exists and is not a plain file" put-file dir </dev/null
}

@test "put-file: a missing folder is the world's fault, a bad mode or a missing operand the caller's" {
	fails_with 111 "cannot open folder 'no'" put-file no/f </dev/null
	fails_with 100 "'9' is not an octal mode" put-file -m 9 f </dev/null
	fails_with 100 'usage: put-file' put-file </dev/null
	[ ! -e f ]
}

@test "put-file: the example of its man page" {
	mkdir config
	printf 'version: "1.2.3"\n' | put-file config/.version
	[ "$(cat config/.version)" = 'version: "1.2.3"' ]
}
