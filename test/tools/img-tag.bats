load ../lib/common

@test "img-tag: an image of prod is named by its version, then latest" {
	run -0 img-tag -a app -e prod v1.2.3
	[ "$output" = $'app-prod:1.2.3\napp-prod:latest' ]
}

@test "img-tag: an image of another environment is latest only" {
	run -0 img-tag -a app -e test 1.2.3
	[ "$output" = 'app-test:latest' ]
	run -0 img-tag -a app -e staging 1.2.3
	[ "$output" = 'app-staging:latest' ]
}

@test "img-tag: build metadata goes into a tag and comes back out of it" {
	run -0 img-tag -a app -e prod 1.2.3-rc.1+build.5
	[ "${lines[0]}" = 'app-prod:1.2.3-rc.1_build.5' ]
	run -0 img-tag -r 1.2.3-rc.1_build.5
	[ "$output" = '1.2.3-rc.1+build.5' ]
}

@test "img-tag: every form of version comes back as it was, without its v" {
	local version tag
	for version in 1.2 1.2.3 1.2.3.4 1.2.1g 1.2.1-beta-9 1.2.1b-rc-1 1.2.3+a 1.2.3-a-b+c-d.e 99999999999999999999.0; do
		tag=$(img-tag -a a -e prod "v$version" | head -n 1)
		tag=${tag#a-prod:}
		[[ $tag =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$ ]]
		[ "$(img-tag -r "$tag")" = "$version" ]
	done
}

@test "img-tag: two versions never share a tag" {
	local version
	for version in 1.2.3 1.2.3+a 1.2.3-a 1.2.3a 1.2.3.0 1.2.3+a.b 1.2.3+a-b; do
		img-tag -a a -e prod "$version" | head -n 1
	done | sort | uniq -d >twice
	[ ! -s twice ]
}

@test "img-tag: -l prints the labels, with commit and time when they are given" {
	run -0 img-tag -l -a app -e prod v1.2.3+b
	[ "$output" = $'org.opencontainers.image.version=1.2.3+b\nio.slipway.app=app\nio.slipway.env=prod' ]
	local commit=0123456789abcdef0123456789abcdef01234567
	run -0 img-tag -l -a app -e test -c $commit -d 2026-01-31T23:59:59Z 1.2.3
	[ "$output" = "org.opencontainers.image.version=1.2.3
org.opencontainers.image.revision=$commit
org.opencontainers.image.created=2026-01-31T23:59:59Z
io.slipway.app=app
io.slipway.env=test" ]
	run -0 img-tag -l -a app -e test -d 2026-01-31T23:59:59.123Z 1.2.3
	run -0 img-tag -l -a app -e test -c ${commit}${commit:0:24} 1.2.3
}

@test "img-tag: names follow the grammar of Docker" {
	local name
	for name in a 0 a-b a--b a---b a.b a_b a__b my-app.v2_x; do
		run -0 img-tag -a "$name" -e prod 1.2
		[ "${lines[0]}" = "$name-prod:1.2" ]
	done
	for name in '' A -a a- a. .a _a a_ a..b a___b a._b 'a b' a/b r:5000/a a:b --app '$(id)' ä $'a\n'; do
		fails_with 100 "application '" img-tag -a "$name" -e prod 1.2
		fails_with 100 "environment '" img-tag -a app -e "$name" 1.2
	done
	fails_with 100 "cannot be part of an image's name" img-tag -a "$(printf '%0251d' 0)" -e prod 1.2
}

@test "img-tag: what is no version, or does not fit into a tag, is refused" {
	local version
	for version in '' v 1 latest 1.2_3 1.2.3+ 1.2.3+a+b '1.2 ' -- '$(id)' $'1.2\n' "1.2.$(printf '%0130d' 0)"; do
		fails_with 100 'is no version that fits into a tag' img-tag -a app -e prod -- "$version"
	done
	run -0 img-tag -a app -e prod "1.2.$(printf '%0124d' 0)"
}

@test "img-tag: -r refuses what is no tag of a version" {
	local tag
	for tag in '' latest 1.2+a v1.2 1.2_a_b 1.2_ '<none>' 1; do
		fails_with 100 'is no tag of a version' img-tag -r "$tag"
	done
}

@test "img-tag: a commit or time of another form is refused" {
	local text
	for text in '' abc 0123456789ABCDEF0123456789abcdef01234567 0123456789abcdef0123456789abcdef0123456 main; do
		fails_with 100 'is no commit' img-tag -l -a app -e prod -c "$text" 1.2
	done
	for text in '' 2026-01-31 2026-01-31T23:59:59 2026-01-31T23:59:59+01:00 '2026-01-31 23:59:59Z' 2026-01-31T23:59:59Zx \
		2026-01-31T23:59:59.Z 1; do
		fails_with 100 'is no time of the form' img-tag -l -a app -e prod -d "$text" 1.2
	done
}

@test "img-tag: wrong use and a full disk" {
	fails_with 100 'usage: img-tag' img-tag -a app -e prod
	fails_with 100 'usage: img-tag' img-tag -a app 1.2
	fails_with 100 'usage: img-tag' img-tag -a app -e prod 1.2 1.3
	fails_with 100 'usage: img-tag' img-tag -a app -e prod -c x 1.2
	fails_with 100 'usage: img-tag' img-tag -r 1.2 -a app
	run -0 img-tag -h
	[[ "$output" == 'usage: img-tag'* ]]
	run -111 bash -c 'img-tag -a app -e prod 1.2 >/dev/full'
	run -111 bash -c 'img-tag -r 1.2 >/dev/full'
}

@test "img-tag: the examples of its man page do what they say" {
	awk '/^\.Sh EXAMPLES/ { on = 1 } /^\.Ed/ { show = 0 } show { print } on && /^\.Bd/ { show = 1 }' "$SLIPWAY_TOP/man/img-tag.1" >script
	run -0 --separate-stderr sh -e script
	[ "$output" = 'app-prod:1.2.3
app-prod:latest
--label org.opencontainers.image.version=1.2.3
--label io.slipway.app=app
--label io.slipway.env=prod
1.2.3+build.5' ]
}
