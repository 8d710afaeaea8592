load ../lib/common
load ../lib/git-remote

# refuses WHY [MODE NAME OBJECT]... - a commit with these in its root is refused by name by repo-ls and repo-tar
refuses() {
	local why=$1 id
	shift
	id=$(tree_commit r "$(tree_raw r "$@")")
	run -100 --separate-stderr repo-ls r main
	[ -z "$output" ] || return 1
	[ "${stderr_lines[0]}" = "repo-ls: commit ${id:0:8}: $why" ] || { echo "$stderr"; return 1; }
	run -100 --separate-stderr repo-tar r main </dev/null
	[ -z "$output" ] || return 1
	[ "${stderr_lines[0]}" = "repo-tar: commit ${id:0:8}: $why" ] || { echo "$stderr"; return 1; }
}

empty_blob=e69de29bb2d1d6434b8b29ae775ad8c2e48c5391

@test "repo-ls: lists the files of a commit, sorted as git does" {
	repo_make r; cd r
	mkdir -p a a-b 'b c' dé/x; touch a.txt a/z a-b/y 'b c/d e' dé/x/ü Z .hidden
	git add .; git commit -q -m x; cd ..
	run -0 --separate-stderr repo-ls r main
	[ "$output" = "$(git -C r -c core.quotePath=false ls-tree -r --name-only main)" ]
	[ "$(echo "$output" | sort)" = "$output" ]
	repo-ls -0 r main | cmp - <(git -C r ls-tree -r --name-only -z main)
}

@test "repo-ls: -l gives mode, size, object and path" {
	repo_make r; cd r
	printf abc >f; printf '#!/bin/sh\n' >run; chmod +x run; ln -s f link
	git add .; git commit -q -m x; cd ..
	run -0 repo-ls -l r main
	[ "$output" = "$(git -C r ls-tree -r -l main | sed -E 's/^([0-9]+) blob ([0-9a-f]+) +([0-9]+)/\1\t\3\t\2/')" ]
	[ "${lines[0]}" = "100644	3	$(git -C r rev-parse main:f)	f" ]
}

@test "repo-ls: the commit is 40 hex digits, a full name, a tag, a branch or HEAD" {
	repo_make r
	echo 1 >r/one; git -C r add .; git -C r commit -q -m 1; git -C r tag both; git -C r tag -a -m x v1.0.0
	local first; first=$(git -C r rev-parse HEAD)
	echo 2 >r/two; git -C r add .; git -C r commit -q -m 2; git -C r branch both
	for commit in "$first" refs/tags/both refs/tags/v1.0.0 v1.0.0 both "$(git -C r rev-parse v1.0.0)"; do
		[ "$(repo-ls r "$commit" | xargs)" = one ] || { echo "$commit"; return 1; }
	done
	for commit in refs/heads/both main HEAD; do
		[ "$(repo-ls r "$commit" | xargs)" = 'one two' ] || { echo "$commit"; return 1; }
	done
}

@test "repo-ls: what is not a commit, or not there, is refused by name" {
	repo_make r; echo 1 >r/one; git -C r add .; git -C r commit -q -m 1
	git -C r tag text "$(blob r text)"
	fails_with 100 "the repository has no commit 'nosuch'" repo-ls r nosuch
	fails_with 100 "the repository has no commit 'refs/heads/nosuch'" repo-ls r refs/heads/nosuch
	fails_with 100 "the repository has no commit '--upload-pack=x'" repo-ls r --  --upload-pack=x
	fails_with 100 "the repository has no commit '0123456789012345678901234567890123456789'" \
		repo-ls r 0123456789012345678901234567890123456789
	fails_with 100 "'HEAD^{tree}' cannot be a name in git" repo-ls r 'HEAD^{tree}'
	fails_with 100 "'text' is not a commit" repo-ls r text
	fails_with 100 "there is no repository 'no'" repo-ls no main
}

@test "repo-ls: a commit without files gives no output" {
	repo_make r; git -C r commit -q --allow-empty -m empty
	run -0 --separate-stderr repo-ls r main
	[ -z "$output$stderr" ]
}

