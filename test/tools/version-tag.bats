load ../lib/common
load ../lib/git-remote

# commit_at SECONDS [TEXT] - a commit in the repository r whose date is that many seconds after 2026-01-01
commit_at() {
	echo "${2:-$1}" >>r/file
	git -C r add file
	GIT_COMMITTER_DATE="$((1767225600 + $1)) +0200" git -C r commit -q -m "${2:-$1}"
}

tag_of() { # the tag in the record that version-tag prints for these arguments
	version-tag "$@" r | cut -f2
}

no_answer() { # status 1, and not a word
	run -1 --separate-stderr "$@"
	[ -z "$output$stderr" ]
}

@test "version-tag: prints version, tag, commit and date of the newest" {
	repo_make r; commit_at 1; git -C r tag v1.9.0; commit_at 62; git -C r tag v1.10.0
	commit_at 3; git -C r tag 1.2.3
	run -0 --separate-stderr version-tag r
	[ "$output" = "1.10.0	v1.10.0	$(git -C r rev-parse v1.10.0)	2026-01-01T00:01:02Z" ]
}

@test "version-tag: -l prints all, oldest first, by the order of versions" {
	repo_make r; commit_at 1
	for tag in v1.2.1g 1.2.1 v1.2.2 v1.2.1-beta-10 v1.2.1-beta-9 V1.2 1.2.1.1 v1.2.1-rc-1 v1.10.0 v1.9.0 v0.1+build; do
		git -C r tag -- "$tag"
	done
	run -0 version-tag -l r
	[ "$(echo "$output" | cut -f2 | xargs)" = \
		'v0.1+build V1.2 v1.2.1-beta-9 v1.2.1-beta-10 v1.2.1-rc-1 1.2.1 v1.2.1g 1.2.1.1 v1.2.2 v1.9.0 v1.10.0' ]
	[ "$(echo "$output" | cut -f1 | head -n 2 | xargs)" = '0.1+build 1.2' ]
	[ "$(echo "$output" | tail -n 1)" = "$(version-tag r)" ]
}

@test "version-tag: of equal versions the one with v wins, then the shorter name, packed or loose" {
	repo_make r; commit_at 1
	git -C r tag 1.0; [ "$(tag_of)" = 1.0 ]
	git -C r tag v1.0.0; [ "$(tag_of)" = v1.0.0 ]
	git -C r tag V1.0; [ "$(tag_of)" = v1.0.0 ]
	git -C r tag v1.0+x; git -C r tag v1.0; [ "$(tag_of)" = v1.0 ]
	git -C r pack-refs --all; [ "$(tag_of)" = v1.0 ]
	[ "$(version-tag -l r | tail -n 1)" = "$(version-tag r)" ]
}

@test "version-tag: what is no version is ignored, however it is named" {
	repo_make r; commit_at 1; git -C r tag v1.0.0
	local id; id=$(git -C r rev-parse HEAD)
	mkdir r/.git/refs/tags/release r/.git/refs/tags/v8.0.0
	for tag in latest v2 release/3.0.0 v8.0.0/x 4.0rc '$(id)' '--upload-pack=x' v5.0.0.0.0 'v6.0 0' v7.0.0-rc.1.lock \
		"v9.$(printf '%0240d' 0 | tr 0 x)"; do
		echo "$id" >"r/.git/refs/tags/$tag"
	done
	[ "$(version-tag -l r | cut -f2)" = v1.0.0 ]
	git -C r pack-refs --all
	[ "$(version-tag -l r | cut -f2)" = v1.0.0 ]
}

@test "version-tag: a number of 200 digits and leading zeros compare as numbers" {
	repo_make r; commit_at 1
	local many; many=$(printf '%0200d' 0 | tr 0 9)
	git -C r tag v1.99999999999999999999; git -C r tag v1.099; git -C r tag "v1.$many"
	[ "$(tag_of)" = "v1.$many" ]
	[ "$(tag_of -t 1.099)" = v1.099 ]
}

