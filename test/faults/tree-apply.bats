load ../lib/common
load ../lib/tree

# Kills an apply, and an undo, before each of its state-changing system calls. The oracle is the walk of test/lib/tree.

killat=$SLIPWAY_BIN/../test/killat

# base/: release 1 as delivered and then lived in; r2.tar: a release that meets all of that.
lived_in() {
	mkdir -p r1/app/sub r1/conf r1/gone/deep r1/q base/root
	echo one >r1/app/a; echo two >r1/app/sub/b; echo c1 >r1/conf/c; echo bye >r1/gone/deep/f; echo p >r1/p; echo q >r1/q/q
	echo same >r1/same; echo edited >r1/edited; printf '#!/bin/sh\n' >r1/run.sh; ln -s app/a r1/link; ln -s same r1/l
	pack r1
	tree-apply -i -m base/man -b b1 base/root <r1.tar >/dev/null
	cp -a r1 r2
	cd base/root
	echo hand >app/sub/b; echo hand >edited; echo hand >conf/c; echo older >conf/c.slipway-new
	echo secret >conf/settings; mkdir -p local/empty; echo l >local/l
	chown 5:6 app/a gone conf/settings; chmod 640 app/a; chmod 600 conf/settings; chmod 2750 gone; setfattr -n user.x -v y app/a
	setfacl -m u:7:r app/a
	touch -d 2001-01-01 app/a gone/deep/f conf/settings same run.sh q/q conf/c.slipway-new
	cd ../../r2
	rm -r gone p q edited; mkdir p; ln -sf conf/c link; rm l
	echo 2 >app/a; echo 2 >app/sub/b; echo c2 >conf/c; chmod 755 run.sh; echo px >p/x; echo q >q; mkdir -p n/m; echo n >n/m/n; echo l >l
	cd ..
	pack r2
}

whole() { walk root '%T@'; sed 's/^/man /' man; }         # after an undo not even an mtime may differ
new_tree() { walk root; sed 's/^/man /' man; }
# What no run may touch, down to the inode: excluded, equal and edited files. Their content is in the walks.
old_files() { stat -c '%a %u:%g %y %z %i %n' root/conf/settings root/conf/c root/same root/local root/local/l root/local/empty; }

begin() { # a fresh copy to work in; its untouched files are noted
	rm -rf work && cp -a base work && cd work && old_files >old
}

apply() { tree-apply -c conf/c -m man -b b root; }
undo() { tree-apply -u -m man -b b root; }

prepare() {
	lived_in
	(cd base && whole) >whole.old
	begin
	points=$("$killat" -c tree-apply -c conf/c -m man -b b root <../r2.tar)
	new_tree >../new
	cd ..
	[ "$points" -gt 60 ]
	grep -q ' ./p/x$' new && grep -q ' ./app/sub/b.slipway-local' new && grep -q './conf/c.slipway-new' new
	run ! grep gone new
}

# The same kill at each point; every point must be hit.
killed_at() {
	local status=0
	"$killat" "$1" tree-apply -c conf/c -m man -b b root <../r2.tar >/dev/null || status=$?
	[ "$status" -eq 137 ] || { echo "point $1: status $status"; return 1; }
}

@test "tree-apply: killed at any point, the same command ends with the whole new tree" {
	prepare
	local n input states=
	for ((n = 1; n <= points; n++)); do
		begin
		killed_at "$n"
		input=../r2.tar
		case $(cat b/state 2>/dev/null) in *applying | *applied) input=/dev/null; states+=x ;; esac
		apply <"$input" >/dev/null || { echo "point $n: $?"; return 1; }
		new_tree >new; same_walk ../new new || { echo "point $n"; return 1; }
		old_files >kept; same_walk old kept || { echo "point $n"; return 1; }
		apply </dev/null >/dev/null
		[ -z "$(find . -name '.*slipway*')" ] || [ "$(find . -name '.*slipway*' | sed 's/-[0-9a-f]*$//')" = ./.man.slipway ]
		cd ..
	done
	[ "${#states}" -gt 20 ] # many of them were behind the commit point
}

@test "tree-apply: killed at any point, -u ends with the whole old tree" {
	prepare
	local n
	for ((n = 1; n <= points; n++)); do
		begin
		killed_at "$n"
		undo || { echo "point $n: $?"; return 1; }
		whole >whole; same_walk ../whole.old whole || { echo "point $n"; return 1; }
		old_files >kept; same_walk old kept || { echo "point $n"; return 1; }
		undo
		[ "$(ls -A b 2>/dev/null)" = '' ] || [ "$(ls -A b)" = state ] || { ls -A b; echo "point $n"; return 1; }
		cd ..
	done
}

@test "tree-apply: killed at any point of the undo, the next undo ends with the whole old tree" {
	prepare
	local n last
	begin
	apply <../r2.tar >/dev/null
	last=$("$killat" -c tree-apply -u -m man -b b root)
	whole >whole; same_walk ../whole.old whole
	cd ..
	[ "$last" -gt 30 ]
	for ((n = 1; n <= last; n++)); do
		begin
		apply <../r2.tar >/dev/null
		run -137 "$killat" "$n" tree-apply -u -m man -b b root
		case $(cat b/state) in
		*undoing) run -100 apply </dev/null ;; # it cannot go forward any more
		*applied) new_tree >new; same_walk ../new new ;; # nothing was taken back before that was recorded
		esac
		undo || { echo "point $n: $?"; return 1; }
		whole >whole; same_walk ../whole.old whole || { echo "point $n"; return 1; }
		old_files >kept; same_walk old kept
		cd ..
	done
}

@test "tree-apply: killed in the apply, killed in what takes it on or back, and again, it still ends whole" {
	prepare
	local n k
	for ((n = 3; n <= points; n += 4)); do
		begin
		killed_at "$n"
		for k in 2 5 11; do
			"$killat" "$k" tree-apply -c conf/c -m man -b b root <../r2.tar >/dev/null || [ $? -eq 137 ]
		done
		if ((n % 8 == 3)); then
			apply <../r2.tar >/dev/null
			new_tree >new; same_walk ../new new || { echo "point $n"; return 1; }
		fi
		for k in $((n % 7 + 1)) $((n % 13 + 1)) 3; do
			"$killat" "$k" tree-apply -u -m man -b b root || [ $? -eq 137 ]
		done
		undo || { echo "point $n: $?"; return 1; }
		whole >whole; same_walk ../whole.old whole || { echo "point $n"; return 1; }
		cd ..
	done
}
