load ../lib/common
load ../lib/tree

# Release 1 as delivered to root; release 2 is left to the test. (ASan's leak check does not work under strace.)
delivered() {
	mkdir -p r1/app/sub r1/conf r1/gone/deep root
	echo one >r1/app/a; echo two >r1/app/sub/b; echo conf >r1/conf/c; echo bye >r1/gone/deep/f
	printf '#!/bin/sh\n' >r1/run.sh; chmod 755 r1/run.sh
	ln -s app/a r1/link
	pack r1
	tree-apply -i -m man -b b1 root <r1.tar >/dev/null
	cp -a r1 r2
}

traced() { ASAN_OPTIONS=detect_leaks=0 strace "$@"; }

apply2() { pack r2; tree-apply -m man -b b2 "$@" root <r2.tar; }

# refused TEXT ARGUMENT... - 100 with TEXT, and nothing changed, nothing left in the backup
refused() {
	local text=$1
	shift
	walk root '%T@ %i' >before
	fails_with 100 "$text" tree-apply "$@"
	walk root '%T@ %i' >after
	same_walk before after
	[ -z "$(ls -A b2 2>/dev/null)" ]
}

@test "tree-apply: a first install puts all files, with their modes, and writes the manifest" {
	umask 077
	mkdir -p r1/a/b root
	echo x >r1/a/b/x; echo y >r1/y; chmod 4755 r1/y; ln -s a/b/x r1/l
	chmod 664 r1/a/b/x
	pack r1
	chmod 755 root
	tree-apply -i -m man -b b1 root <r1.tar >out
	[ "$(cat out)" = "$(printf 'A\ta/b/x\tnew\nA\tl\tnew\nA\ty\tnew')" ]
	[ "$(stat -c '%a %n' root/a root/a/b root/a/b/x root/y | tr '\n' ,)" = '755 root/a,755 root/a/b,644 root/a/b/x,755 root/y,' ]
	[ "$(readlink root/l)" = a/b/x ]
	[ "$(stat -c %a b1)" = 700 ]
	{
		printf '%s\t644\t2\ta/b/x\n' "$(printf 'x\n' | sha256sum | cut -d ' ' -f 1)"
		printf '%s\t120000\t5\tl\n' "$(printf a/b/x | sha256sum | cut -d ' ' -f 1)"
		printf '%s\t755\t2\ty\n' "$(printf 'y\n' | sha256sum | cut -d ' ' -f 1)"
	} | cmp - man
}

@test "tree-apply: an identical file is not touched, and a run with nothing to do is 0 and silent" {
	delivered
	touch -d '2001-01-01' root/app/a
	walk root '%T@ %i %C@' >before
	run -0 apply2
	[ -z "$output" ]
	walk root '%T@ %i %C@' >after
	same_walk before after
	run -0 tree-apply -n -m man root <r2.tar
	[ "$(cut -f 1,3 <<<"$output" | sort -u)" = "$(printf '=\tsame')" ]
	[ "${#lines[@]}" -eq 6 ]
}

@test "tree-apply: -n prints the plan and writes nothing" {
	delivered
	echo 1 >>r2/app/a; echo n >r2/new; rm r2/gone/deep/f; echo e >r2/conf/c; echo edit >root/conf/c; echo b >>r2/app/sub/b
	echo edit >root/app/sub/b
	pack r2
	walk . '%T@ %i' >"$BATS_TEST_TMPDIR/before"
	tree-apply -n -c app/sub/b -m man -b b2 root <r2.tar >"$BATS_TEST_TMPDIR/plan"
	walk . '%T@ %i' >"$BATS_TEST_TMPDIR/after"
	same_walk "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	{
		printf 'M\tapp/a\tchanged in the release\n'
		printf 'C\tapp/sub/b\tedited, new one beside it as app/sub/b.slipway-new\n'
		printf 'L\tconf/c\tchanged by hand, kept as conf/c.slipway-local\n'
		printf 'D\tgone/deep/f\tnot in the release any more\n'
		printf '=\tlink\tsame\nA\tnew\tnew\n=\trun.sh\tsame\n'
	} | diff - "$BATS_TEST_TMPDIR/plan"
	# the run says the same but for what is the same
	tree-apply -c app/sub/b -m man -b b2 root <r2.tar >said
	grep -v ^= "$BATS_TEST_TMPDIR/plan" | diff - said
}

@test "tree-apply: a replaced file passes on owner, group, mode, ACL and xattrs; x comes from the commit" {
	delivered
	chown 1234:4321 root/app/a; chmod 4640 root/app/a; setfacl -m u:1111:r root/app/a; setfattr -n user.note -v hello root/app/a
	setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 root/app/a
	chmod 750 root/run.sh
	echo 1 >>r2/app/a; chmod 644 r2/run.sh; echo '# more' >>r2/run.sh; chmod 755 r2/app/sub/b; chmod 600 root/app/sub/b
	apply2 >out
	[ "$(stat -c '%a %u:%g' root/app/a)" = '640 1234:4321' ]
	[ "$(getfacl -nc root/app/a | grep 1111)" = 'user:1111:r--' ]
	[ "$(getfattr --only-values -n user.note root/app/a)" = hello ]
	getfattr -d -m - root/app/a >attributes
	run ! grep capability attributes
	[ "$(cat root/app/a)" = "$(printf 'one\n1')" ]
	[ "$(stat -c %a root/run.sh root/app/sub/b | tr '\n' ' ')" = '640 700 ' ]
	[ "$(cut -f 1 out | tr '\n' ' ')" = 'M M M ' ]
}

