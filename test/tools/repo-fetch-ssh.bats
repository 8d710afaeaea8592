load ../lib/common
load ../lib/git-remote

# Against a real sshd on loopback, with a host key of its own and a deploy key.

teardown() { remotes_stop; }

sample() {
	repo_make r
	echo one >r/f
	git -C r add f
	git -C r commit -q -m one
	git -C r tag v1.0.0
}
head_of() { git -C r rev-parse "$1^{commit}"; }
fetch() { repo-fetch -i deploy -k known "$@"; }

@test "repo-fetch ssh: the deploy key and the known hosts are enough, and only what is new is fetched" {
	sample; ssh_serve r
	HOME=$PWD/nowhere run -0 --separate-stderr fetch "$REMOTE_URL/any/r.git" m
	[ "$output" = "$(head_of main)" ]
	[ -z "$stderr" ]
	git -C r commit -q --allow-empty -m two
	run -0 fetch "$REMOTE_URL/any/r.git" m
	[ "$output" = "$(head_of main)" ]
	diff <(git -C r show-ref) <(git -C m show-ref)
	fails_with 100 "has no branch 'none'" fetch -b none "$REMOTE_URL/r.git" m
}

@test "repo-fetch ssh: an address as scp has it, and the configuration of ssh, serve too" {
	sample; ssh_serve r
	mkdir bin # ssh reads the home folder of the user database, not HOME
	printf '#!/bin/sh\nexec %s -F %s/ssh.conf "$@"\n' "$(command -v ssh)" "$PWD" >bin/ssh
	chmod +x bin/ssh
	printf 'Host box\n\tHostName 127.0.0.1\n\tPort %s\n\tUser root\n\tIdentityFile %s\n\tUserKnownHostsFile %s\n' \
		"$SSH_PORT" "$PWD/deploy" "$PWD/known" >ssh.conf
	PATH=$PWD/bin:$PATH run -0 repo-fetch box:team/r.git m
	[ "$output" = "$(head_of main)" ]
}

@test "repo-fetch ssh: a host key that is unknown, or another one than the known, is refused, and no key is offered" {
	sample; ssh_serve r
	: >none
	fails_with 100 "the host key of '127.0.0.1' is not among the known hosts" repo-fetch -i deploy -k none "$REMOTE_URL/r" m
	ssh-keygen -q -t ed25519 -N '' -f other
	printf '[127.0.0.1]:%s %s\n' "$SSH_PORT" "$(cat other.pub)" >changed
	fails_with 100 "the host key of '127.0.0.1' is another one" repo-fetch -i deploy -k changed "$REMOTE_URL/r" m
	printf '@revoked [127.0.0.1]:%s %s\n' "$SSH_PORT" "$(cat host.pub)" >>known
	fails_with 100 "the host key of '127.0.0.1'" repo-fetch -i deploy -k known "$REMOTE_URL/r" m
	! grep -h 'Accepted\|Failed' ssh.*/log
	[ ! -s none ]
	[ ! -e m/packed-refs ]
}

@test "repo-fetch ssh: a wrong key, one with a passphrase, one that others can read: a clear line and no question" {
	sample; ssh_serve r
	ssh-keygen -q -t ed25519 -N '' -f wrong
	ssh-keygen -q -t ed25519 -N 'a passphrase' -f locked
	cp deploy readable; chmod 640 readable
	fails_with 100 'the server refused the key' repo-fetch -i wrong -k known "$REMOTE_URL/r" m
	printf 'restrict %s\n' "$(cat locked.pub)" >>"$(echo ssh.*)/keys"
	# on a terminal of its own, where a question would wait for an answer
	run -0 timeout 20 script -qec "repo-fetch -i locked -k known '$REMOTE_URL/r' m; echo status \$?" /dev/null
	[[ "$output" == *'the server refused the key'*'passphrase'*'status 100'* ]] || { echo "$output"; return 1; }
	fails_with 100 "key 'readable' can be read by others than its owner" repo-fetch -i readable -k known "$REMOTE_URL/r" m
	fails_with 100 "cannot open the key 'no'" repo-fetch -i no -k known "$REMOTE_URL/r" m
	fails_with 100 "cannot open the known hosts 'no'" repo-fetch -i deploy -k no "$REMOTE_URL/r" m
	fails_with 100 "key '.' is not a plain file" repo-fetch -i . -k known "$REMOTE_URL/r" m
}

