# tree.bash - what the tests of tree-apply share: tars as repo-tar makes them, and a walk that sees every difference.
# `load ../lib/tree` after common.

# pack FOLDER [TAR] - its files and symlinks, no folders, sorted, into FOLDER.tar
pack() {
	(cd "$1" && find . ! -type d -printf '%P\0' | sort -z) |
		tar -C "$1" --null --verbatim-files-from --no-recursion -T - -cf "${2:-$1.tar}"
}

# walk FOLDER [FORMAT] - one line for each thing in it: type, mode, owner, target or size and hash, xattrs and ACL;
# with FORMAT (of find) also that of the files and symlinks. Written without slipway, as the tests' oracle.
walk() {
	(
		cd "$1" || exit
		find . -type d -printf 'd %m %U:%G %p\n' -o -type l -printf "l %U:%G ${2-} %p -> %l\n" \
			-o -printf "%y %m %U:%G %s ${2-} %p\n"
		find . -type f -exec sha256sum {} +
		getfattr -R -P -d -m - . 2>/dev/null
	) | sort
}

same_walk() { # FILE FILE - says what differs
	diff "$1" "$2" >&2
}