@test "version-tag: annotated, nested and light tags all lead to their commit, packed and loose" {
	repo_make r; commit_at 1
	local id; id=$(git -C r rev-parse HEAD)
	git -C r tag v1.0.0
	git -C r tag -a -m x v1.1.0
	git -C r -c advice.nestedTag=false tag -a -m x v1.2.0 v1.1.0
	for pass in loose packed; do
		run -0 version-tag -l r
		[ "$(echo "$output" | cut -f3 | sort -u)" = "$id" ]
		[ "$(echo "$output" | wc -l)" = 3 ]
		[ "$(version-tag r | cut -f2,3)" = "v1.2.0	$id" ]
		git -C r pack-refs --all
		[ -z "$(find r/.git/refs/tags -type f)" ] || [ $pass = loose ]
	done
}

@test "version-tag: a packed-refs without the peeled commits is read too" {
	repo_make r; commit_at 1; git -C r tag -a -m x v1.1.0; git -C r pack-refs --all
	sed -i '/^[#^]/d' r/.git/packed-refs
	[ "$(version-tag r | cut -f3)" = "$(git -C r rev-parse HEAD)" ]
}

@test "version-tag: a loose tag stands before the packed one of that name, and a deleted one is gone" {
	repo_make r; commit_at 1; git -C r tag v1.0.0; git -C r tag v1.1.0; git -C r pack-refs --all
	commit_at 2; git -C r tag -f v1.1.0 >/dev/null
	grep -q v1.1.0 r/.git/packed-refs
	[ "$(version-tag r | cut -f3)" = "$(git -C r rev-parse HEAD)" ]
	[ "$(version-tag -l r | wc -l)" = 2 ]
	git -C r tag -d v1.1.0 >/dev/null
	[ "$(tag_of)" = v1.0.0 ]
}

@test "version-tag: a tag that leads to no commit is passed over" {
	repo_make r; commit_at 1; git -C r tag v1.0.0
	git -C r tag v9.0.0 "$(echo text | git -C r hash-object -w --stdin)"
	git -C r tag -a -m x v8.0.0 "HEAD^{tree}"
	for pass in loose packed; do
		[ "$(tag_of)" = v1.0.0 ]
		[ "$(tag_of -l)" = v1.0.0 ]
		no_answer version-tag -t 9.0.0 r
		run -0 version-tag -b main r
		git -C r pack-refs --all
	done
	git -C r tag -d v1.0.0 >/dev/null
	no_answer version-tag r
	no_answer version-tag -l r
}

@test "version-tag: -t finds a version with or without v, and is silent when there is none" {
	repo_make r; commit_at 1; git -C r tag v1.0.0; commit_at 2; git -C r tag 2.0.0; git -C r tag v2.0.0+b
	[ "$(tag_of -t 1.0.0)" = v1.0.0 ]
	[ "$(tag_of -t v1.0.0)" = v1.0.0 ]
	[ "$(tag_of -t v2.0.0)" = 2.0.0 ]
	[ "$(tag_of -t 2.0.0+b)" = v2.0.0+b ]
	no_answer version-tag -t 1.0 r
	no_answer version-tag -t 3.0.0 r
	fails_with 100 "'main' is not a version" version-tag -t main r
}

@test "version-tag: -b gives the highest version at the tip of the branch" {
	repo_make r; commit_at 1; git -C r tag v2.0.0; commit_at 60
	git -C r tag v1.0.0; git -C r tag v1.1.0; git -C r tag -a -m x v1.1.0-rc-1
	git -C r branch old v2.0.0
	run -0 version-tag -b main r
	[ "$output" = "1.1.0	v1.1.0	$(git -C r rev-parse main)	2026-01-01T00:01:00Z" ]
	[ "$(tag_of -b old)" = v2.0.0 ]
	[ "$(tag_of -c "$(git -C r rev-parse old)")" = v2.0.0 ]
	[ "$(tag_of -c v1.1.0-rc-1)" = v1.1.0 ]
}