@test "repo-fetch ssh: a server that is not there, one without the repository, one that closes: whose fault it is" {
	sample; ssh_serve r "git-upload-pack '$PWD/none'"
	fails_with 100 'there is no repository at' fetch "$REMOTE_URL/r" m
	ssh_serve r 'echo ERROR: Repository not found. >&2; exit 1'
	fails_with 100 'there is no repository at' fetch "$REMOTE_URL/r" m
	ssh_serve r 'printf \\\\033[31mbusy\\\\n >&2; exit 1'
	run -111 --separate-stderr fetch "$REMOTE_URL/r" m
	[[ "$stderr" == *busy* && "$stderr" != *$'\033'* ]] || { echo "$stderr"; return 1; }
	remotes_stop
	fails_with 111 'Connection refused' fetch "$REMOTE_URL/r" m
}

@test "repo-fetch ssh: a server that falls silent is left at the deadline, and no ssh stays" {
	sample; ssh_serve r; fetch "$REMOTE_URL/r" m; cp m/packed-refs before
	head -c 300000 /dev/urandom >r/big; git -C r add big; git -C r commit -q -m big
	stall_start
	local began=$SECONDS
	fails_with 111 'within 1 s' fetch -T 1 "ssh://root@127.0.0.1:$STALL_PORT/r" m
	ssh_serve r "git-upload-pack '$PWD/r' | { stdbuf -o0 head -c 100000; sleep 30; }"
	fails_with 111 'within 3 s' fetch -T 3 "$REMOTE_URL/r" m
	[ $((SECONDS - began)) -lt 15 ]
	! pgrep -f "ssh.*-p($STALL_PORT|$SSH_PORT) "
	ssh_serve r "git-upload-pack '$PWD/r' | stdbuf -o0 head -c 100000"
	run -111 fetch "$REMOTE_URL/r" m # cut in the middle
	cmp before m/packed-refs
	ssh_serve r
	run -0 fetch "$REMOTE_URL/r" m
	[ "$output" = "$(head_of main)" ]
	remotes_stop
}

@test "repo-fetch ssh: no part of an address is taken for an option or a command" {
	sample; ssh_serve r 'printf %s \"$SSH_ORIGINAL_COMMAND\" >'"$PWD/asked; git-upload-pack '$PWD/r'"
	for url in ssh://-oProxyCommand=touch%20hit/r ssh://-l@127.0.0.1/r -oProxyCommand=touch:x ssh://root@-x:1/r ssh:///r ssh://h \
		ssh://h:99999999/r ssh://h:x/r ssh://a@b@c/r 'ssh://h/a b' a:-x ssh://; do
		run -100 --separate-stderr repo-fetch -i deploy -k known -- "$url" m
		[[ "$stderr" == *'ssh address'* ]] || { echo "$url: $stderr"; return 1; }
	done
	run -0 fetch "$REMOTE_URL/r'\$(touch\${IFS}hit);x" m
	[ "$(cat asked)" = "git-upload-pack '/r'\\''\$(touch\${IFS}hit);x'" ] || { cat asked; return 1; }
	[ -z "$(find . -name hit)" ]
	SLIPWAY_TOKEN=canary ASAN_OPTIONS=detect_leaks=0 strace -f -s 9999 -v -o trace -e trace=execve repo-fetch -i deploy -k known "$REMOTE_URL/r" m
	grep 'execve("[^"]*/ssh"' trace >ssh.trace
	! grep canary ssh.trace
}