@test "tree-apply: new files and folders take owner and group of their folder, whatever the umask" {
	delivered
	chown 1234:4321 root/app
	mkdir -p r2/app/x/y; echo n >r2/app/x/y/n; echo n >r2/app/n; echo e >r2/app/e; chmod 755 r2/app/e; ln -s n r2/app/l
	setfacl -d -m u:1111:rwx .
	umask 077
	apply2 >/dev/null
	[ "$(stat -c '%a %u:%g' root/app/x root/app/x/y root/app/x/y/n root/app/n root/app/e | sort -u | tr '\n' ,)" = '644 1234:4321,755 1234:4321,' ]
	[ "$(stat -c %u:%g root/app/l)" = 1234:4321 ]
	getfacl -nc root/app/n >acl
	run ! grep 1111 acl
}

@test "tree-apply: a file changed by hand is replaced and kept beside, numbered, never overwritten" {
	delivered
	echo edit1 >root/app/a; chown 77 root/app/a; chmod 600 root/app/a; touch -d 2002-02-02 root/app/a
	echo 2 >r2/app/a
	run -0 apply2
	[ "$output" = "$(printf 'L\tapp/a\tchanged by hand, kept as app/a.slipway-local')" ]
	[ "$(cat root/app/a root/app/a.slipway-local | tr '\n' ,)" = 2,edit1, ]
	[ "$(stat -c '%a %u %y' root/app/a.slipway-local | cut -c 1-17)" = '600 77 2002-02-02' ]
	echo edit2 >root/app/a; echo 3 >r2/app/a; pack r2
	tree-apply -m man -b b3 root <r2.tar | grep -q 'kept as app/a.slipway-local.2$'
	echo edit3 >root/app/a; echo 4 >r2/app/a; pack r2
	tree-apply -m man -b b4 root <r2.tar | grep -q 'kept as app/a.slipway-local.3$'
	[ "$(cat root/app/a root/app/a.slipway-local root/app/a.slipway-local.2 root/app/a.slipway-local.3 | tr '\n' ,)" = 4,edit1,edit2,edit3, ]
	# a file that was never delivered and differs is as good as changed
	echo mine >root/other; echo theirs >r2/other; pack r2
	tree-apply -m man -b b5 root <r2.tar | grep -q '^L.other.changed by hand, kept as other.slipway-local$'
	[ "$(cat root/other.slipway-local)" = mine ]
}

@test "tree-apply: an edit in place of the kept file does not reach the backup" {
	delivered
	echo edit >root/app/a; echo 2 >r2/app/a
	apply2 >/dev/null
	echo more >>root/app/a.slipway-local
	tree-apply -u -m man -b b2 root
	[ "$(cat root/app/a)" = edit ]
	[ "$(cat root/app/a.slipway-local)" = "$(printf 'edit\nmore')" ]
}

@test "tree-apply: -c: an edited file stays and the new one is put beside it; unedited it is replaced" {
	delivered
	echo conf2 >r2/conf/c
	echo edited >root/conf/c; chmod 600 root/conf/c; chown 77:78 root/conf/c
	walk root '%T@ %i' | grep 'conf/c$' >before
	run -0 apply2 -c conf/c
	[ "$output" = "$(printf 'C\tconf/c\tedited, new one beside it as conf/c.slipway-new')" ]
	walk root '%T@ %i' | grep 'conf/c$' >after
	same_walk before after
	[ "$(cat root/conf/c.slipway-new)" = conf2 ]
	[ "$(stat -c '%a %u:%g' root/conf/c.slipway-new)" = '600 77:78' ]
	# still edited: the next one takes the place of the one from before; the same one is left alone
	echo conf3 >r2/conf/c; pack r2
	tree-apply -c conf/c -m man -b b3 root <r2.tar
	[ "$(cat root/conf/c.slipway-new)" = conf3 ]
	stat -c %i root/conf/c.slipway-new >before
	tree-apply -c conf/c -m man -b b4 root <r2.tar
	stat -c %i root/conf/c.slipway-new | cmp - before
	[ "$(cat root/conf/c)" = edited ]
	# unedited
	cp r2/conf/c root/conf/c; echo conf4 >r2/conf/c; pack r2
	tree-apply -c conf/c -m man -b b5 root <r2.tar | grep -q '^M.conf/c'
	[ "$(cat root/conf/c)" = conf4 ]
}