@test "version-tag: -b takes the tag of a reachable commit whose tree is the same, and the commit of the tip" {
	repo_make r; commit_at 1; git -C r tag v1.0.0
	git -C r checkout -q -b work; commit_at 2; git -C r tag v1.1.0
	git -C r checkout -q main
	git -C r merge -q --no-ff -m merge work
	run -0 version-tag -b main r
	[ "$(echo "$output" | cut -f2,3)" = "v1.1.0	$(git -C r rev-parse main)" ]
	# the same tree on a commit that the tip does not come from is no answer
	git -C r checkout -q --orphan alone; git -C r commit -q -m alone; git -C r tag v9.0.0
	[ "$(tag_of -b main)" = v1.1.0 ]
}

@test "version-tag: -b of an untagged tip names the nearest tag and how far it is" {
	repo_make r; commit_at 1; git -C r tag v1.0.0; commit_at 2; git -C r tag v0.5.0; commit_at 3
	git -C r branch one; commit_at 4; commit_at 5
	run -100 --separate-stderr version-tag -b main r
	[ -z "$output" ]
	[ "${stderr_lines[0]}" = "version-tag: branch 'main' is at $(git -C r rev-parse main | cut -c 1-8), which has no version tag" ]
	[ "${stderr_lines[1]}" = "version-tag: hint: the nearest version tag is 'v0.5.0', 3 commits back" ]
	run -100 --separate-stderr version-tag -c "$(git -C r rev-parse one)" r
	[ "${stderr_lines[0]}" = "version-tag: commit $(git -C r rev-parse one | cut -c 1-8) has no version tag" ]
	[ "${stderr_lines[1]}" = "version-tag: hint: the nearest version tag is 'v0.5.0', 1 commit back" ]
}

@test "version-tag: -b says when no tag is reachable, and when there is none at all" {
	repo_make r; commit_at 1
	run -100 --separate-stderr version-tag -b main r
	[ "${stderr_lines[1]}" = 'version-tag: hint: the repository has no version tag' ]
	no_answer version-tag r
	git -C r checkout -q -b later; commit_at 2; git -C r tag v1.0.0
	run -100 --separate-stderr version-tag -b main r
	[ "${stderr_lines[1]}" = 'version-tag: hint: no version tag is reachable from it' ]
}

@test "version-tag: a branch and a tag of the same name are not confused" {
	repo_make r; commit_at 1; git -C r tag v1.0.0; git -C r branch v2.0.0
	commit_at 2; git -C r tag v1.1.0; git -C r tag main v1.0.0
	[ "$(tag_of)" = v1.1.0 ]
	[ "$(tag_of -b main)" = v1.1.0 ]
	[ "$(tag_of -b v2.0.0)" = v1.0.0 ]
	fails_with 100 "the repository has no branch 'v1.0.0'" version-tag -b v1.0.0 r
}

@test "version-tag: unknown or impossible branches and commits are refused by name" {
	repo_make r; commit_at 1; git -C r tag v1.0.0
	fails_with 100 "no branch '--upload-pack=x'" version-tag -b --upload-pack=x r
	fails_with 100 "no branch '\$(id)'" version-tag -b '$(id)' r
	fails_with 100 "'a..b' cannot be a name in git" version-tag -b a..b r
	fails_with 100 "no commit '0123456789012345678901234567890123456789'" \
		version-tag -c 0123456789012345678901234567890123456789 r
	fails_with 100 "no commit 'nosuch'" version-tag -c nosuch r
	fails_with 100 "is not a commit" version-tag -c "$(git -C r rev-parse 'HEAD^{tree}')" r
}

@test "version-tag: reads a bare repository, a linked worktree and one of another owner" {
	repo_make r; commit_at 1; git -C r tag v1.0.0
	git clone -q --mirror r bare.git
	git -C r worktree add -q ../linked 2>/dev/null
	chown -R 65534 bare.git
	for repo in r r/.git bare.git linked; do
		run -0 version-tag "$repo"
		[ "$(echo "$output" | cut -f2)" = v1.0.0 ]
	done
	[ "$(version-tag -b linked linked | cut -f2)" = v1.0.0 ]
}

