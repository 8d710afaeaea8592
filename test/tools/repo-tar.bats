load ../lib/common
load ../lib/git-remote

sample() {
	repo_make r; cd r
	mkdir -p a/b dé; printf abc >a/b/f; printf '#!/bin/sh\n' >run; chmod +x run; ln -s b/f a/link; echo ü >dé/ü; : >none
	printf x >"a/$(printf '%0150d' 0)"
	git add .; GIT_COMMITTER_DATE='1767225600 +0200' git commit -q -m x; cd ..
}

@test "repo-tar: the tar holds the named files with content, mode, owner 0 and the time of the commit" {
	sample
	repo-ls r main | repo-tar r main >t
	mkdir out; tar -xpf t -C out
	diff -r --no-dereference --exclude .git r out
	[ "$(stat -c '%a %u %g %Y' out/run)" = '755 0 0 1767225600' ]
	[ "$(stat -c '%a %Y' out/a/b/f)" = '644 1767225600' ]
	[ "$(readlink out/a/link)" = b/f ]
	run -0 --separate-stderr tar --numeric-owner -tvf t
	[ -z "$stderr" ]
	[ "$(echo "$output" | awk '{ print $2 }' | sort -u)" = 0/0 ]
}

@test "repo-tar: the order is that of the input" {
	sample
	printf '%s\n' run a/link a/b/f | repo-tar r main | tar -tf - >names
	[ "$(xargs <names)" = 'run a/link a/b/f' ]
}

@test "repo-tar: the same commit and list give the same bytes, in another clone, locale and time zone too" {
	sample
	git clone -q --mirror r copy.git
	git -C copy.git repack -q -a -d
	repo-ls r main >list
	repo-tar r main <list >one
	sleep 1
	TZ=Asia/Tokyo LC_ALL=C.UTF-8 repo-tar copy.git main <list >two
	cmp one two
	LC_ALL=nosuch repo-tar copy.git "$(git -C r rev-parse main)" <list | cmp - one
}

@test "repo-tar: -0 reads NUL-separated paths" {
	sample
	repo-ls -0 r main | repo-tar -0 r main >one
	repo-ls r main | repo-tar r main | cmp - one
}

@test "repo-tar: an empty list gives a tar without files" {
	sample
	repo-tar r main </dev/null >t
	[ -s t ]
	run -0 --separate-stderr tar -tf t
	[ -z "$output$stderr" ]
}

@test "repo-tar: a path that is not there, a folder, a path twice: named, and nothing is written" {
	sample
	fails_with 100 "standard input:2: the commit has no file 'a/c'" repo-tar r main < <(printf 'run\na/c\nnone\n')
	fails_with 100 "standard input:1: 'a' is a folder" repo-tar r main <<<a
	fails_with 100 "standard input:1: 'a/b' is a folder" repo-tar r main <<<a/b
	fails_with 100 "standard input:1: the commit has no file 'a/b/'" repo-tar r main <<<a/b/
	fails_with 100 "standard input:1: the commit has no file './run'" repo-tar r main <<<./run
	fails_with 100 "standard input:1: the commit has no file '../r/run'" repo-tar r main <<<../r/run
	fails_with 100 "standard input:1: the commit has no file '/etc/passwd'" repo-tar r main <<</etc/passwd
	fails_with 100 "standard input:2: the commit has no file ''" repo-tar r main < <(printf 'run\n\n')
	fails_with 100 "standard input:3: 'run' is named twice" repo-tar r main < <(printf 'run\nnone\nrun\n')
	fails_with 100 'holds a NUL byte' repo-tar r main < <(printf 'run\0none\n')
}

@test "repo-tar: reads the files of the commit, not those of the disk" {
	sample
	echo changed >r/run; rm r/none
	echo none >list; echo run >>list
	mkdir out; repo-tar r main <list | tar -xf - -C out
	[ "$(cat out/run)" = '#!/bin/sh' ]
	[ -e out/none ]
}

@test "repo-tar: a missing object is told before anything is written" {
	sample
	local file; file=$(git -C r rev-parse main:a/b/f)
	rm -f "r/.git/objects/${file:0:2}/${file:2}"
	repo-ls r main >list
	fails_with 111 "cannot read 'a/b/f'" repo-tar r main <list
	fails_with 111 "cannot read 'a/b/f'" repo-tar r main < <(printf 'run\na/b/f\n')
	run -0 repo-tar r main <<<run
}

@test "repo-tar: a file that turns out broken ends with 111 and a tar that is seen to be cut" {
	repo_make r
	printf 'first file\n' >r/a; head -c 3000 /dev/urandom >r/b; echo last >r/c
	git -C r add .; git -C r commit -q -m x
	local id object; id=$(git -C r rev-parse main:b)
	object=r/.git/objects/${id:0:2}/${id:2}
	chmod u+w "$object"
	printf '\377\377\377\377' | dd of="$object" bs=1 seek=2000 conv=notrunc status=none
	printf 'a\nb\nc\n' >list
	run -111 --separate-stderr sh -c 'repo-tar r main <list >t'
	[[ "$stderr" == *"cannot read 'b'"* ]]
	run -2 tar -tf t
	[[ "$output" == *'Unexpected EOF'* ]]
}

@test "repo-tar: names of 250 bytes, deep folders and a file of 20 MB pass" {
	repo_make r; cd r
	local deep; deep=$(printf 'folder%s/' $(seq -w 1 40) | cut -c 1-350)
	mkdir -p "$deep"; echo deep >"$deep/$(printf '%0250d' 1)"
	head -c 20000000 /dev/urandom >big
	git add .; git commit -q -m x; cd ..
	mkdir out; repo-ls r main | repo-tar r main | tar -xf - -C out
	diff -r --exclude .git r out
}

@test "repo-tar: a full disk, a reader that goes away or a closed stdout is the world's fault" {
	sample
	repo-ls r main >list
	run -111 --separate-stderr sh -c 'repo-tar r main <list >/dev/full'
	[[ "$stderr" == *'No space left'* ]]
	head -c 3000000 /dev/urandom >r/big; git -C r add .; git -C r commit -q -m big
	sh -c '{ repo-tar r main; echo $? >status; } 2>errors' <<<big | head -c 10 >/dev/null
	[ "$(cat status)" = 111 ]
	grep -q 'cannot write to standard output: Broken pipe' errors
	run -111 --separate-stderr sh -c 'repo-tar r main <list >&-'
}

@test "repo-tar: an unreadable list is the world's fault; wrong use shows the usage" {
	sample
	fails_with 111 "cannot read 'standard input'" repo-tar r main <.
	fails_with 100 "the repository has no commit 'nosuch'" repo-tar r nosuch </dev/null
	fails_with 100 "there is no repository 'no'" repo-tar no main </dev/null
	fails_with 100 'usage: repo-tar' repo-tar r
	fails_with 100 'usage: repo-tar' repo-tar -x r main
	run -0 repo-tar -h
	[[ "$output" == 'usage: repo-tar'* ]]
}