@test "tree-apply: what the release lacks is removed with the folders that this leaves empty, unless edited or in -k" {
	delivered
	mkdir -p r1/d1/d2 r1/half
	echo k >r1/kept; echo e >r1/edited; echo f >r1/d1/d2/f; echo h >r1/half/h
	pack r1; tree-apply -m man -b b1b root <r1.tar >/dev/null
	echo mine >root/half/local; echo hand >>root/edited
	rm -r r2/gone r2/link; pack r2
	echo kept >paths
	run -0 tree-apply -k paths -m man -b b2 root <r2.tar
	{
		printf 'D\td1/d2/f\tnot in the release any more\n'
		printf 'S\tedited\tchanged by hand, stays\n'
		printf 'D\tgone/deep/f\tnot in the release any more\n'
		printf 'D\thalf/h\tnot in the release any more\n'
		printf 'S\tkept\tin the release, but not chosen any more, stays\n'
		printf 'D\tlink\tnot in the release any more\n'
	} | diff - <(printf '%s\n' "$output")
	[ ! -e root/d1 ] && [ ! -e root/gone ] && [ ! -e root/half/h ] && [ ! -L root/link ]
	[ "$(cat root/half/local)" = mine ]
	[ "$(cut -f 4 man | tr '\n' ' ')" = 'app/a app/sub/b conf/c edited kept run.sh ' ]
}

@test "tree-apply: a file that was taken away by hand comes back, and is not missed when it is not in the release" {
	delivered
	rm root/app/a; rm -r root/gone r2/gone
	run -0 apply2
	[ "$output" = "$(printf 'A\tapp/a\ttaken away by hand, put back')" ]
	run ! grep gone man
}

@test "tree-apply: without a manifest it needs -a or -i" {
	mkdir root r2; echo a >r2/a; pack r2
	refused "manifest 'man' does not exist" -m man -b b2 root <r2.tar
	[[ "$stderr" == *"hint: -i for a first install, -a to adopt"* ]]
}