@test "version-tag: a missing repository is the caller's fault, an unreadable one the world's" {
	mkdir folder; echo >file
	fails_with 100 "there is no repository 'no'" version-tag no
	fails_with 100 "there is no repository 'file'" version-tag file
	fails_with 100 "'folder' is not a git repository" version-tag folder
	repo_make r; commit_at 1; git -C r tag v1.0.0
	let_nobody_in; chmod 700 r
	fails_with 111 "cannot open repository '$PWD/r': Permission denied" as_nobody version-tag "$PWD/r"
	chmod 755 r; chmod 700 r/.git
	fails_with 111 "cannot open repository '$PWD/r/.git': Permission denied" as_nobody version-tag "$PWD/r"
	chmod 755 r/.git; chmod 700 r/.git/refs/tags
	fails_with 111 "Permission denied" as_nobody version-tag "$PWD/r"
	chmod 755 r/.git/refs/tags
	run -0 as_nobody version-tag "$PWD/r"
}

@test "version-tag: broken tags, packed-refs and objects end with 111 and never with an older version" {
	repo_make r; commit_at 1; git -C r tag v1.0.0; commit_at 2; git -C r tag v1.1.0
	: >r/.git/refs/tags/v1.1.0
	fails_with 111 "cannot read tag 'v1.1.0'" version-tag r
	echo 0123456789012345678901234567890123456789 >r/.git/refs/tags/v1.1.0
	fails_with 111 'cannot read object 0123456789012345678901234567890123456789' version-tag r
	git -C r rev-parse HEAD >r/.git/refs/tags/v1.1.0
	git -C r pack-refs --all
	cp r/.git/packed-refs good
	truncate -s -1 r/.git/packed-refs
	fails_with 111 'is cut short' version-tag r
	{ cat good; echo 'nonsense'; } >r/.git/packed-refs
	fails_with 111 "holds what no packed-refs does: 'nonsense'" version-tag r
	cp good r/.git/packed-refs
	local id; id=$(git -C r rev-parse v1.1.0)
	chmod u+w r/.git/objects/*/*
	printf 'x' >"r/.git/objects/${id:0:2}/${id:2}"
	fails_with 111 "cannot read object $id" version-tag r
}

@test "version-tag: the environment and the configuration of the user do not lead it elsewhere" {
	repo_make r; commit_at 1; git -C r tag v1.0.0
	mv r keep; repo_make r; commit_at 1; git -C r tag v9.0.0; mv r other; mv keep r
	mkdir home; printf '[core]\n\trepositoryformatversion = 99\n' >home/.gitconfig
	GIT_DIR=$PWD/other/.git HOME=$PWD/home run -0 version-tag r
	[ "$(echo "$output" | cut -f2)" = v1.0.0 ]
}

@test "version-tag: reads no certificates, which is half of its time" {
	repo_make r; commit_at 1; git -C r tag v1.0.0
	ASAN_OPTIONS=detect_leaks=0 run -0 strace -f -o trace -e trace=openat version-tag r
	! grep -q 'certs' trace
}

@test "version-tag: the examples of the man page do what it says" {
	repo_make r; commit_at 1
	for tag in v1.0.0 v1.1.0 v1.10.0 v1.9.0 v2.0.0-rc-1; do git -C r tag $tag; done
	git clone -q --mirror r repo.git
	[ "$(version-tag -b main repo.git | cut -f 1)" = 2.0.0-rc-1 ]
	[ "$(version-tag -l repo.git | cut -f 1 | grep -v -- - | version-cmp -r | head -n 3 | xargs)" = '1.10.0 1.9.0 1.1.0' ]
}

@test "version-tag: a full disk is the world's fault; wrong use shows the usage" {
	repo_make r; commit_at 1; git -C r tag v1.0.0
	run -111 --separate-stderr sh -c 'version-tag r >/dev/full'
	[[ "$stderr" == *'No space left'* ]]
	fails_with 100 'usage: version-tag' version-tag
	fails_with 100 'usage: version-tag' version-tag r r
	fails_with 100 'usage: version-tag' version-tag -l -b main r
	run -0 version-tag -h
	[[ "$output" == 'usage: version-tag'* ]]
}
