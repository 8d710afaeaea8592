# disks.bash - small disks of a test's own, filled at a chosen record of a run's journal. Load it behind live.
# A file that uses it calls disks_gone in its teardown, before live_cleanup.

# disk NAME MEGABYTES [OPTION OF MKFS]... - an ext4 of its own at ./NAME
disk() {
	local name=$1 size=$2
	shift 2
	mkdir -p "$name"
	truncate -s "${size}M" "$name.img"
	mkfs.ext4 -q -F -b 4096 -m 0 -J size=4 "$@" "$name.img" || return 1
	mount -o loop "$name.img" "$name" || return 1
	rmdir "$name/lost+found"
	echo "$PWD/$name" >>"$BATS_TEST_TMPDIR/here/disks"
}

disks_gone() {
	local at
	[ -e "$BATS_TEST_TMPDIR/here/disks" ] || return 0
	cd "$BATS_TEST_TMPDIR" || return
	while read -r at; do
		for _ in {1..50}; do ! mountpoint -q "$at" || umount "$at" 2>/dev/null && break; sleep 0.1; done
	done <"$BATS_TEST_TMPDIR/here/disks"
}

# filler_overlay - a folder `overlay` in front of the tools, whose journal runs ./fill when the record that it has
# written is $FILL_AT
filler_overlay() {
	mkdir -p overlay
	cat >overlay/journal <<-END
		#!/bin/sh
		"$SLIPWAY_BIN/journal" "\$@" || exit
		[ "\$1" = -a ] || exit 0
		shift 2
		[ "\$*" != "\${FILL_AT-}" ] || "$PWD/fill"
		exit 0
	END
	chmod +x overlay/journal
	local tool
	for tool in "$SLIPWAY_BIN"/*; do [ -e "overlay/${tool##*/}" ] || ln -s "$tool" overlay/; done
}

# fill_blocks DISK [KILOBYTES] - takes all blocks of the disk, but for so many
fill_blocks() {
	sync -f "$1"
	fallocate -l "$(df -k --output=avail "$1" | tail -n 1)k" "$1/.filler" 2>/dev/null || :
	dd if=/dev/zero of="$1/.filler" bs=64k oflag=append conv=notrunc 2>/dev/null || :
	dd if=/dev/zero of="$1/.filler" bs=4k oflag=append conv=notrunc 2>/dev/null || :
	[ "${2:-0}" = 0 ] || truncate -s "-$2K" "$1/.filler"
	sync -f "$1"
}

# fill_inodes DISK [HOW MANY] - takes all inodes of the disk, but for so many
fill_inodes() {
	local n=0 free
	mkdir -p "$1/.fillers"
	free=$(df --output=iavail "$1" | tail -n 1)
	(cd "$1/.fillers" && seq "$((free - ${2:-0}))" | xargs touch)
	sync -f "$1"
}

# make_room DISK - what a fill took
make_room() { rm -rf "$1/.filler" "$1/.fillers"; sync -f "$1"; }

# fill_with COMMAND... - what ./fill does, with the functions of this file
fill_with() {
	{
		echo '#!/bin/bash'
		declare -f fill_blocks fill_inodes
		printf '%s\n' "$*"
	} >fill
	chmod +x fill
}