@test "tree-apply: -i stops at files that are there and differ, and names up to 20" {
	mkdir root r2
	for i in {10..34}; do echo "$i" >"r2/f$i"; echo other >"root/f$i"; done
	pack r2
	refused "25 files are there and differ: 'f10', 'f11'" -i -m man -b b2 root <r2.tar
	[[ "$stderr" == *"'f29', ..." ]] && [[ "$stderr" != *f30* ]]
	# equal ones and the configuration are no hindrance
	cp r2/* root/; echo mine >root/f10; pack r2
	refused "1 file is there and differs: 'f10'" -i -m man -b b2 root <r2.tar
	run -0 tree-apply -i -c f10 -m man -b b2 root <r2.tar
	[ "$(cat root/f10)" = mine ]
}

@test "tree-apply: -a replaces what differs, with a backup, and removes nothing" {
	mkdir root r2
	echo old >root/f; echo own >root/own; echo new >r2/f; echo g >r2/g; pack r2
	walk root '%T@ %i' >before
	run -0 tree-apply -a -m man -b b2 root <r2.tar
	[ "$output" = "$(printf 'M\tf\tdiffers, adopted\nA\tg\tnew')" ]
	[ "$(cat root/f root/own | tr '\n' ,)" = new,own, ]
	[ ! -e root/f.slipway-local ]
	tree-apply -u -m man -b b2 root
	walk root '%T@ %i' >after
	same_walk before after
	[ ! -e man ]
}

@test "tree-apply: a file becomes a folder and a folder a file when all in the way was delivered" {
	delivered
	rm -r r2/app r2/conf/c r2/link; echo file >r2/app; mkdir -p r2/conf/c/d r2/link; echo x >r2/conf/c/d/x; echo y >r2/link/y
	walk root '%T@ %i' >before
	run -0 apply2
	[ "$(cat root/app root/conf/c/d/x root/link/y | tr '\n' ,)" = file,x,y, ]
	tree-apply -u -m man -b b2 root
	walk root '%T@ %i' | grep -v '^d' >after; grep -v '^d' before >files
	same_walk files after
	diff <(walk root) <(sed -E 's/^([^d].*) [0-9.]+ [0-9]+ (\.)/\1  \2/' before | sort) >&2
}

@test "tree-apply: what was not delivered, or was changed, is in the way" {
	delivered
	echo mine >root/app/mine
	rm -r r2/app; echo file >r2/app; pack r2
	refused "'app/mine' is in the way of the file 'app'" -m man -b b2 root <r2.tar
	rm root/app/mine; echo more >>root/app/a
	refused "'app/a' is in the way of the file 'app'" -m man -b b2 root <r2.tar
	cp r1/app/a root/app/a; mkdir root/app/z; mkfifo root/app/z/p
	refused "'app/z/p' is in the way of the file 'app'" -m man -b b2 root <r2.tar
	rm -r r2; cp -a r1 r2; rm r2/conf/c; mkdir r2/conf/c; echo x >r2/conf/c/x; pack r2
	echo more >>root/conf/c
	refused "'conf/c' is in the way of 'conf/c/x'" -m man -b b2 root <r2.tar
}

@test "tree-apply: a symlink on the way, a device, a FIFO and a mount point are refused by name" {
	delivered
	mkdir elsewhere; mv root/app/sub elsewhere/sub; ln -s ../../elsewhere/sub root/app/sub
	echo 2 >r2/app/sub/b; pack r2
	refused "'app/sub' is in the way of 'app/sub/b'" -m man -b b2 root <r2.tar
	[ "$(cat elsewhere/sub/b)" = two ]
	rm root/app/sub; mkdir root/app/sub; mount -t tmpfs tmpfs root/app/sub
	run -100 --separate-stderr tree-apply -m man -b b2 root <r2.tar
	umount root/app/sub
	[[ "$stderr" == *"'app/sub' is a mount point inside 'root'"* ]]
	mkfifo root/app/sub/b
	refused "'app/sub/b' is neither a file, a symlink nor a folder" -m man -b b2 root <r2.tar
	rm root/app/sub/b; touch root/app/sub/b; mount --bind r1/app/a root/app/sub/b
	run -100 --separate-stderr tree-apply -m man -b b2 root <r2.tar
	umount root/app/sub/b
	[[ "$stderr" == *"'app/sub/b' is a mount point inside 'root'"* ]]
}

@test "tree-apply: a symlink in the place of a file is replaced itself, never what it points to" {
	delivered
	echo precious >precious; rm root/app/a; ln -s ../../precious root/app/a
	echo 2 >r2/app/a
	run -0 apply2
	[ "$output" = "$(printf 'L\tapp/a\tchanged by hand, kept as app/a.slipway-local')" ]
	[ "$(cat precious)" = precious ]
	[ "$(readlink root/app/a.slipway-local)" = ../../precious ]
	[ "$(stat -c '%F %a' root/app/a)" = 'regular file 644' ]
	tree-apply -u -m man -b b2 root
	[ "$(readlink root/app/a)" = ../../precious ]
}

@test "tree-apply: hostile archives are refused by name before anything is written" {
	delivered
	mkdir h; cd h
	echo x >x
	local name
	for name in ../x /x a/../x a/./b a//b .git/x a/.GIT/x 'git~1/x' .slipway/x $'a\nb' $'a\033b' $'\xff' \
		x.slipway-local x.slipway-local.2 d/x.slipway-new; do
		tar -P --transform "s|^x\$|${name//\\/\\\\}|" -cf ../t.tar x
		(cd .. && refused "'" -m man -b b2 root <t.tar) || { echo "name $name"; return 1; }
	done
	mknod null c 1 3; mkfifo pipe; ln x hard; ln -s ../../x out; ln -s /etc/passwd abs; ln -s x in
	for name in null pipe; do
		tar -cf ../t.tar "$name"
		(cd .. && refused "'$name' is neither a file, a symlink nor a folder" -m man -b b2 root <t.tar)
	done
	for name in out abs; do
		tar -cf ../t.tar "$name"
		(cd .. && refused "'$name': symlink " -m man -b b2 root <t.tar)
	done
	tar -cf ../t.tar x hard
	(cd .. && refused "'hard' is a hard link" -m man -b b2 root <t.tar)
	tar -cf ../t.tar x; tar -rf ../t.tar x
	(cd .. && refused "'x' is twice in the archive" -m man -b b2 root <t.tar)
	mkdir A a; echo 1 >A/x; echo 2 >a/y; echo 3 >X
	tar -cf ../t.tar A/x a/y
	(cd .. && refused "'A' and 'a' differ only in case" -m man -b b2 root <t.tar)
	tar -cf ../t.tar X x
	(cd .. && refused "'X' and 'x' differ only in case" -m man -b b2 root <t.tar)
	tar --transform 's|^A/x|x/y|' -cf ../t.tar x A/x
	(cd .. && refused "'x' is both file and folder in the archive" -m man -b b2 root <t.tar)
	tar --transform 's|^A/x|x/y|' -cf ../t.tar A/x x
	(cd .. && refused "'x' is both file and folder in the archive" -m man -b b2 root <t.tar)
	mkdir ..d; tar -P --transform 's|^..d|..|' -cf ../t.tar ..d
	(cd .. && refused "'../'" -m man -b b2 root <t.tar)
}

@test "tree-apply: folders of the archive, a leading ./ and names in UTF-8 and beyond 100 bytes are fine" {
	mkdir -p root "r/d/$(printf 'n%.0s' {1..200})" r/empty
	echo x >"r/d/$(printf 'n%.0s' {1..200})/ä ö.txt"
	tar --format=pax -C r -cf t.tar .
	run -0 tree-apply -i -m man -b b1 root <t.tar
	[ "$(cat root/d/n*/ä*)" = x ]
	[ ! -e root/empty ]
	tar --format=gnu -C r -cf t.tar .
	run -0 tree-apply -m man -b b2 root <t.tar
	[ -z "$output" ]
}

@test "tree-apply: an archive that ends early at any place changes nothing" {
	delivered
	echo 1 >>r2/app/a; rm -r r2/gone; head -c 3000 /dev/urandom >r2/big; pack r2
	local at end
	# what is cut may be padding, but not one of the two empty blocks that mark the end
	end=$(($(tar -b 1 -tvf r2.tar -R | sed -n '$s/block \([0-9]*\):.*/\1/p') * 512 + 1024))
	[ "$end" -lt "$(stat -c %s r2.tar)" ]
	walk root '%T@ %i' >before
	for ((at = 0; at < end; at += at % 512 == 0 ? 100 : at % 512 == 100 ? 411 : 1)); do
		head -c "$at" r2.tar >cut.tar
		run -100 --separate-stderr tree-apply -m man -b b2 root <cut.tar
		[[ "$stderr" == *"archive ends early"* ]] || { echo "$at: $stderr"; return 1; }
	done
	head -c "$end" r2.tar >cut.tar
	tree-apply -n -m man root <cut.tar >/dev/null
	walk root '%T@ %i' >after
	same_walk before after
}

