# flow.sh - sourced by the workflows: the lock, the journal, steps forward and backward, signals
# shellcheck shell=sh
# A run is a folder .slipway/runs/ID; .slipway/current names the one that has begun and not ended. Its steps are
# in vars/steps; what a step needs lies in the folder, so that any later process can finish it or take it back.

. "$SLIPWAY_LIB/step.sh"

# What a workflow says is in the log of its run too.
say() {
	printf '%s\n' "$*" >&2 2>/dev/null || :
	[ -z "$run" ] || printf '%s\n' "$*" >>"$run/log" 2>/dev/null || :
}

flow_open() {
	[ -n "$root" ] || die 100 'SLIPWAY_ROOT is not set' 'run it through slipway'
	cd "$root" || exit 111
	state=$root/.slipway
	env=
	config=$root/$(config_path)
	started=$(date -u +%Y-%m-%dT%H:%M:%SZ)
	trap '' PIPE # a reader of our output that goes away ends nothing
}

state_make() {
	[ -d "$state" ] || mkdir -m 700 "$state" || die 111 "cannot make '$state'"
	[ -e "$state/.gitignore" ] || printf '*\n' | put-file "$state/.gitignore"
	mkdir -p "$state/runs" "$state/generations"
}

# One run at a time. The kernel frees the lock with its last holder; a step that outlived its workflow keeps it.
exclusive() { # WHAT [WAIT-SECONDS]
	exec 9<>"$state/lock"
	if ! flock -w "${2:-0}" 9; then
		holder=$(head -n 1 "$state/lock")
		pid=${holder%% *}
		alive=$(kill -0 "$pid" 2>/dev/null || echo ', which has ended; a step that it began still works')
		die 111 "another run is at work here: pid $holder$alive"
	fi
	printf '%s since %s: %s\n' "$$" "$started" "$1" >"$state/lock"
}

unfinished() { [ ! -e "$state/current" ] || cat "$state/current"; }

# ---- the journal ----

note() { journal -a "$run/journal" "$@"; }
records() { journal "$run/journal" | cut -f 3-; }
has_record() { records | grep -qx "$1"; } # a whole record: STATE, or STATE TAB k=v
tab=$(printf '\t')
was() { has_record "$1${tab}step=$2"; } # begin|done|undone STEP

begin_run() { # STEPS: from here on the run is to be finished or taken back
	put steps "$1"
	printf '%s\n' "$id" | put-file "$state/current"
	note plan
}

end_run() { # good|undone
	has_record "end${tab}result=$1" || note end result="$1"
	rm -f "$state/current"
	sync "$state"
	rm -rf "$run/stage" "$run/files.tar" "$run/restore-point" "$run/files" "$run/migrations" "$run/migrations.before"
}

# ---- steps ----

# A step runs in a session of its own: neither Ctrl-C nor a closed terminal reaches it, only we end it.
# Its output goes to the log; the last line of its stderr says why it failed.
child=
interrupted=
run_step() { # STEP do|undo
	: >"$run/step.err"
	setsid "$SLIPWAY_LIB/steps/$1" "$2" </dev/null >>"$run/log" 2>"$run/step.err" &
	child=$!
	while :; do
		step_rc=0
		wait "$child" || step_rc=$?
		kill -0 "$child" 2>/dev/null || break
	done
	child=
	cat "$run/step.err" >>"$run/log" 2>/dev/null || :
	return "$step_rc"
}

step_reason() {
	grep -v -e ': hint: ' -e '^[[:space:]]*$' "$run/step.err" | tail -n 1 | sed "s/^[a-z-]*: //"
}

catch_signals() {
	for s in INT TERM HUP; do
		# shellcheck disable=SC2064 # the name is wanted now
		trap "interrupted=$s; [ -z \"\$child\" ] || kill -TERM \"-\$child\" 2>/dev/null || :" "$s"
	done
}
ignore_signals() { trap '' INT TERM HUP; }

now() { date +%s.%N | cut -c1-13; } # hundredths: 1700000000.12
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.1f", b - a }'; }

forward() { # runs each step that is not done; 1 when one failed or a signal came
	for s in $(get steps); do
		if was 'done' "$s"; then continue; fi
		if [ -n "$interrupted" ]; then
			failure="interrupted by SIG$interrupted before step $s"
			return 1
		fi
		t=$(now)
		note begin step="$s"
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
		note 'done' step="$s"
		said=$(get "said.$s")
		say "$(printf '%-14s %6s s  %s' "$s" "$(since "$t")" "$said" | sed 's/ *$//')"
	done
	return 0
}

reversed() { for s in $1; do printf '%s\n' "$s"; done | sed '1!G;h;$!d'; }

# Takes back each step that was begun, newest first. An undo that fails lets only those go on that need not
# wait for it: without the old database the old container must not start.
backward() {
	ignore_signals
	undo_failed=
	has_record undo || note undo
	for s in $(reversed "$(get steps)"); do
		was begin "$s" || continue
		! was undone "$s" || continue
		case $s in stop)
			case " $undo_failed " in *' start '* | *' migrate '*) continue ;; esac ;;
		esac
		t=$(now)
		if run_step "$s" undo; then
			note undone step="$s"
			said=$(get "undone.$s")
			[ -z "$said" ] || say "$(printf '%-14s %6s s  %s' "undo $s" "$(since "$t")" "$said")"
		else
			undo_failed="$undo_failed $s"
			say "$prog: undo of step $s failed: $(step_reason)"
		fi
	done
	if [ -n "$undo_failed" ]; then
		say "$prog: a person must look; log: $run/log"
		say "$prog: hint: mend the cause, then run: slipway undo"
		exit 112
	fi
	end_run undone
}

# What is left to do behind the point of no return; each part may be done twice, and a failure only warns.
finish() {
	ignore_signals
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

# Forward, then keep; or all of it back: `now`, or `ask` first when that could set writes aside that a person
# does not know of.
conclude() { # now|ask
	catch_signals
	if forward; then
		note keep
		finish
		return 0
	fi
	say "$prog: $failure; log: $run/log"
	if [ "$1" = ask ] && [ -n "$(get migrations)" ]; then
		say "$prog: hint: slipway undo takes it back; it says what would be set aside"
		exit 111
	fi
	say "$prog: taking back what was done"
	backward
	say "$prog: everything is as before"
	exit 111
}
