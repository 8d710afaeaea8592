load ../lib/common

install_here() { make -s -C "$SLIPWAY_TOP" BUILD="${SLIPWAY_BIN%/bin}" "$@"; }

@test "install: every tool, script and page lands in its place, and slipway finds them there" {
	install_here install PREFIX="$PWD/it is here"
	cd 'it is here'
	for t in "$SLIPWAY_BIN"/*; do
		t=${t##*/}
		case $t in
		cfg-get | preset-filter | version-tag | db-backup | schema-diff | migrate-run | img-tag | img-prune | cert-gen | hmac-verify)
			[ -x "bin/$t" ] ;;
		*) [ -x "libexec/slipway/$t" ] && [ ! -e "bin/$t" ] ;;
		esac
	done
	for s in update resume status compose; do [ -x "libexec/slipway/$s" ]; done
	for s in "$SLIPWAY_TOP"/scripts/*.sh; do [ -f "libexec/slipway/${s##*/}" ]; done
	for s in "$SLIPWAY_TOP"/scripts/steps/*; do [ -x "libexec/slipway/steps/${s##*/}" ]; done
	for p in "$SLIPWAY_TOP"/man/*; do p=${p##*/}; [ -f "share/man/man${p##*.}/$p" ]; done
	[ ! -e libexec/slipway/setup ]
	env -u SLIPWAY_BIN PATH=/usr/bin:/bin bin/slipway -h
	env -u SLIPWAY_BIN PATH=/usr/bin:/bin bin/slipway update -h | grep -q '^usage: '
}

@test "install: DESTDIR goes in front of everything and into nothing" {
	install_here install DESTDIR="$PWD/root" PREFIX=/usr
	[ -x root/usr/bin/slipway ]
	grep -qx "libexec='/usr/libexec/slipway'" root/usr/bin/slipway
	run -1 grep -rqF "$PWD" root/usr/bin/slipway root/usr/libexec/slipway/update
	[ ! -e root/usr/local ]
}

@test "uninstall: leaves nothing of ours, and all that is not ours" {
	mkdir -p root/usr/local/bin root/usr/local/share/man/man1
	echo mine >root/usr/local/bin/other; echo mine >root/usr/local/share/man/man1/other.1
	install_here install DESTDIR="$PWD/root"
	[ "$(find root -type f | wc -l)" -gt 20 ]
	install_here uninstall DESTDIR="$PWD/root"
	[ "$(find root ! -type d | sort | xargs)" = 'root/usr/local/bin/other root/usr/local/share/man/man1/other.1' ]
	[ -z "$(find root -name '*slipway*')" ]
	install_here uninstall DESTDIR="$PWD/root"
}
