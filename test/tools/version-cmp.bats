load ../lib/common

@test "version-cmp: compares two versions" {
	run -0 version-cmp 1.2.1-rc-1 1.2.1
	[ "$output" = '<' ]
	run -0 version-cmp v1.2.1g 1.2.1b
	[ "$output" = '>' ]
	run -0 version-cmp V1.2 1.2.0+build.7
	[ "$output" = '=' ]
}

@test "version-cmp: sorts versions oldest first and prints them as they were" {
	run -0 version-cmp <<-'EOF'
		v1.10.0
		1.9.0
		v1.2.1g
		1.2.2
		1.2.1
		V1.2.1-beta-10
		v1.2.1-beta-9
		1.2.1b
		1.2.1-rc-1
	EOF
	[ "$(echo $output)" = 'v1.2.1-beta-9 V1.2.1-beta-10 1.2.1-rc-1 1.2.1 1.2.1b v1.2.1g 1.2.2 1.9.0 v1.10.0' ]
}

@test "version-cmp: equal precedence keeps the order of the input, also with -r" {
	printf '%s\n' 1.2 2.0+z v1.2.0 2.0+a 1.2.0.0 2.0+m >in
	run -0 version-cmp <in
	[ "$(echo $output)" = '1.2 v1.2.0 1.2.0.0 2.0+z 2.0+a 2.0+m' ]
	run -0 version-cmp -r <in
	[ "$(echo $output)" = '2.0+z 2.0+a 2.0+m 1.2 v1.2.0 1.2.0.0' ]
}

@test "version-cmp: numbers of any length compare as numbers" {
	run -0 version-cmp 1.99999999999999999999 1.100000000000000000000
	[ "$output" = '<' ]
	run -0 version-cmp 1.0.99999999999999999999-2 1.0.99999999999999999999-10
	[ "$output" = '<' ]
	run -0 version-cmp 1.007 1.7
	[ "$output" = '=' ]
}

@test "version-cmp: a record that is no version is named, and nothing is printed" {
	fails_with 100 "standard input:2: 'latest' is not a version" version-cmp < <(printf '1.0\nlatest\n2.0\n')
	fails_with 100 "standard input:1: '' is not a version" version-cmp < <(printf '\n')
	fails_with 100 "'1.2.3.4.5' is not a version" version-cmp 1.0 1.2.3.4.5
	fails_with 100 "'\$(id)' is not a version" version-cmp '$(id)' 1.0
}

@test "version-cmp: -i passes over what is no version" {
	run -0 version-cmp -i < <(printf 'latest\n2.0\n\n1.0\n--upload-pack=x\n1.2rc\n')
	[ "$(echo $output)" = '1.0 2.0' ]
}

@test "version-cmp: -0 reads and writes NUL-separated records, and the last may lack it" {
	printf '2.0\0001.0' | version-cmp -0 >out
	[ "$(tr '\0' '|' <out)" = '1.0|2.0|' ]
	run -100 --separate-stderr version-cmp < <(printf '2.0\0001.0\n')
	[[ "$stderr" == *'NUL'* ]]
	run -100 --separate-stderr version-cmp -0 < <(printf '2.0\n\000')
	[[ "$stderr" == *"is not a version"* ]]
}

@test "version-cmp: no input gives no output, and a last line without LF counts" {
	run -0 version-cmp </dev/null
	[ -z "$output" ]
	run -0 version-cmp < <(printf '2.0\n1.0')
	[ "$(echo $output)" = '1.0 2.0' ]
}

@test "version-cmp: sorts as the reference does, whatever the order of the input" {
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		printf '1.%d.0-beta-%d\n1.%d.0-rc-%d\n1.%d.0\n1.%d.0b\n1.%d.0g\n' $i $i $i $i $i $i $i
	done >wanted
	for seed in 1 2 3; do
		shuf --random-source=<(yes $seed) wanted | version-cmp >got
		cmp wanted got
		shuf --random-source=<(yes $seed) wanted | version-cmp -r | tac >got
		cmp wanted got
	done
}

@test "version-cmp: the examples of the man page do what it says" {
	[ "$(version-cmp 1.2.1-rc-1 v1.2.1)" = '<' ]
	[ "$(printf '%s\n' v1.9.0 latest v1.10.0 v1.10.0-beta-2 | version-cmp -i | tail -n 1)" = v1.10.0 ]
	[ "$(printf '%s\n' v1.9.0 latest v1.10.0 v1.10.0-beta-2 | version-cmp -i -r | head -n 1)" = v1.10.0 ]
}

@test "version-cmp: a full disk or an unreadable input is the world's fault" {
	run -111 --separate-stderr sh -c 'version-cmp 1.0 2.0 >/dev/full'
	[[ "$stderr" == *'No space left'* ]]
	fails_with 111 "cannot read 'standard input'" version-cmp <.
}

@test "version-cmp: wrong use shows the usage, -h too" {
	fails_with 100 'usage: version-cmp' version-cmp 1.0
	fails_with 100 'usage: version-cmp' version-cmp 1.0 2.0 3.0
	fails_with 100 'usage: version-cmp' version-cmp -r 1.0 2.0
	fails_with 100 'usage: version-cmp' version-cmp -x
	run -0 version-cmp -h
	[[ "$output" == 'usage: version-cmp'* ]]
}