@test "repo-ls: a path that leads out, or into .git or .slipway in any spelling, is refused by name" {
	repo_make r; blob r '' >/dev/null
	local inner outer
	inner=$(tree_raw r 100644 f $empty_blob)
	refuses "'..': component '.' or '..'" 40000 .. "$inner"
	refuses "'.': component '.' or '..'" 100644 . $empty_blob
	outer=$(tree_raw r 40000 .. "$inner")
	refuses "'x/..': component '.' or '..'" 40000 x "$outer"
	refuses "'x/../y': component '.' or '..'" 100644 x/../y $empty_blob
	refuses "'/etc/passwd': absolute path" 100644 /etc/passwd $empty_blob
	refuses "'a/b': slash in a name" 100644 a/b $empty_blob
	for name in .git .GIT .gIt git~1 GIT~1 '.git ' .git. '.git . .' .git::\$INDEX_ALLOCATION; do
		refuses "'$name': a spelling of '.git'" 40000 "$name" "$inner"
	done
	refuses "'.g"$'\xe2\x80\x8c'"it': a spelling of '.git'" 40000 $'.g\xe2\x80\x8cit' "$inner"
	refuses "'.slipway': '.slipway' belongs to slipway" 40000 .slipway "$inner"
	refuses "'x/.Slipway': '.slipway' belongs to slipway" 40000 x "$(tree_raw r 100644 .Slipway $empty_blob)"
}

@test "repo-ls: a name with a newline, another control byte or no UTF-8 is refused, and shown harmlessly" {
	repo_make r; blob r '' >/dev/null
	refuses "'a?b': newline in the name" 100644 $'a\nb' $empty_blob
	refuses "'a?[2Jb': control byte in the name" 100644 $'a\e[2Jb' $empty_blob
	refuses $'\'a\xff\': name is not UTF-8' 100644 $'a\xff' $empty_blob
	refuses "'$(printf '%0256d' 0)': component longer than 255 bytes" 100644 "$(printf '%0256d' 0)" $empty_blob
}

@test "repo-ls: submodules, devices and odd modes are refused by name" {
	repo_make r; blob r '' >/dev/null
	refuses "'sub': submodule" 160000 sub 0123456789012345678901234567890123456789
	refuses "'null': mode 020666" 20666 null $empty_blob
	refuses "'disk': mode 060644" 60644 disk $empty_blob
	refuses "'old': mode 100664" 100664 old $empty_blob
	refuses "'suid': mode 104755" 104755 suid $empty_blob
}

@test "repo-ls: symlinks that lead out are refused, those that stay inside are listed" {
	repo_make r
	local out in
	for target in /etc/passwd .. ../x ../../x a/../../x .git/config ''; do
		out=$(blob r "$target")
		refuses "'link': $(link_reason "$target")" 120000 link "$out"
	done
	out=$(blob r ../../x); in=$(blob r ../x)
	refuses "'d/link': symlink that leads out of the tree" 40000 d "$(tree_raw r 120000 link "$out")"
	refuses "'link': symlink with a target longer than 4095 bytes" 120000 link "$(blob r "$(printf '%04096d' 0)")"
	out=$(printf 'a\0b' | git -C r hash-object -w --stdin)
	refuses "'link': symlink with a NUL byte in its target" 120000 link "$out"
	tree_commit r "$(tree_raw r 40000 d "$(tree_raw r 120000 link "$in")" 100644 x "$in")"
	run -0 repo-ls r main
	[ "$(echo $output)" = 'd/link x' ]
}

