# flow.sh - sourced by the workflows: the lock, the journal, steps forward and backward, signals
# shellcheck shell=sh
# A run is a folder .slipway/runs/ID; .slipway/current names the one that has begun and not ended. Its steps are
# in vars/steps; what a step needs lies in the folder, so that any later process can finish it or take it back.

. "$SLIPWAY_LIB/step.sh"

# What a workflow says is in the log of its run too.
say() {
	printf '%s\n' "$*" >&2 2>/dev/null || :
	[ -z "$run" ] || printf '%s\n' "$*" 2>/dev/null >>"$run/log" || :
}

flow_open() {
	[ -n "$root" ] || die 100 'SLIPWAY_ROOT is not set' 'run it through slipway'
	cd "$root" || exit 111
	state=$root/.slipway
	env=
	config=$root/$(config_path)
	started=$(date -u +%Y-%m-%dT%H:%M:%SZ)
	trap '' PIPE # a reader of our output that goes away ends nothing
	trap leave EXIT
}

# Status 1 is an answer that we gave; from anything else (a write that a full disk refused) it is a failure.
answered=
answer_no() { answered=no; exit 1; }

scrap= # a folder that goes when we go
leave() {
	leave_rc=$?
	[ -z "$scrap" ] || rm -rf "$scrap"
	case $leave_rc$answered in 0 | 1no | 100 | 111 | 112) exit "$leave_rc" ;; esac
	say "$prog: a command ended with status $leave_rc"
	exit 111
}

state_make() {
	[ -d "$state" ] || mkdir -m 700 "$state" || die 111 "cannot make '$state'"
	[ -e "$state/.gitignore" ] || printf '*\n' | put-file "$state/.gitignore"
	mkdir -p "$state/runs" "$state/generations"
}

# One run at a time. The kernel frees the lock with its last holder; a step that outlived its workflow keeps it.
exclusive() { # WHAT [WAIT-SECONDS]
	exec 9<>"$state/lock"
	lock_rc=0
	flock -w "${2:-0}" 9 9>&9 || lock_rc=$? # 9>&9: ksh keeps a descriptor from commands unless told otherwise
	[ "$lock_rc" -le 1 ] || die 111 "'$state/lock' cannot be locked"
	if [ "$lock_rc" -eq 1 ]; then
		holder=$(head -n 1 "$state/lock")
		alive=$([ -z "$holder" ] || kill -0 "${holder%% *}" 2>/dev/null || echo ', which has ended; a step that it began still works')
		die 111 "another run is at work here${holder:+: pid $holder}$alive"
	fi
	printf '%s since %s: %s\n' "$$" "$started" "$1" 2>/dev/null >"$state/lock" || : # only words: an undo needs no disk for them
}

unfinished() { [ ! -e "$state/current" ] || cat "$state/current"; }

# ---- the journal ----

note() { journal -a "$run/journal" "$@"; }
tab=$(printf '\t')
has_record() { # STATE, or STATE TAB k=v. A journal that cannot be read is no empty one.
	journal_rc=0
	journal_text=$(journal "$run/journal") || journal_rc=$?
	[ "$journal_rc" -le 1 ] || die 112 "the journal of run $id cannot be read; a person must look at '$run'"
	case "$journal_text
" in *"$tab$1
"*) ;; *) return 1 ;; esac
}
was() { has_record "$1${tab}step=$2"; } # begin|done|undone STEP

