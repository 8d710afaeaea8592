# engine-fault.bash - what happens to the private engine in the middle of an update. Load it behind live and private-engine.
# The server's commands run in the engine's network. A folder `overlay` in front of the tools holds a docker, a
# docker-compose and a journal, at whose command lines the faults of `fault` happen, each of them once.

slipway() { inside slipway "$@"; }
curl() { inside curl "$@"; }
writer() { exec nsenter --net="/proc/$ENGINE_HOLDER/ns/net" -- "$SLIPWAY_BUILD/test/writer" "$@"; }
WRITER=writer

# What can happen. The engine that comes back does so from another session, since a step waits for its own.
away() { private_engine_kill; }
power_cut() { private_engine_power_cut; }
restarts() { private_engine_kill TERM && private_engine_restart; }
back_in() { # SECONDS
	setsid bash -c '. "$0"; sleep "$1"; private_engine_restart' "$SLIPWAY_TOP/test/lib/private-engine.bash" "$1" >/dev/null 2>&1 3>&- 8>&- 9>&- &
}
in_the_making() { # until compose up has started the new container
	local end=$((SECONDS + 10))
	until [ -n "$(docker ps -q --filter "label=com.docker.compose.project=$NAME")" ] || [ "$SECONDS" -ge "$end" ]; do :; done
}

fault_overlay() {
	local tool
	mkdir -p overlay faults
	cat >overlay/docker <<-EOF
		#!/bin/bash
		here=$PWD name=\${0##*/} real=\$(PATH=\${PATH#*overlay:} command -v "\${0##*/}")
		case \$name:\$1 in
		journal:-a)
			said="journal \${*:3}" real=$SLIPWAY_BIN/journal
			echo "\$(date +%s%N) \$said" >>"\$here/journal.times" ;;
		journal:*) exec $SLIPWAY_BIN/journal "\$@" ;;
		docker-compose:* | docker:compose) said="compose \$(grep -oE 'up -d' <<<"\$*")" ;;
		*) said="docker \$*" ;;
		esac
		case \$said in # where the old container must not run
		*'begin step=start' | *'undone step=restore-point')
			docker inspect -f '{{.State.StartedAt}} {{.State.Running}}' "\$OLD" >>"\$here/old.seen" 2>/dev/null ;;
		esac
		for fault in "\$here"/faults/*; do
			[ -f "\$fault/at" ] || continue
			case "\$said " in "\$(cat "\$fault/at") "*) ;; *) continue ;; esac
			mkdir "\$fault/fired" 2>/dev/null || continue
			NAME=$NAME
			. "$SLIPWAY_TOP/test/lib/private-engine.bash"
			. "$SLIPWAY_TOP/test/lib/engine-fault.bash"
			unset -f slipway curl
			happen() { eval "\$(cat "\$fault/what")" >"\$fault/out" 2>&1 9>&-; }
			case \$(cat "\$fault/when") in
			before) happen ;;
			during) "\$real" "\$@" & pid=\$!; happen; wait "\$pid"; exit ;;
			behind) "\$real" "\$@" || exit; happen; exit ;;
			esac
		done
		exec "\$real" "\$@"
	EOF
	chmod +x overlay/docker
	cp overlay/docker overlay/docker-compose
	cp overlay/docker overlay/journal
	for tool in "$SLIPWAY_BIN"/*; do [ -e "overlay/${tool##*/}" ] || ln -s "$tool" overlay/; done
}

# fault before|during|behind COMMAND WHAT - to happen in the next `faulty`; COMMAND is how the line begins
fault() {
	local folder
	FAULTS=$((${FAULTS:-0} + 1))
	folder=faults/$FAULTS # in their order
	mkdir "$folder"
	printf '%s' "$3" >"$folder/what"
	printf '%s' "$2" >"$folder/at"
	printf '%s' "$1" >"$folder/when"
}

# faulty STATUS [OPTION]... - the update in which the faults happen must end with that status; sets BEFORE
faulty() {
	local status_wanted=$1 folder rc=0
	shift
	rm -f old.seen journal.times acked
	BEFORE=$(date +%s%N)
	writer_start
	SLIPWAY_BIN=$PWD/overlay update "$@" 2>faulty.out || rc=$?
	grep -v -e '^  ' -e '^Plan' faulty.out
	for folder in faults/*; do
		[ -d "$folder/fired" ] || { echo "did not happen: $(cat "$folder/what")"; return 1; }
		mv "$folder" "fired.${folder##*/}"
	done
	[ "$rc" = "$status_wanted" ] || { echo "status $rc"; cat fired.*/out; tail -n 20 "$ROOT"/.slipway/runs/*/log; return 1; }
}

# no_row_lost - ends the writer; each row that was acknowledged is in the database or in what was set aside
no_row_lost() {
	local lost
	sleep 0.3
	writer_stop || { echo 'the writer has miscounted'; return 1; }
	lost=$(rows_missing "$BEFORE" "$(date +%s%N)" "$DB" "$DB".set-aside-*[!lm])
	[ -z "$lost" ] || { echo "lost: $lost"; return 1; }
}

# The old container has not run between the stop and the new one or the database of before.
old_code_stayed_down() {
	[ -s old.seen ] && ! grep -vxF -e "$OLD_STARTED false" -e "" old.seen
}
