load ../lib/common
load ../lib/git-remote

teardown() { remotes_stop; }

# commit TEXT [TAG] - a commit in the repository r, perhaps tagged; its text stands in the file f
commit() {
	echo "$1" >r/f
	git -C r add f
	git -C r commit -q -m "$1"
	[ $# -lt 2 ] || git -C r tag "$2"
}

# sample - the repository r with two commits, two branches, a light and an annotated tag; p/r.git is its mirror
sample() {
	repo_make r; commit one v1.0.0; git -C r branch old; commit two
	git -C r tag -a -m x v1.1.0; git -C r -c advice.nestedTag=false tag -a -m x nested v1.1.0
}

serve_bare() { # what a server has: sample as p/r.git
	mkdir -p p; rm -rf p/r.git
	git clone -q --mirror r p/r.git
}

head_of() { git -C r rev-parse "$1^{commit}"; }

# same_refs SOURCE MIRROR - branches and tags are the same, and all that they lead to is there
same_refs() {
	diff <(git -C "$1" show-ref -d --heads --tags) <(git -C "$2" show-ref -d --heads --tags) &&
		git -C "$2" fsck --strict --no-dangling --connectivity-only >/dev/null
}

no_strays() { # nothing but a repository and the lock
	[ -z "$(find "$1" -name '*.lock' ! -name slipway.lock -o -name '*slipway-*' -o -path '*/pack/*' ! -name 'pack-*')" ]
}

@test "repo-fetch: makes a bare mirror of all branches and tags and prints the commit of the default branch" {
	sample
	run -0 --separate-stderr repo-fetch r m
	[ "$output" = "$(head_of main)" ]
	[ -z "$stderr" ]
	same_refs r m
	[ "$(stat -c %a m)" = 700 ]
	[ "$(git -C m rev-parse --is-bare-repository)" = true ]
	[ "$(git -C m symbolic-ref HEAD)" = refs/heads/main ]
	no_strays m
}

@test "repo-fetch: the remote may be a path, file://, bare or not, with blanks in its name" {
	sample
	mkdir 'a b%41'; git clone -q --mirror r 'a b%41/c.git'
	for url in "$PWD/r" ./r r/.git "file://$PWD/r" "file://localhost$PWD/r" 'a b%41/c.git' "file://$PWD/a%20b%2541/c.git"; do
		rm -rf m
		run -0 repo-fetch "$url" m
		[ "$output" = "$(head_of main)" ]
		same_refs r m
	done
}

@test "repo-fetch: -b and -t choose the commit, of an annotated tag too" {
	sample
	run -0 repo-fetch -b old r m; [ "$output" = "$(head_of old)" ]
	run -0 repo-fetch -t v1.1.0 r m; [ "$output" = "$(head_of main)" ]
	git -C r update-ref refs/tags/--upload-pack=x old
	git -C r update-ref 'refs/heads/$(id)' old
	run -0 repo-fetch -t --upload-pack=x r m; [ "$output" = "$(head_of old)" ]
	run -0 repo-fetch -b '$(id)' r m; [ "$output" = "$(head_of old)" ]
	git -C r tag old main # a tag named like a branch
	run -0 repo-fetch -b old r m; [ "$output" = "$(head_of refs/heads/old)" ]
	run -0 repo-fetch -t old r m; [ "$output" = "$(head_of main)" ]
}

@test "repo-fetch: an unknown branch or tag is named, and the mirror stays as it was" {
	sample
	fails_with 100 "'r' has no branch 'nosuch'" repo-fetch -b nosuch r m
	repo-fetch r m; cp -a m before
	commit three v2.0.0
	fails_with 100 "'r' has no tag 'v9'" repo-fetch -t v9 r m
	fails_with 100 "'r' has no branch 'v1.0.0'" repo-fetch -b v1.0.0 r m
	fails_with 100 "'a..b' cannot be a name in git" repo-fetch -b a..b r m
	fails_with 100 "'--x y' cannot be a name in git" repo-fetch -t '--x y' r m
	diff -r before m
	git -C r tag text "$(git -C r rev-parse main:f)"
	fails_with 100 "tag 'text' of 'r' is not a commit" repo-fetch -t text r m
}

@test "repo-fetch: the second time brings only what is new, and nothing is written when nothing is" {
	sample; head -c 300000 /dev/urandom >r/big; git -C r add big; commit big
	serve_bare; https_remote_start p ''; export SSL_CERT_FILE=$REMOTE_CA
	for url in r "$REMOTE_URL/r.git"; do
		rm -rf m; repo-fetch "$url" m
		touch stamp; sleep 0.02
		run -0 repo-fetch "$url" m
		[ "$output" = "$(head_of main)" ]
		[ -z "$(find m -newer stamp -type f)" ]
	done
	commit three v2.0.0; git -C r push -q --mirror ../p/r.git
	for url in r "$REMOTE_URL/r.git"; do
		run -0 repo-fetch "$url" m
		[ "$output" = "$(head_of main)" ]
		same_refs r m
		[ "$(find m -newer stamp -name '*.pack' -size +100k | wc -l)" = 0 ]
	done
}

@test "repo-fetch: a mirror that git gc has packed goes on" {
	sample; repo-fetch r m; commit three; repo-fetch r m
	git -C m gc -q --prune=now
	run -0 repo-fetch r m; [ "$output" = "$(head_of main)" ]
	commit four v2.0.0
	run -0 repo-fetch r m; [ "$output" = "$(head_of main)" ]
	same_refs r m
}

@test "repo-fetch: what is gone at the remote goes, what was forced follows, folders and files may swap" {
	sample; git -C r branch gone; git -C r branch swap; git -C r branch dir/x
	repo-fetch r m
	git -C r branch -q -D gone swap dir/x; git -C r tag -d v1.0.0 >/dev/null
	git -C r branch swap/inner; git -C r branch dir
	git -C r tag -f v1.1.0 old >/dev/null; git -C r commit -q --amend -m other
	run -0 repo-fetch r m
	[ "$output" = "$(head_of main)" ]
	same_refs r m
	no_strays m
}

@test "repo-fetch: the default branch of the mirror follows the remote, and a loose reference does not stay" {
	sample; repo-fetch r m
	git -C r checkout -q old; git -C m update-ref refs/heads/main "$(head_of old)"; git -C m update-ref refs/tags/mine "$(head_of old)"
	run -0 repo-fetch r m
	[ "$output" = "$(head_of old)" ]
	[ "$(git -C m symbolic-ref HEAD)" = refs/heads/old ]
	same_refs r m
	git -C r checkout -q --detach v1.0.0; git -C r branch -q -D old; commit lost
	fails_with 100 "'r' has no default branch" repo-fetch r m
	run -0 repo-fetch -b main r m
	[ "$output" = "$(head_of main)" ]
}

@test "repo-fetch: an empty or missing remote is the caller's fault, an unreadable one the world's" {
	repo_make r; mkdir folder
	fails_with 100 "'r' is empty" repo-fetch r m
	fails_with 100 "'r' has no branch 'main'" repo-fetch -b main r m
	fails_with 100 "there is no repository '$PWD/no'" repo-fetch no m
	fails_with 100 "there is no repository '/no/such'" repo-fetch file:///no/such m
	fails_with 100 "'$PWD/folder' is not a git repository" repo-fetch folder m
	let_nobody_in; chmod 700 r; mkdir theirs; chown 65534 theirs
	fails_with 111 'Permission denied' as_nobody repo-fetch r theirs/m
}

@test "repo-fetch: fetches by HTTPS with a token, for the default user and for another" {
	sample; serve_bare; https_remote_start p 'g:h%20eim@x'; export SSL_CERT_FILE=$REMOTE_CA SLIPWAY_TOKEN='g:h%20eim@x'
	run -0 --separate-stderr repo-fetch "$REMOTE_URL/r.git" m
	[ "$output" = "$(head_of main)" ]
	[ -z "$stderr" ]
	same_refs r m
	commit three v2.0.0; git -C r push -q --mirror ../p/r.git
	run -0 repo-fetch -u oauth2 -t v2.0.0 "$REMOTE_URL/r.git" m
	[ "$output" = "$(head_of main)" ]
	remotes_stop # which writes out the log
	grep -q '^x-access-token 200 GET' "$REMOTE_LOG"
	grep -q '^oauth2 200 POST' "$REMOTE_LOG"
}

@test "repo-fetch: a wrong token is tried once, without one the server's wish is told, and neither touches the mirror" {
	sample; serve_bare; repo-fetch r m; cp -a m before; commit three; git -C r push -q --mirror ../p/r.git
	https_remote_start p right; export SSL_CERT_FILE=$REMOTE_CA
	SLIPWAY_TOKEN=wrong fails_with 100 "the server refused the token for '$REMOTE_URL/r.git'" repo-fetch "$REMOTE_URL/r.git" m
	SLIPWAY_TOKEN=right fails_with 100 "the server refused the token for '$REMOTE_URL/r.git'" repo-fetch -u nobody "$REMOTE_URL/r.git" m
	SLIPWAY_TOKEN= fails_with 100 "'$REMOTE_URL/r.git' wants a token" repo-fetch "$REMOTE_URL/r.git" m
	fails_with 100 "'$REMOTE_URL/r.git' wants a token" repo-fetch "$REMOTE_URL/r.git" m
	diff -r before m
	remotes_stop
	[ "$(wc -l <"$REMOTE_LOG")" = 6 ] # asked, and asked with the token: twice; asked: twice
}

@test "repo-fetch: without a token an open server is read by https and by http" {
	sample; serve_bare; https_remote_start p ''
	SSL_CERT_FILE=$REMOTE_CA run -0 repo-fetch "$REMOTE_URL/r.git" m
	[ "$output" = "$(head_of main)" ]
	http_serve p ''
	run -0 repo-fetch "$REMOTE_URL/r.git" n
	[ "$output" = "$(head_of main)" ]
	same_refs m n
}

@test "repo-fetch: a token is never sent over plain http" {
	sample; serve_bare; http_serve p right
	SLIPWAY_TOKEN=right fails_with 100 'a token is not sent over plain http' repo-fetch "$REMOTE_URL/r.git" m
	[ ! -e m ]
	remotes_stop
	[ ! -s "$REMOTE_LOG" ]
}

@test "repo-fetch: a certificate of a stranger, for another name or of the past is refused, with a token at hand too" {
	sample; serve_bare; https_remote_start p right; export SLIPWAY_TOKEN=right
	fails_with 111 "cannot trust the certificate of '$REMOTE_URL/r.git'" repo-fetch "$REMOTE_URL/r.git" m
	export SSL_CERT_FILE=$REMOTE_CA
	fails_with 111 'cannot trust the certificate' repo-fetch "https://127.0.0.1:$REMOTE_PORT/git/r.git" m
	run -0 repo-fetch "$REMOTE_URL/r.git" m
	remotes_stop
	[ "$(grep -c . "$REMOTE_LOG")" = 3 ] # asked, asked with the token, the pack: only the third call got that far
	remote_ca other.example
	https_remote_start p right
	fails_with 111 'cannot trust the certificate' repo-fetch "$REMOTE_URL/r.git" m
	rm remote.crt; REMOTE_DAYS=-1 remote_ca localhost
	https_remote_start p right
	fails_with 111 'cannot trust the certificate' repo-fetch "$REMOTE_URL/r.git" m
	SSL_CERT_FILE=$PWD/no fails_with 111 "cannot read the certificates in '$PWD/no'" repo-fetch "$REMOTE_URL/r.git" m
}

@test "repo-fetch: a URL that holds a secret is refused and not shown" {
	for url in https://user:canary@localhost/r.git https://canary@localhost/r.git http://u:canary@localhost/r \
		https://localhost/r.git?private_token=canary https://localhost/r.git#canary ssh://git:canary@localhost/r \
		git:canary@localhost:r.git 'https://localhost\@canary/r' 'https://u:canary @localhost/r' \
		https://canary@:80/x https://%63anary@h/canary@/x; do
		run -100 --separate-stderr repo-fetch "$url" m
		[ -z "$output" ]
		[[ "$stderr" != *canary* ]] || { echo "$stderr"; return 1; }
	done
	[ ! -e m ]
}

@test "repo-fetch: other ways to fetch are refused" {
	fails_with 100 "'git' is not a way to fetch" repo-fetch git://localhost/r m
	fails_with 100 "'ftp' is not a way to fetch" repo-fetch ftp://localhost/r m
	fails_with 100 "'HTTPS' is not a way to fetch" repo-fetch HTTPS://localhost/r m
	fails_with 100 'the ssh address holds a blank' repo-fetch 'ext::sh -c id' m
	fails_with 100 'the ssh address names no repository' repo-fetch ext::sh m
	fails_with 100 "'file://host/r' is not the path of this machine" repo-fetch file://host/r m
	fails_with 100 'the URL names no server' repo-fetch https:///r m
	fails_with 100 'the URL is empty' repo-fetch '' m
	[ ! -e m ]
}

@test "repo-fetch: a redirect to another host or to plain http is not followed, and its target hears nothing" {
	sample; serve_bare; https_remote_start p ''; local target=$REMOTE_PORT target_log=$REMOTE_LOG
	http_serve p ''; local plain=$REMOTE_URL plain_log=$REMOTE_LOG
	export SSL_CERT_FILE=$REMOTE_CA SLIPWAY_TOKEN=canary
	for to in "https://127.0.0.1:$target/git" "https://LOCALHOST.:$target/git" "$plain"; do
		https_remote_start p '' "url.redirect = (\"^/git/(.*)\" => \"$to/\$1\")"
		fails_with 100 "'$REMOTE_URL/r.git' leads on to another server, which is not followed" repo-fetch "$REMOTE_URL/r.git" m
		[[ "$stderr" != *canary* ]]
	done
	remotes_stop
	[ ! -s "$target_log" ]
	[ ! -s "$plain_log" ]
	[ -s "$REMOTE_LOG" ]
}

@test "repo-fetch: a redirect of the server to itself, as for a missing .git, is followed" {
	sample; serve_bare
	https_remote_start p right 'url.redirect = ("^/git/r/(.*)" => "/git/r.git/$1")'
	SLIPWAY_TOKEN=right SSL_CERT_FILE=$REMOTE_CA run -0 repo-fetch "$REMOTE_URL/r" m
	[ "$output" = "$(head_of main)" ]
}

@test "repo-fetch: the token is in no argument, no file, no message and no process that is started" {
	sample; serve_bare; https_remote_start p canary-7391; export SSL_CERT_FILE=$REMOTE_CA SLIPWAY_TOKEN=canary-7391
	ASAN_OPTIONS=detect_leaks=0 run -0 strace -f -s 9999 -v -o trace -e trace=execve,openat,write,sendto,rename repo-fetch "$REMOTE_URL/r.git" m
	[[ "$output" != *canary* ]]
	[ "$(grep -c 'execve(' trace)" = 1 ] # the tool itself, whose environment strace shows
	! grep -v 'execve(' trace | grep -q canary
	! grep -r canary m
	! grep -r "$(printf x-access-token:canary-7391 | base64)" m
	! grep -rE 'localhost|url' m/config
	remotes_stop
}

@test "repo-fetch: a server that accepts and stays silent is left at the deadline, and no process stays" {
	stall_start
	local start=$SECONDS
	fails_with 111 "no answer from 'https://localhost:$STALL_PORT/r.git' within 1 s" repo-fetch -T 1 "https://localhost:$STALL_PORT/r.git" m
	fails_with 111 "no answer from 'http://localhost:$STALL_PORT/r.git' within 1 s" repo-fetch -T 1 "http://localhost:$STALL_PORT/r.git" m
	[ $((SECONDS - start)) -le 4 ]
	! pgrep -f "repo-fetch.*localhost:$STALL_PORT"
	flock -n m/slipway.lock true
}

# a CGI program in front of git http-backend: sh with the text given
backend() {
	printf '#!/bin/sh\n%s\n' "$1" >backend.sh
	chmod +x backend.sh
	export REMOTE_BACKEND=$PWD/backend.sh
}

git_backend=/usr/lib/git-core/git-http-backend

@test "repo-fetch: a server that falls silent in the middle of the pack is left at the deadline, old references stay" {
	sample; serve_bare; repo-fetch r m; cp -a m before
	head -c 200000 /dev/urandom >r/big; git -C r add big; commit big v2.0.0; git -C r push -q --mirror ../p/r.git
	backend "case \$REQUEST_METHOD in POST) $git_backend | { head -c 100000; sleep 30; } ;; *) exec $git_backend ;; esac"
	https_remote_start p ''; export SSL_CERT_FILE=$REMOTE_CA
	fails_with 111 'within 2 s' repo-fetch -T 2 "$REMOTE_URL/r.git" m
	cmp before/packed-refs m/packed-refs
	run -0 repo-fetch r m
	same_refs r m; no_strays m
}

@test "repo-fetch: a pack that is cut, broken or not sent ends with 111, and old references stay" {
	sample; serve_bare; repo-fetch r m; cp -a m before
	head -c 200000 /dev/urandom >r/big; git -C r add big; commit big v2.0.0; git -C r push -q --mirror ../p/r.git
	for filter in 'head -c 100000' 'head -c 700' 'perl -0777 -pe "substr(\$_, 150000, 4) = qq(xxxx)"' 'head -c 0' 'head -c 330'; do
		backend "case \$REQUEST_METHOD in POST) $git_backend | $filter ;; *) exec $git_backend ;; esac"
		https_remote_start p ''
		SSL_CERT_FILE=$REMOTE_CA run -111 --separate-stderr repo-fetch -T 20 "$REMOTE_URL/r.git" m
		[ -z "$output" ]
		[[ "$stderr" == "repo-fetch: cannot fetch from '$REMOTE_URL/r.git': "* ]] || { echo "$filter: $stderr"; return 1; }
		cmp before/packed-refs m/packed-refs
		git -C m fsck --no-dangling
		remotes_stop
	done
	run -0 repo-fetch r m
	same_refs r m; no_strays m
}

@test "repo-fetch: answers of a server: gone is the caller's fault, broken and busy the world's" {
	repo_make r; mkdir p
	answer() { # STATUS WANTED TEXT
		backend "printf 'Status: $1 x\r\nContent-Type: text/plain\r\n\r\n'"
		https_remote_start p ''
		SSL_CERT_FILE=$REMOTE_CA fails_with "$2" "$3" repo-fetch "$REMOTE_URL/r.git" m || return 1
		remotes_stop
	}
	answer 404 100 'there is no repository at'
	answer 410 100 'there is no repository at'
	answer 403 100 'the server refused'
	answer 400 100 'the server answered 400'
	answer 500 111 'unexpected http status code: 500'
	answer 503 111 'unexpected http status code: 503'
	answer 429 111 'unexpected http status code: 429'
	answer 200 111 "invalid content-type: 'text/plain'"
}

@test "repo-fetch: a server that is not there is the world's fault" {
	stall_start; remotes_stop
	fails_with 111 "cannot fetch from 'https://localhost:$STALL_PORT/r.git'" repo-fetch "https://localhost:$STALL_PORT/r.git" m
}

@test "repo-fetch: the proxy of the environment is used" {
	sample; serve_bare; https_remote_start p ''; export SSL_CERT_FILE=$REMOTE_CA
	local url=$REMOTE_URL/r.git
	stall_start; kill "${REMOTE_PIDS[-1]}"
	https_proxy=http://localhost:$STALL_PORT fails_with 111 "cannot fetch from '$url'" repo-fetch "$url" m
	HTTPS_PROXY=http://localhost:$STALL_PORT fails_with 111 "cannot fetch from '$url'" repo-fetch "$url" m
	https_proxy=http://localhost:$STALL_PORT no_proxy=localhost run -0 repo-fetch "$url" m
	run -0 repo-fetch "$url" m
}

@test "repo-fetch: configuration of the user and the machine is not read" {
	sample; repo_make evil; mkdir home
	printf '[url "%s/evil"]\n\tinsteadOf = %s/r\n' "$PWD" "$PWD" >home/.gitconfig
	HOME=$PWD/home GIT_CONFIG_GLOBAL= XDG_CONFIG_HOME=$PWD/home run -0 repo-fetch "$PWD/r" m
	[ "$output" = "$(head_of main)" ]
}

@test "repo-fetch: names that a hostile server offers stay text" {
	sample; repo-fetch r m
	local id; id=$(head_of main)
	pkt() { printf '%04x%s' $((${#1} + 5)) "$1"; printf '\n'; }
	{
		printf 'Status: 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\n\r\n'
		pkt '# service=git-upload-pack'; printf 0000
		printf '%04x%s HEAD\0symref=HEAD:refs/heads/main side-band-64k ofs-delta\n' $((4 + 40 + 6 + 52)) "$id"
		for name in refs/heads/main refs/heads/../../evil /tmp/evil refs/tags/--upload-pack=x refs/tags/a..b 'refs/tags/x y' \
			refs/heads/x.lock refs/remotes/z refs/heads/-; do
			pkt "$id $name"
		done
		printf 0000
	} >advertisement
	backend "exec cat '$PWD/advertisement'"
	mkdir p; https_remote_start p ''
	SSL_CERT_FILE=$REMOTE_CA run -0 --separate-stderr repo-fetch "$REMOTE_URL/r.git" m
	[ "$output" = "$id" ]
	[ "$(git -C m for-each-ref --format='%(refname)' | xargs)" = 'refs/heads/- refs/heads/main refs/tags/--upload-pack=x' ]
	[ -z "$(find . -name 'evil*')" ]
}

@test "repo-fetch: a folder that is not its own is refused and stays as it is" {
	sample; mkdir full; echo x >full/x; echo x >file; git clone -q --mirror r theirs; cp -a theirs before
	fails_with 100 "'full' is not empty and was not made by repo-fetch" repo-fetch r full
	[ "$(ls -A full)" = x ]
	fails_with 100 "'theirs' is not empty and was not made by repo-fetch" repo-fetch r theirs
	diff -r before theirs
	fails_with 100 "'file' exists and is not a folder" repo-fetch r file
	fails_with 111 "cannot make folder 'no/m'" repo-fetch r no/m
	mkdir empty
	run -0 repo-fetch r empty
	same_refs r empty
}

@test "repo-fetch: two at once both end well; one that waits too long says for what" {
	sample; serve_bare; https_remote_start p ''; export SSL_CERT_FILE=$REMOTE_CA
	local pids=() i
	for i in 1 2 3 4 5 6; do
		repo-fetch "$REMOTE_URL/r.git" m >"out$i" 2>"err$i" 3>&- & pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || { cat err*; return 1; }; done
	[ "$(cat out? | sort -u)" = "$(head_of main)" ]
	same_refs r m; no_strays m
	exec 8>>m/slipway.lock; flock 8
	fails_with 111 "another repo-fetch is at work in 'm'" repo-fetch -T 1 r m 8>&-
	exec 8>&-
	run -0 repo-fetch r m
}

@test "repo-fetch: its child ends with it, however it ends, and the next call goes on" {
	sample
	for signal in KILL TERM INT HUP; do
		stall_start
		(trap - INT; exec repo-fetch "https://localhost:$STALL_PORT/r.git" m 3>&-) &
		local pid=$! tries=0
		until [ "$(pgrep -c -f "localhost:$STALL_PORT/r.git m")" = 2 ]; do
			tries=$((tries + 1)); [ $tries -lt 200 ] || return 1
			sleep 0.02
		done
		kill -$signal $pid; wait $pid || true
		tries=0
		while pgrep -f "localhost:$STALL_PORT/r.git m" >/dev/null; do
			tries=$((tries + 1)); [ $tries -lt 50 ] || { echo "$signal left a child"; return 1; }
			sleep 0.02
		done
		run -0 repo-fetch -T 5 r m
	done
	same_refs r m
}

@test "repo-fetch: killed at any of its steps it shows old references or new ones, and the next call ends its work" {
	sample; repo-fetch r old-mirror
	local before; before=$(git -C old-mirror for-each-ref)
	commit three v2.0.0
	local call when state runs=0
	for start in none old; do
		for call in mkdir mkdirat rename renameat fsync unlink unlinkat write openat; do
			for when in 1 2 3 4 5 6 7 8 9 11 13 16 20 25 30 37 45 60 80; do
				rm -rf m; [ $start = none ] || cp -a old-mirror m
				ASAN_OPTIONS=detect_leaks=0 run strace -f -o trace -e trace="$call" -e inject="$call:signal=KILL:when=$when" repo-fetch r m
				grep -q '+++ killed by SIGKILL' trace || break
				runs=$((runs + 1))
				if [ -e m/packed-refs ]; then
					state=$(git -C m for-each-ref)
					[ "$state" = "$(git -C r for-each-ref)" ] || [ "$start $state" = "old $before" ] ||
						{ echo "$start $call $when: $state"; return 1; }
					git -C m fsck --no-dangling --connectivity-only
				fi
				run -0 repo-fetch r m
				same_refs r m && no_strays m || { echo "$start $call $when"; return 1; }
			done
		done
	done
	echo "$runs kills"
	[ $runs -ge 60 ]
}

@test "repo-fetch: a mirror that a power cut left half made is made anew" {
	sample; mkdir -p m/objects/pack m/refs; : >m/slipway.lock; : >m/HEAD; echo '[co' >m/config; echo x >m/config.lock
	: >m/objects/pack/pack-0123456789012345678901234567890123456789.idx; echo x >m/objects/pack/pack_git2_abc
	run -0 repo-fetch r m
	[ "$output" = "$(head_of main)" ]
	same_refs r m; no_strays m
	[ "$(find m/objects/pack -type f | wc -l)" = 2 ]
}

@test "repo-fetch: what it brought is synced before the references show it" {
	sample
	ASAN_OPTIONS=detect_leaks=0 strace -f -y -o trace -e trace=fsync,rename,renameat,renameat2,linkat repo-fetch r m
	run -0 grep -oE 'fsync\([0-9]+<[^>]*|rename[^"]*"[^"]*"[^"]*"[^"]*"' trace
	echo "$output" | sed "s|$PWD/||" >order
	local pack refs
	pack=$(grep -nE 'fsync.*pack' order | head -n 1 | cut -d: -f1)
	refs=$(grep -nE 'rename.*packed-refs' order | cut -d: -f1)
	cat order
	[ "$(grep -cE 'fsync.*(pack|idx)' order)" -ge 3 ]
	[ "$pack" -lt "$refs" ]
	sed -n "$((refs + 1))p" order | grep -q 'fsync.*m$'
}

@test "repo-fetch: a full disk ends with 111, and old references stay" {
	sample; mkdir small; mount -t tmpfs -o size=400k tmpfs small
	local rc=0 kept
	repo-fetch r small/m || rc=1
	kept=$(cat small/m/packed-refs)
	head -c 2000000 /dev/urandom >r/big; git -C r add big; commit big v2.0.0
	run --separate-stderr repo-fetch r small/m
	[ "$(cat small/m/packed-refs)" = "$kept" ] || rc=2
	git -C small/m fsck --no-dangling >/dev/null || rc=3
	git -C r reset -q --hard HEAD~1; git -C r tag -d v2.0.0 >/dev/null; commit three v3.0.0
	local failed=$status
	repo-fetch r small/m || rc=4
	same_refs r small/m || rc=5
	umount small
	[ $rc = 0 ] || { echo "rc $rc: $stderr"; return 1; }
	[ "$failed" = 111 ]
	[ -z "$output" ]
}

@test "repo-fetch: a broken mirror ends with 111 and the hint to remove it" {
	sample; repo-fetch r m
	cp -a m keep
	chmod u+w m/objects/pack/*
	head -c 100 m/objects/pack/*.pack >cut; cat cut >"$(ls m/objects/pack/*.pack)"
	run -111 --separate-stderr repo-fetch r m
	[ -z "$output" ]
	[[ "$stderr" == *"hint: remove 'm': the next repo-fetch makes it anew"* ]]
	rm -rf m; cp -a keep m; echo '[' >m/config
	run -111 --separate-stderr repo-fetch r m
	[[ "$stderr" == *"hint: remove 'm': the next repo-fetch makes it anew"* ]]
	rm -rf m; cp -a keep m; : >m/HEAD
	run -0 repo-fetch r m # which is repaired, as it holds nothing of its own
	[ "$(git -C m symbolic-ref HEAD)" = refs/heads/main ]
	rm -rf m
	run -0 repo-fetch r m
}

@test "repo-fetch: a mirror of another owner is used" {
	sample; repo-fetch r m; commit three; chown -R 65534 m r
	run -0 repo-fetch r m
	chown -R 0 r
	[ "$output" = "$(head_of main)" ]
}

@test "repo-fetch: the example of the man page does what it says" {
	sample; git clone -q --mirror r repo.git
	commit=$(repo-fetch -b main repo.git mirror)
	[ "$(repo-ls mirror "$commit")" = f ]
}

@test "repo-fetch: a full disk under stdout is the world's fault; wrong use shows the usage" {
	sample
	run -111 --separate-stderr sh -c 'repo-fetch r m >/dev/full'
	[[ "$stderr" == *'No space left'* ]]
	fails_with 100 'usage: repo-fetch' repo-fetch r
	fails_with 100 'usage: repo-fetch' repo-fetch r m x
	fails_with 100 'usage: repo-fetch' repo-fetch -b main -t v1 r m
	for seconds in 0 -1 x 5s '' 99999999999999999999; do
		fails_with 100 'is not a number of seconds' repo-fetch -T "$seconds" r m
	done
	run -0 repo-fetch -h
	[[ "$output" == 'usage: repo-fetch'* ]]
}