begin_run() { # STEPS: from here on the run is to be finished or taken back
	reserve flow $((1048576 + 2 * $(stat -c %s -- "$state/manifest" 2>/dev/null || echo 0)))
	put steps "$1"
	paper=
	sync "$run"/vars/* "$run/vars" "$run" || die 111 'the run cannot be recorded; nothing was changed'
	printf '%s\n' "$id" | put-file "$state/current"
	note plan || { rm -f "$state/current"; die 111 'the run cannot be recorded; nothing was changed'; }
}

end_run() { # good|undone
	has_record "end${tab}result=$1" || note end result="$1"
	rm -f "$state/current"
	sync "$state"
	rm -rf "$run/reserve" "$run/stage" "$run/view" "$run"/compose.?????? "$run/files.tar" "$run/restore-point" "$run/files" "$run/migrations" "$run/migrations.before"
}

# ---- steps ----

# A step runs in a session of its own: neither Ctrl-C nor a closed terminal reaches it, only we end it.
# Its output goes to the log; the last line of its stderr says why it failed. That is written over empty lines, since
# a full disk takes what replaces, and nothing more.
child=
interrupted=
run_step() { # STEP do|undo
	[ ! -e "$run/step.err" ] || [ "$(wc -c <"$run/step.err")" -le 8192 ] || : >"$run/step.err"
	awk 'BEGIN { while (n++ < 8192) print "" }' 2>/dev/null 1<>"$run/step.err" || :
	setsid "$SLIPWAY_LIB/steps/$1" "$2" </dev/null >>"$run/log" 2<>"$run/step.err" 9>&9 &
	child=$!
	while :; do
		step_rc=0
		wait "$child" || step_rc=$?
		kill -0 "$child" 2>/dev/null || break
	done
	group_ends "$child"
	child=
	sed '/^$/d' "$run/step.err" 2>/dev/null >>"$run/log" || :
	return "$step_rc"
}

# What a step began can outlive its shell, and would work against the undo: it is waited for, then ended.
group_ends() { # PID-OF-ITS-LEADER
	looks=0
	while kill -0 "-$1" 2>/dev/null && [ "$looks" -lt 200 ]; do
		looks=$((looks + 1))
		[ "$looks" -lt 100 ] || kill -KILL "-$1" 2>/dev/null || :
		sleep 0.1
	done
}

step_reason() {
	reason=$(grep -v -e ': hint: ' -e '^[[:space:]]*$' -e '^Error: failed to start containers: ' "$run/step.err" 2>/dev/null |
		tail -n 1 | sed "s/^[a-z-]*: //")
	case $step_rc in
	1 | 100 | 111) printf '%s\n' "${reason:-it said nothing, status $step_rc}" ;;
	*) printf '%s\n' "${reason:+$reason, }status $step_rc" ;;
	esac
}

catch_signals() {
	for s in INT TERM HUP; do
		# shellcheck disable=SC2064 # the name is wanted now
		trap "interrupted=$s; [ -z \"\$child\" ] || kill -TERM \"-\$child\" 2>/dev/null || :" "$s"
	done
}
ignore_signals() { trap '' INT TERM HUP; }

since() { awk -v a="$1" -v b="$(ticks)" 'BEGIN { printf "%.1f", (b - a) / 100 }'; }

forward() { # runs each step that is not done, then keeps; 1 when one failed or a signal came
	for s in $(get steps); do
		if was 'done' "$s"; then continue; fi
		if [ -n "$interrupted" ]; then
			failure="interrupted by SIG$interrupted before step $s"
			return 1
		fi
		t=$(ticks)
		note begin step="$s" || { failure="the begin of step $s cannot be recorded"; return 1; }
		rc=0
		run_step "$s" 'do' || rc=$?
		if [ -n "$interrupted" ]; then
			failure="interrupted by SIG$interrupted in step $s"
			return 1
		fi
		if [ "$rc" -ne 0 ]; then
			failure="step $s failed: $(step_reason)"
			return 1
		fi
		note 'done' step="$s" || { failure="the end of step $s cannot be recorded"; return 1; }
		said=$(get "said.$s")
		say "$(printf '%-14s %6s s  %s' "$s" "$(since "$t")" "$said" | sed 's/ *$//')"
	done
	note keep || { failure='the end of the last step cannot be recorded'; return 1; }
}

reversed() { for s in $1; do printf '%s\n' "$s"; done | sed '1!G;h;$!d'; }

# Takes back each step that was begun, newest first. While the new containers may still run, nothing below them
# is touched; and without the old database the old ones must not start.
backward() {
	ignore_signals
	rm -rf "$run/reserve" 2>/dev/null || :
	undo_failed=
	has_record undo || note undo || die 112 'the undo cannot be recorded, so nothing was taken back' 'mend the cause, then run: slipway undo'
	for s in $(reversed "$(get steps)"); do
		was begin "$s" || continue
		! was undone "$s" || continue
		case " $undo_failed :$s" in *' start '* | *' migrate '*:stop | *' migrate '*:restore-point | *' migrate '*:beside) continue ;; esac
		t=$(ticks)
		if run_step "$s" undo; then
			note undone step="$s" || : # it may be undone twice
			said=$(get "undone.$s")
			[ -z "$said" ] || say "$(printf '%-14s %6s s  %s' "undo $s" "$(since "$t")" "$said")"
		else
			undo_failed="$undo_failed $s"
			say "$prog: undo of step $s failed: $(step_reason)"
		fi
	done
	if [ -n "$undo_failed" ]; then
		name_full
		say "$prog: a person must look; log: $run/log"
		say "$prog: hint: mend the cause, then run: slipway undo"
		exit 112
	fi
	end_run undone
}

# A disk that takes nothing any more is named, whatever words the failure found for it.
name_full() {
	named=
	for place in "$root" "$(get backup_dir)" "$(dirname -- "$(get database)")" "$(get engine_store)"; do
		[ -d "$place" ] || continue
		disk=$(stat -c %d -- "$place")
		case " $named " in *" $disk "*) continue ;; esac
		named="$named $disk"
		stat -f -c '%a %S %c %d' -- "$place" | while read -r blocks size inodes free; do
			if [ "$((blocks * size))" -lt 65536 ]; then say "$prog: the disk of '$place' is full"
			elif [ "$inodes" -gt 0 ] && [ "$free" -lt 8 ]; then say "$prog: the disk of '$place' has no inode left"
			elif probe=$(mktemp -- "$place/.slipway-XXXXXX" 2>/dev/null); then rm -f "$probe"
			else say "$prog: '$place' cannot be written"
			fi
		done
	done
}

# What is left to do behind the point of no return; each part may be done twice, and a failure only warns.
finish() {
	ignore_signals
	rm -rf "$run/reserve" 2>/dev/null || :
	for s in $(get finish); do
		if was 'done' "$s"; then continue; fi
		if run_step "$s" 'do'; then
			note 'done' step="$s"
		else
			say "$prog: warning: $s: $(step_reason); log: $run/log"
		fi
	done
	end_run good
}

# Whether undo brings the database of before back although something may have been written since.
writes_go_aside() {
	was begin migrate && ! was undone migrate && [ -n "$(get migrations)" ] && may_have_written
}

say_done() { # [MORE]
	if [ "$(get engine)" = none ]; then say "$prog: $env is at $version now${1-}"; else say "$prog: $env runs $version now${1-}"; fi
}

# Forward, or all of it back: `now`, or `ask` first when that could set writes aside that a person does not know of.
conclude() { # now|ask
	catch_signals
	if forward; then
		finish
		return 0
	fi
	say "$prog: $failure; log: $run/log"
	name_full
	if [ "$1" = ask ] && writes_go_aside; then
		say "$prog: hint: nothing was taken back, since something may have been written; slipway undo takes it back, and says what would be set aside"
		exit 111
	fi
	say "$prog: taking back what was done"
	backward
	say "$prog: everything is as before"
	exit 111
}