link_reason() {
	case $1 in
	/*) echo 'symlink with an absolute target' ;;
	'') echo 'symlink without a target' ;;
	a/*) echo "component '.' or '..'" ;;
	.git/*) echo "a spelling of '.git'" ;;
	*) echo 'symlink that leads out of the tree' ;;
	esac
}

@test "repo-ls: case twins are refused: files, folders, a file and a folder, a name twice" {
	repo_make r; blob r '' >/dev/null
	local x y
	x=$(tree_raw r 100644 x $empty_blob); y=$(tree_raw r 100644 y $empty_blob)
	refuses "'readme': differs from 'README' only in case" 100644 README $empty_blob 100644 readme $empty_blob
	refuses "'a': differs from 'A' only in case" 40000 A "$x" 40000 a "$y"
	refuses "'a': differs from 'A' only in case" 40000 A "$x" 100644 a $empty_blob
	refuses "'a': stands there twice" 100644 a $empty_blob 100644 a $empty_blob
	refuses "'a': stands there twice" 100644 a $empty_blob 40000 a "$x"
	refuses "'d/x': differs from 'd/X' only in case" 40000 d "$(tree_raw r 100644 X $empty_blob 100644 x $empty_blob)"
	tree_commit r "$(tree_raw r 100644 X $empty_blob 40000 d "$x")"
	run -0 repo-ls r main
	[ "$(echo $output)" = 'X d/x' ]
}

@test "repo-ls: names every offender, up to twenty, and how many there are" {
	repo_make r; blob r '' >/dev/null
	local args=() i
	for i in $(seq 10 34); do args+=(160000 "sub$i" 0123456789012345678901234567890123456789); done
	tree_commit r "$(tree_raw r 100644 good $empty_blob "${args[@]}")"
	run -100 --separate-stderr repo-ls r main
	[ -z "$output" ]
	[ "$(echo "$stderr" | grep -c ': submodule$')" = 20 ]
	[[ "${stderr_lines[19]}" == *"'sub29': submodule" ]]
	[[ "${stderr_lines[20]}" == *'holds 25 paths that no server should be given' ]]
}

@test "repo-ls: a tree that never ends is refused" {
	repo_make r; blob r '' >/dev/null
	local tree i
	tree=$(tree_raw r 100644 f $empty_blob)
	for i in 1 2 3 4 5 6 7 8 9; do
		tree=$(tree_raw r $(for n in 0 1 2 3 4 5 6 7 8 9; do echo "40000 $n $tree"; done))
	done
	tree_commit r "$tree"
	fails_with 100 'holds more than 1000000 names' timeout 60 repo-ls r main
	tree=$(tree_raw r 100644 f $empty_blob)
	for i in $(seq 20); do tree=$(tree_raw r 40000 "$(printf '%0250d' 0)" "$tree"); done
	tree_commit r "$tree"
	run -100 --separate-stderr repo-ls r main
	[[ "$stderr" == *"00...': path longer than 4095 bytes"* ]]
}

@test "repo-ls: an unsorted tree is listed sorted" {
	repo_make r; blob r '' >/dev/null
	tree_commit r "$(tree_raw r 100644 c $empty_blob 100644 a $empty_blob 100644 b $empty_blob)"
	run -0 repo-ls r main
	[ "$(echo $output)" = 'a b c' ]
}

@test "repo-ls: missing and broken objects end with 111 and no output" {
	repo_make r; mkdir r/d; echo text >r/d/f; ln -s f r/d/link; git -C r add .; git -C r commit -q -m x
	local tree link file
	tree=$(git -C r rev-parse main:d); link=$(git -C r rev-parse main:d/link); file=$(git -C r rev-parse main:d/f)
	mv "r/.git/objects/${file:0:2}/${file:2}" keep
	run -0 repo-ls r main
	fails_with 111 "cannot read 'd/f'" repo-ls -l r main
	mv keep "r/.git/objects/${file:0:2}/${file:2}"
	mv "r/.git/objects/${link:0:2}/${link:2}" keep
	fails_with 111 "cannot read symlink 'd/link'" repo-ls r main
	mv keep "r/.git/objects/${link:0:2}/${link:2}"
	chmod u+w r/.git/objects/*/*
	cp "r/.git/objects/${file:0:2}/${file:2}" "r/.git/objects/${tree:0:2}/${tree:2}"
	fails_with 111 "cannot read folder 'd/'" repo-ls r main
}

@test "repo-ls: an entry that is no file inside is refused" {
	repo_make r; blob r '' >/dev/null
	tree_commit r "$(tree_raw r 100644 f "$(tree_raw r)")"
	fails_with 100 "'f' is not the content of a file" repo-ls -l r main
}

@test "repo-ls: the example of the man page does what it says" {
	repo_make r; mkdir -p r/app/d r/other; echo 1 >r/app/d/one; echo 2 >r/other/two
	git -C r add .; git -C r commit -q -m 1; git -C r tag v1.1.0; git clone -q --mirror r repo.git
	mkdir server
	repo-ls repo.git v1.1.0 | grep '^app/' | repo-tar repo.git v1.1.0 | tar -xf - -C server
	[ "$(cd server && find . -type f)" = ./app/d/one ]
}

@test "repo-ls: a full disk is the world's fault; wrong use shows the usage" {
	repo_make r; echo 1 >r/one; git -C r add .; git -C r commit -q -m 1
	run -111 --separate-stderr sh -c 'repo-ls r main >/dev/full'
	[[ "$stderr" == *'No space left'* ]]
	fails_with 100 'usage: repo-ls' repo-ls r
	fails_with 100 'usage: repo-ls' repo-ls r main x
	fails_with 100 'usage: repo-ls' repo-ls -x r main
	run -0 repo-ls -h
	[[ "$output" == 'usage: repo-ls'* ]]
}
