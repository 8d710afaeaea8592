# git-remote.bash - repositories and the servers that give them out: `load ../lib/git-remote`
# A file that starts servers calls remotes_stop in its teardown.

# repo_make DIR [BRANCH] - an empty repository whose branch is main
repo_make() {
	git init -q -b "${2:-main}" "$1"
	git -C "$1" config commit.gpgsign false
}

# as_nobody COMMAND... - without root's right to read everything
as_nobody() {
	setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}

# let_nobody_in - as_nobody may then come to the scratch folder
let_nobody_in() {
	local folder=$PWD
	while [ "$folder" != / ] && [ "$folder" != /tmp ]; do
		chmod o+x "$folder"
		folder=$(dirname "$folder")
	done
}
