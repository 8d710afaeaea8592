load ../lib/live
load ../lib/git-remote

# Where a release comes from: a remote that falls silent, breaks off, or is reached by ssh.
setup() {
	live_setup
	export SLIPWAY_UPDATE__ENGINE=none
	server_new prod
	sqlite3 "$DB" "CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT NOT NULL UNIQUE); INSERT INTO note(body) VALUES ('first')"
	update --version 1.0.0 2>install.err || { cat install.err; return 1; }
}
teardown() {
	remotes_stop
	live_cleanup
}
whole_state() { tree_state "$ROOT" .slipway data; db_dump "$DB"; }
version_here() { sed -n 's/^version: "\(.*\)"$/\1/p' "$ROOT/config/.version"; }

# big_release VERSION - one whose pack is large enough to be cut in its middle
big_release() { release "$1" --run 'head -c 400000 /dev/urandom >app/big.bin'; }

@test "remote: one that falls silent in the middle of a fetch is left at the deadline; nothing changed, the next fetch works" {
	big_release 1.1.5
	cat >backend.sh <<-'END'
		#!/bin/sh
		git=/usr/lib/git-core/git-http-backend
		case $REQUEST_METHOD:$(cat "${0%/*}/how") in
		POST:silent) $git | { head -c 200000; sleep 60; } ;;
		POST:broken) $git | head -c 200000 ;;
		*) exec $git ;;
		esac
	END
	chmod +x backend.sh
	echo silent >how
	REMOTE_BACKEND=$PWD/backend.sh https_remote_start "$PWD" ''
	export SSL_CERT_FILE=$REMOTE_CA REPO_URL=$REMOTE_URL/sample.git
	whole_state >before
	local began=$SECONDS refs
	refs=$(git -C "$ROOT/.slipway/repo" for-each-ref)
	SLIPWAY_DEPLOY_SETTINGS__TIMEOUTS__GIT=3 run -111 --separate-stderr update
	[ $((SECONDS - began)) -le 8 ]
	[[ "$stderr" == *"no answer from '$REPO_URL' within 3 s"*'nothing was changed'* ]] || { echo "$stderr"; return 1; }
	[ -z "$(ls "$ROOT/.slipway/runs" | grep -v "$(jq -r .run "$ROOT/.slipway/generations/1.json")")" ]
	whole_state | diff before -
	[ "$(git -C "$ROOT/.slipway/repo" for-each-ref)" = "$refs" ]
	echo broken >how
	run -111 --separate-stderr update
	[[ "$stderr" == *"cannot fetch from '$REPO_URL'"*'nothing was changed'* ]] || { echo "$stderr"; return 1; }
	whole_state | diff before -
	echo whole >how
	update
	[ "$(version_here)" = 1.1.5 ]
	[ -z "$(find "$ROOT/.slipway/repo" -name '*.lock' ! -name slipway.lock -o -path '*/pack/*' ! -name 'pack-*')" ]
	remotes_stop
}

@test "remote: by ssh with the configured deploy key and known hosts; without them nothing is changed" {
	ssh_serve sample.git
	mkdir "$ROOT/config/keys"; mv deploy "$ROOT/config/keys/deploy"
	sed -i "0,/^    url: /s|^    url: .*|    url: '$REMOTE_URL/team/app.git'\n    ssh_key: config/keys/deploy\n    known_hosts: $PWD/known|" "$ROOT/config/slipway.yaml"
	grep -q ssh_key "$ROOT/config/slipway.yaml"
	whole_state >before
	mv known known.good; ssh-keygen -q -t ed25519 -N '' -f other
	printf '[127.0.0.1]:%s %s\n' "$SSH_PORT" "$(cat other.pub)" >known
	run -100 --separate-stderr update
	[[ "$stderr" == *"the host key of '127.0.0.1' is another one than the known hosts hold"*'nothing was changed'* ]] || { echo "$stderr"; return 1; }
	mv known.good known
	SLIPWAY_SERVER_UPDATE__REPOSITORY__SSH_KEY=$PWD/other run -100 --separate-stderr update
	[[ "$stderr" == *'the server refused the key'*'nothing was changed'* ]] || { echo "$stderr"; return 1; }
	chmod 644 "$ROOT/config/keys/deploy"
	run -100 --separate-stderr update
	[[ "$stderr" == *"key 'config/keys/deploy' can be read by others"* ]] || { echo "$stderr"; return 1; }
	chmod 600 "$ROOT/config/keys/deploy"
	whole_state | diff before -
	update
	[ "$(version_here)" = 1.1.0 ]
	[ "$(stat -c %a "$ROOT/config/keys/deploy")" = 600 ]
	! grep -r 'PRIVATE KEY' "$ROOT/.slipway" backups
}