@test "tree-apply: what is no tar is refused" {
	delivered
	refused "cannot read the archive" -m man -b b2 root <"$(command -v bash)"
	refused "archive ends early" -m man -b b2 root </dev/null
	fails_with 111 "cannot read the archive: Is a directory" tree-apply -m man -b b2 root <.
	head -c 20000 /dev/zero | tr '\0' x >junk
	refused "cannot read the archive" -m man -b b2 root <junk
}

@test "tree-apply: a manifest that is damaged is refused with its line" {
	delivered
	cp man good; pack r2
	printf 'x\n' >>man; refused "man:7: no SHA-256 in front" -m man -b b2 root <r2.tar
	sed '2s/644/777/' good >man; refused "man:2: mode is not 644, 755 or 120000" -m man -b b2 root <r2.tar
	sed '2s/\t4\t/\t-4\t/' good >man; refused "man:2: size is not a number" -m man -b b2 root <r2.tar
	sed '2s/app/..\/app/' good >man; refused "man:2: component" -m man -b b2 root <r2.tar
	tac good >man; refused "man:2: path is not in order" -m man -b b2 root <r2.tar
	sed '1p' good >man; refused "man:2: path is not in order" -m man -b b2 root <r2.tar
	head -c -1 good >man; refused "man:6: manifest ends early" -m man -b b2 root <r2.tar
	printf 'a\0b\n' >man; refused "man:1: line holds a NUL byte" -m man -b b2 root <r2.tar
}

@test "tree-apply: -u brings all back: content, mode, owner, mtime, xattrs, inode, folders, manifest" {
	delivered
	chown 5:6 root/app/a root/gone; chmod 2750 root/gone; chmod 640 root/app/a; setfattr -n user.x -v y root/app/a
	setfattr -n user.f -v z root/gone/deep
	touch -d 2003-03-03 root/app/a root/gone/deep/f root/conf/c
	echo hand >root/conf/c; echo old-new >root/run.sh.slipway-new; echo hand >root/run.sh
	echo 2 >r2/app/a; rm -r r2/gone; echo 2 >r2/conf/c; echo 2 >r2/run.sh; mkdir -p r2/n/m; echo n >r2/n/m/n; pack r2
	walk root '%T@ %i' >before
	cp man man.before
	tree-apply -c run.sh -m man -b b2 root <r2.tar >/dev/null
	walk root '%T@ %i' >between
	run ! same_walk before between
	tree-apply -u -m man -b b2 root
	walk root '%T@ %i' >after
	same_walk before after
	cmp man man.before
	# and once more: nothing to do, and the run cannot be done again
	run -0 tree-apply -u -m man -b b2 root
	[ -z "$output" ]
	fails_with 100 "backup 'b2' is of a run that was undone" tree-apply -m man -b b2 root <r2.tar
	walk root '%T@ %i' >after
	same_walk before after
}

@test "tree-apply: -u before anything was begun is 0, and a run that was done is 0 when it is given again" {
	delivered
	run -0 tree-apply -u -m man -b nothing root
	[ ! -e nothing ]
	mkdir empty; run -0 tree-apply -u -m man -b empty root
	echo 2 >r2/app/a; apply2 >/dev/null
	walk . '%T@ %i' >"$BATS_TEST_TMPDIR/before"
	run -0 tree-apply -m man -b b2 root </dev/null
	[ -z "$output" ]
	walk . '%T@ %i' >"$BATS_TEST_TMPDIR/after"
	same_walk "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

@test "tree-apply: -u keeps what was changed since beside, and folders that hold something of others" {
	delivered
	echo 2 >r2/app/a; echo n >r2/new; mkdir r2/dir; echo d >r2/dir/d; rm -r r2/gone; echo c2 >r2/conf/c; echo hand >root/conf/c
	echo hand >root/run.sh; echo 2 >r2/run.sh
	apply2 -c run.sh >/dev/null
	echo since >root/app/a; echo since >root/new; echo other >root/dir/other; mkdir root/gone; echo since >root/gone/deep
	echo since >>root/conf/c.slipway-local; echo since >root/run.sh.slipway-new
	run -0 --separate-stderr tree-apply -u -m man -b b2 root
	[ -z "$output" ]
	[[ "$stderr" == *"'app/a' was changed meanwhile, kept as 'app/a.slipway-local'"* ]]
	[ "$(cat root/app/a root/app/a.slipway-local root/new.slipway-local root/dir/other root/gone/deep/f | tr '\n' ,)" = one,since,since,other,bye, ]
	[ ! -e root/new ] && [ ! -e root/dir/d ]
	[ "$(cat root/gone/deep.slipway-local root/run.sh.slipway-new root/run.sh | tr '\n' ,)" = since,since,hand, ]
	[ "$(cat root/conf/c.slipway-local | tr '\n' ,)" = hand,since, ]
	[ "$(cat root/conf/c)" = hand ]
}

@test "tree-apply: -u makes folders again that somebody took away since" {
	delivered
	echo 2 >r2/app/sub/b; apply2 >/dev/null
	rm -r root/app
	tree-apply -u -m man -b b2 root
	[ "$(cat root/app/sub/b)" = two ]
}

@test "tree-apply: -u of a run that a later one was built on is refused" {
	delivered
	echo 2 >r2/app/a; apply2 >/dev/null
	echo 3 >r2/app/a; pack r2; tree-apply -m man -b b3 root <r2.tar >/dev/null
	walk root '%T@ %i' >before
	fails_with 100 "manifest 'man' is not of the run that backup 'b2' belongs to" tree-apply -u -m man -b b2 root
	[[ "$stderr" == *"hint: a later run changed it: undo that one first"* ]]
	walk root '%T@ %i' >after
	same_walk before after
	tree-apply -u -m man -b b3 root && tree-apply -u -m man -b b2 root
	[ "$(cat root/app/a)" = one ]
}

@test "tree-apply: excluded local files keep content, mode, owner, mtime and inode through run and undo" {
	delivered
	echo secret >root/conf/settings; chmod 600 root/conf/settings; chown 33:33 root/conf/settings
	touch -d 2004-04-04 root/conf/settings; ln -s nowhere root/app/sub/dangling; mkdir root/gone/empty
	mkfifo root/conf/pipe
	walk root '%T@ %i %C@' | grep -E 'settings|dangling|pipe|empty' >before
	echo 2 >r2/conf/c; rm -r r2/gone; apply2 >/dev/null
	walk root '%T@ %i %C@' | grep -E 'settings|dangling|pipe|empty' >after; same_walk before after
	tree-apply -u -m man -b b2 root
	walk root '%T@ %i %C@' | grep -E 'settings|dangling|pipe|empty' >after; same_walk before after
}

@test "tree-apply: a full disk while staging is 111, and root, manifest and backup are as before" {
	mkdir small
	mount -t tmpfs -o size=400k tmpfs small
	mkdir small/root r; head -c 100000 /dev/urandom >r/a; pack r
	local ok=yes
	tree-apply -i -m small/man -b small/b1 small/root <r.tar >/dev/null || ok=no
	walk small/root '%T@ %i' >before
	head -c 300000 /dev/urandom >r/a; echo n >r/n; pack r
	run -111 --separate-stderr tree-apply -m small/man -b small/b2 small/root <r.tar
	walk small/root '%T@ %i' >after
	local left; left=$(ls -A small/b2)
	# with room again the same command does it
	mount -o remount,size=4m small
	tree-apply -m small/man -b small/b2 small/root <r.tar >/dev/null || ok=no
	cmp r/a small/root/a || ok=no
	umount small
	[[ "$stderr" == *"No space left on device"* ]]
	[ "$ok" = yes ] && [ -z "$left" ]
	same_walk before after
}

@test "tree-apply: no inodes left is 111 in the same way" {
	mkdir small
	mount -t tmpfs -o nr_inodes=40 tmpfs small
	mkdir small/root r; for i in {1..60}; do echo "$i" >r/$i; done; pack r
	run -111 --separate-stderr tree-apply -i -m small/man -b small/b small/root <r.tar
	local left; left=$(find small -mindepth 1 | tr '\n' ' ')
	umount small
	[[ "$stderr" == *"No space left on device"* ]]
	[ "$left" = 'small/root small/b ' ] || [ "$left" = 'small/b small/root ' ]
}

@test "tree-apply: a failure after the commit point takes all back, and the same command starts anew" {
	delivered
	echo 2 >r2/app/a; echo 2 >r2/app/sub/b; echo n >r2/n; rm -r r2/gone; echo edit >root/conf/c; echo 2 >r2/conf/c; pack r2
	walk root '%T@ %i' >before
	local call
	for call in renameat:when=3 renameat:when=4 renameat2:when=2 unlinkat:when=1 fsync:when=4 fsync:when=8; do
		run -111 --separate-stderr traced -o /dev/null -e "inject=${call%:*}:error=EIO:${call#*:}" tree-apply -m man -b b2 root <r2.tar
		[[ "$stderr" == *"Input/output error"* ]] || { echo "$call: $stderr"; return 1; }
		walk root '%T@ %i' >after
		same_walk before after || { echo "$call"; return 1; }
		[ -z "$(ls -A b2)" ]
	done
	tree-apply -m man -b b2 root <r2.tar >/dev/null
	[ "$(cat root/app/a root/app/sub/b root/n | tr '\n' ,)" = 2,2,n, ]
}

@test "tree-apply: where a hard link is not allowed the old file is copied, and comes back" {
	delivered
	echo 2 >r2/app/a; rm r2/link; echo edit >root/conf/c; echo 2 >r2/conf/c
	chown 7:8 root/app/a; chmod 4750 root/app/a; setfattr -n user.x -v y root/app/a; touch -d 2005-05-05 root/app/a; touch -h -d 2006-06-06 root/link
	pack r2
	walk root '%T@' >before
	traced -o /dev/null -e inject=linkat:error=EMLINK tree-apply -m man -b b2 root <r2.tar >/dev/null
	[ "$(cat root/app/a)" = 2 ]
	tree-apply -u -m man -b b2 root
	walk root '%T@' >after
	same_walk before after
}

@test "tree-apply: a file that changes while the archive comes in stops the run before anything is done" {
	delivered
	echo 2 >r2/app/a; pack r2
	mkfifo in
	{
		head -c 1536 r2.tar
		for _ in {1..500}; do [ ! -e b2/new/1 ] || break; sleep 0.01; done
		echo meanwhile >>root/app/a
		tail -c +1537 r2.tar
	} >in &
	fails_with 111 "'app/a' was changed while the plan was made" tree-apply -m man -b b2 root <in
	wait $!
	[ "$(cat root/app/a)" = "$(printf 'one\nmeanwhile')" ]
	[ -z "$(ls -A b2)" ]
}

@test "tree-apply: a backup on another file system or mount, or one that holds other things, is refused" {
	delivered
	echo 2 >r2/app/a; pack r2
	mkdir other; mount -t tmpfs tmpfs other
	run -100 --separate-stderr tree-apply -m man -b other/b root <r2.tar
	umount other
	[[ "$stderr" == *"backup 'other/b' is not on the file system of 'root'"* ]]
	mount --bind . other
	run -100 --separate-stderr tree-apply -m man -b other/b root <r2.tar
	umount other
	[[ "$stderr" == *"is not on the file system of"* ]]
	mkdir full; echo precious >full/precious
	fails_with 100 "backup 'full' holds 'precious', which tree-apply did not put there" tree-apply -m man -b full root <r2.tar
	fails_with 100 "backup 'full' holds 'precious'" tree-apply -u -m man -b full root
	[ "$(ls full)" = precious ]
	fails_with 111 "cannot make folder 'no/b'" tree-apply -m man -b no/b root <r2.tar
	ln -s full away
	fails_with 111 "cannot open folder 'away'" tree-apply -m man -b away root <r2.tar
}

@test "tree-apply: an archive cannot reach the backup or the manifest of its own run" {
	mkdir -p root r/m r/b/old; echo x >r/m/man; echo x >r/b/old/1; echo x >r/b/state
	mkdir root/m
	tar -C r -cf t.tar m/man
	: >root/m/man
	fails_with 100 "'m/man' is the manifest or the backup of this run" tree-apply -m root/m/man -b b root <t.tar
	tar -C r -cf t.tar b/state
	fails_with 100 "'b/state' is the manifest or the backup" tree-apply -m root/m/man -b root/b root <t.tar
	tar -C r -cf t.tar b/old/1
	fails_with 100 "'b/old/1' is the manifest or the backup" tree-apply -m root/m/man -b root/b root <t.tar
	[ ! -s root/m/man ]
}

@test "tree-apply: a state or plan that is damaged is never trusted" {
	delivered
	echo 2 >r2/app/a; apply2 >/dev/null
	walk root '%T@ %i' >before
	cp -a b2 keep
	local damage
	for damage in 's/app\/a$/app\/x/' '3d' '$d' 's/^do\tp/do\tq/'; do
		cp keep/plan b2/plan; sed -i "$damage" b2/plan
		fails_with 100 "'b2/plan' is damaged" tree-apply -u -m man -b b2 root
	done
	head -c 100 keep/plan >b2/plan
	fails_with 100 "'b2/plan' is damaged" tree-apply -u -m man -b b2 root
	: >b2/plan
	fails_with 100 "'b2/plan' is damaged" tree-apply -u -m man -b b2 root
	cp keep/plan b2/plan
	echo 'tree-apply 1 appl' >b2/state
	fails_with 100 "'b2/state' is damaged" tree-apply -u -m man -b b2 root
	fails_with 100 "'b2/state' is damaged" tree-apply -m man -b b2 root <r2.tar
	cp keep/state b2/state
	walk root '%T@ %i' >after
	same_walk before after
	mkdir root2
	fails_with 100 "backup 'b2' belongs to another folder than 'root2'" tree-apply -u -m man -b b2 root2
	tree-apply -u -m man -b b2 root
	[ "$(cat root/app/a)" = one ]
}

@test "tree-apply: of two at once in one root the second is turned away at once" {
	delivered
	pack r2
	exec 7<root; flock 7
	fails_with 111 "another tree-apply is at work in 'root'" tree-apply -m man -b b2 root <r2.tar
	fails_with 111 "another tree-apply is at work in 'root'" tree-apply -u -m man -b b2 root
	exec 7<&-
	run -0 tree-apply -m man -b b2 root <r2.tar
}

@test "tree-apply: one sync comes before the first rename into root, and every touched folder is synced before the end" {
	delivered
	echo 2 >r2/app/a; mkdir -p r2/n/m; echo n >r2/n/m/n; rm -r r2/gone; pack r2
	traced -y -o trace -e trace=renameat,renameat2,unlinkat,syncfs,fsync tree-apply -m man -b b2 root <r2.tar >/dev/null
	# lines of the acts in root, of the sync, of the state
	awk -v top="$PWD" '
		/^syncfs/ { syncs++; if (acts) bad = "acted before the sync" }
		/^renameat.*state.applying/ { committed = NR; if (!syncs) bad = "committed before the sync" }
		/^(rename|unlink)/ && index($0, top "/root") { acts++; if (!committed) bad = "acted before the commit"
			n = split($0, part, top "/root"); f = part[n]; sub(/>.*/, "", f); touched[f] = NR }
		/^fsync/ && index($0, top "/root") { f = $0; sub(".*" top "/root", "", f); sub(/>.*/, "", f); synced[f] = NR; fsyncs[f]++ }
		/^renameat.*state.applied/ { done = NR }
		END {
			for (f in touched) {
				if (f ~ /^\/gone/) continue # removed itself
				if (!(synced[f] > touched[f]) || synced[f] > done) bad = "folder " f " was not synced"
				if (fsyncs[f] != 1) bad = "folder " f " was synced " fsyncs[f] " times"
			}
			if (syncs != 1 || acts < 6 || bad) { print bad, syncs, acts; exit 1 }
		}' trace
}

@test "tree-apply: -l prints the archive as a manifest" {
	delivered
	tree-apply -l <r1.tar | cmp - man
	head -c 700 r1.tar >cut.tar
	fails_with 100 "archive ends early" tree-apply -l <cut.tar
	full() { tree-apply -l <r1.tar >/dev/full; }
	run -111 --separate-stderr full
	[[ "$stderr" == *"cannot write to standard output"* ]]
}

@test "tree-apply: a full stdout is 111, after the files are done" {
	delivered
	echo 2 >r2/app/a; pack r2
	full() { tree-apply -m man -b b2 root <r2.tar >/dev/full; }
	run -111 --separate-stderr full
	[[ "$stderr" == *"cannot write to standard output"* ]]
	[ "$(cat root/app/a)" = 2 ]
	run -0 tree-apply -m man -b b2 root </dev/null
}

@test "tree-apply: large files are staged as they come, and an identical one is left alone" {
	delivered
	head -c 3000000 /dev/urandom >r2/big; cp r2/big r2/big2; apply2 >/dev/null
	cmp r2/big root/big
	walk root '%T@ %i' | grep big >before
	echo x >>r2/big2; pack r2
	tree-apply -m man -b b3 root <r2.tar >/dev/null
	walk root '%T@ %i' | grep 'big$' >after; grep 'big$' before | cmp - after
	cmp r2/big2 root/big2
	[ -z "$(ls b3/new)" ]
}

@test "tree-apply: who is not root can deliver into what is theirs" {
	delivered
	echo 2 >r2/app/a; mkdir r2/n; echo n >r2/n/n; rm -r r2/gone; pack r2
	chown -R 4242:4242 .
	cp "$(command -v tree-apply)" ./tool
	exec 7<r2.tar
	run -0 setpriv --reuid 4242 --regid 4242 --clear-groups ./tool -m man -b b2 root <&7
	exec 7<&-
	[ "$(cat root/app/a root/n/n | tr '\n' ,)" = 2,n, ]
	run -0 setpriv --reuid 4242 --regid 4242 --clear-groups ./tool -u -m man -b b2 root
	[ "$(cat root/app/a root/gone/deep/f | tr '\n' ,)" = one,bye, ]
}

@test "tree-apply: wrong use is 100 with the usage, a missing root 111" {
	local args
	for args in '' 'root' '-m man root' '-b b root' '-m man -b b' '-m man -b b root more' '-a -i -m man -b b root' \
		'-u -n -m man -b b root' '-u -k p -m man -b b root' '-u -c p -m man -b b root' '-u root' '-l root' '-l -n' '-x'; do
		# shellcheck disable=SC2086
		fails_with 100 "usage: tree-apply" tree-apply $args </dev/null
	done
	run -0 tree-apply -h
	[[ "$output" == "usage: tree-apply"* ]]
	fails_with 111 "cannot open folder 'root'" tree-apply -i -m man -b b root </dev/null
	mkdir root
	fails_with 100 "-c '../x'" tree-apply -i -c ../x -m man -b b root </dev/null
	fails_with 111 "cannot open 'nolist'" tree-apply -i -k nolist -m man -b b root </dev/null
}

@test "tree-apply: the first example of the man page runs" {
	mkdir -p v1/a v2; echo 1 >v1/a/f; echo 1 >v1/gone; cp -r v1/a v2/; echo 2 >v2/a/f; echo n >v2/new
	awk '/^\.Ed/ { exit } on { print } /^\.Bd/ { on = 1 }' "$SLIPWAY_TOP/man/tree-apply.1" >example
	run -0 sh -eu example
	[ "$(cut -f 1,2 <<<"$output" | tr '\t\n' ' ,')" = 'A a/f,A gone,M a/f,D gone,A new,M a/f,D gone,A new,' ]
	diff -r v1 site
}
