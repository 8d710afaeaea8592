load ../lib/common

setup() {
	mkdir -p "$BATS_TEST_TMPDIR/here" && cd "$BATS_TEST_TMPDIR/here" || return 1
	local name
	for name in $(env | sed -n 's/^\(SLIPWAY_[A-Za-z0-9_]*\)=.*/\1/p'); do
		case $name in SLIPWAY_TOP | SLIPWAY_BIN) ;; *) unset "$name" ;; esac
	done
}

# get PATH TEXT - the YAML on stdin has TEXT at PATH
get() {
	run -0 --separate-stderr cfg-get "$1"
	[ "$output" = "$2" ] || { echo "got: $output"; return 1; }
	[ -z "$stderr" ]
}

app() {
	cat >app.yaml <<-'X'
		http_server:
		  port: 443
		  external-url: "https://example.org:443"
		services: [app, worker, "web 2"]
		empty:
		nothing: ~
		text: ""
		environments:
		  prod:
		    http_server: {port: 8443}
		  test: ~
	X
}

@test "cfg-get: prints a scalar at a dotted path, from standard input or a file" {
	app
	get http_server.port 443 <app.yaml
	run -0 cfg-get -f app.yaml http_server.external-url
	[ "$output" = https://example.org:443 ]
}

@test "cfg-get: prints a list item by item, one of them by its number, a mapping as its keys in file order" {
	app
	get services $'app\nworker\nweb 2' <app.yaml
	get services.2 'web 2' <app.yaml
	get http_server $'port\nexternal-url' <app.yaml
	get . $'http_server\nservices\nempty\nnothing\ntext\nenvironments' <app.yaml
}

@test "cfg-get: -0 ends each with a NUL, and takes items with a line feed" {
	printf 'l: [a b, "c\\nd"]\nm: {k: 1}\n' >f
	[ "$(cfg-get -0 -f f l | od -An -c | tr -d ' \n')" = 'ab\0c\nd\0' ]
	[ "$(cfg-get -0 -f f m | od -An -c | tr -d ' \n')" = 'k\0' ]
	[ "$(cfg-get -0 -f f m.k | od -An -c | tr -d ' \n')" = '1\0' ]
	fails_with 100 "f:1: 'l.1' holds a line feed" cfg-get -f f l
}

@test "cfg-get: a list with a list inside wants -j" {
	echo 'a: [1, [2]]' >f
	fails_with 100 "f:1: 'a.1' is a list, not one value" cfg-get -f f a
	[[ "$stderr" == *"hint: -j prints it"* ]]
	get a.1 2 <f
}

@test "cfg-get: what is absent or null is status 1 and silence, or the default" {
	app
	local path
	for path in nope http_server.nope http_server.port.deeper services.3 services.01 services.x services.-1 empty nothing; do
		run -1 --separate-stderr cfg-get -f app.yaml "$path"
		[ -z "$output$stderr" ]
		run -1 cfg-get -j -f app.yaml "$path"
		run -0 cfg-get -f app.yaml -d 'a  b' "$path"
		[ "$output" = 'a  b' ]
	done
	run -0 cfg-get -f app.yaml -d '' nope
	[ -z "$output" ]
}

@test "cfg-get: the empty string is a value, an empty list prints nothing" {
	app
	[ "$(cfg-get -f app.yaml -d x text | od -An -c | tr -d ' \n')" = '\n' ]
	[ "$(echo 'a: []' | cfg-get -d x a | wc -c)" = 0 ]
	get . '' </dev/null
}

@test "cfg-get: a key that holds a dot or a backslash is written with a backslash" {
	printf '"a.b": {"c\\\\d": 1}\na: {b: 2}\n' >f
	get 'a\.b.c\\d' 1 <f
	get 'a.b' 2 <f
	fails_with 100 'a key in the path is empty' cfg-get -f f 'a..b'
	fails_with 100 'a key in the path is empty' cfg-get -f f ''
	fails_with 100 'a key in the path is empty' cfg-get -f f '.a'
	fails_with 100 'a key in the path is empty' cfg-get -f f 'a.'
}

@test "cfg-get: of several files the later wins, mappings merge by key, everything else is replaced" {
	printf 'a: {x: 1, y: {p: 1, q: 2}}\nl: [1, 2]\nonly: 1\n' >low
	printf 'a: {y: {q: 3, r: 4}}\nl: [9]\nnew: 5\n' >high
	run -0 cfg-get -j -f low -f high .
	[ "$output" = '{"a":{"x":1,"y":{"p":1,"q":3,"r":4}},"l":[9],"only":1,"new":5}' ]
	run -0 cfg-get -j -f high -f low a.y.q
	[ "$output" = 2 ]
	echo 'a: ~' >gone
	run -1 cfg-get -f low -f gone a
	run -0 cfg-get -f low -f /dev/null only
	[ "$output" = 1 ]
}

@test "cfg-get: a merge leaves the other places of an anchor alone" {
	printf 'base: &b {p: 1}\nother: *b\n' >low
	printf 'other: {p: 2}\n' >high
	run -0 cfg-get -j -f low -f high .
	[ "$output" = '{"base":{"p":1},"other":{"p":2}}' ]
}

@test "cfg-get: -e lays an environment over the root" {
	app
	run -0 cfg-get -e prod -f app.yaml http_server.port
	[ "$output" = 8443 ]
	run -0 cfg-get -e prod -f app.yaml http_server.external-url
	[ "$output" = https://example.org:443 ]
	local env
	for env in test nope; do
		run -0 cfg-get -e $env -f app.yaml http_server.port
		[ "$output" = 443 ]
	done
	fails_with 100 'name of the environment is empty' cfg-get -e '' -f app.yaml services
	printf 'environments:\n  prod: secret-canary\n' >bad
	fails_with 100 "bad:2: 'environments.prod' is a scalar, not a mapping" cfg-get -e prod -f bad x
	echo 'environments: [1]' >bad
	fails_with 100 "bad:1: 'environments' is a list, not a mapping" cfg-get -e prod -f bad x
}

@test "cfg-get: the environment overrides a scalar, there or not, as it is" {
	app
	SLIPWAY_HTTP_SERVER__PORT=1 get http_server.port 1 <app.yaml
	SLIPWAY_HTTP_SERVER__EXTERNAL_URL='${HOME} $$' get http_server.external-url '${HOME} $$' <app.yaml
	SLIPWAY_NEW__KEY=x get new.key x <app.yaml
	SLIPWAY_SERVICES__1=w get services $'app\nw\nweb 2' <app.yaml
	SLIPWAY_HTTP_SERVER__PORT= run -0 cfg-get -f app.yaml -d no http_server.port
	[ -z "$output" ]
	SLIPWAY_NEW=x run -0 cfg-get -f app.yaml -d no new
	[ "$output" = x ]
	SLIPWAY_HTTP_SERVER__PORT=1 run -0 cfg-get -e prod -f app.yaml http_server.port
	[ "$output" = 1 ]
}

@test "cfg-get: lists and mappings are not overridden, the scalars below them are, with -j too" {
	app
	SLIPWAY_HTTP_SERVER=x get http_server $'port\nexternal-url' <app.yaml
	SLIPWAY_SERVICES=x get services.0 app <app.yaml
	SLIPWAY_HTTP_SERVER__PORT=1 run -0 cfg-get -j -f app.yaml http_server
	[ "$output" = '{"port":1,"external-url":"https://example.org:443"}' ]
}

@test "cfg-get: expands \${VAR}, \${VAR:-default} and \$\$ once, and leaves every other dollar" {
	cat >f <<-'X'
		a: "${ONE}-${NONE:-d}-${EMPTY:-e}-${EMPTY}."
		b: $$ $${ONE} $5 $ONE $(id) ${1} ${ONE $
		c: ${NESTED}
	X
	export ONE=1 EMPTY= NESTED='${ONE}$$'
	unset NONE
	get a 1-d-e-. <f
	get b '$ ${ONE} $5 $ONE $(id) ${1} ${ONE $' <f
	get c '${ONE}$$' <f
}

@test "cfg-get: a value that looks like an option or a command is only text" {
	printf 'a: -n\nb: $(touch x)\nc: "`touch x`"\nd: --help\n' >f
	get a -n <f
	get b '$(touch x)' <f
	get c '`touch x`' <f
	run -0 cfg-get -f f -d -n nope
	[ "$output" = -n ]
	[ ! -e x ]
}

@test "cfg-get: an unset variable fails when it is read, with file, line, path and name, even with -d" {
	unset NOPE
	printf 'a:\n  b: x ${NOPE}\n  token: ${NOPE}\nc: 1\nl: [1, "${NOPE}"]\n' >f
	get c 1 <f
	get a $'b\ntoken' <f
	fails_with 100 'f:2: a.b: ${NOPE} is not set' cfg-get -f f a.b
	fails_with 100 'f:2: a.b: ${NOPE} is not set' cfg-get -f f -d x a.b
	fails_with 100 'f:2: a.b: ${NOPE} is not set' cfg-get -j -f f .
	fails_with 100 'f:5: l.1: ${NOPE} is not set' cfg-get -f f l
	SLIPWAY_A__B=y get a.b y <f
}

@test "cfg-get: an unset variable makes a key 'token' absent" {
	unset NOPE
	printf 'repository:\n  token: ${NOPE}\n  url: u\n' >f
	run -1 --separate-stderr cfg-get -f f repository.token
	[ -z "$output$stderr" ]
	run -0 cfg-get -f f -d none repository.token
	[ "$output" = none ]
	run -0 cfg-get -j -f f repository
	[ "$output" = '{"token":null,"url":"u"}' ]
}

@test "cfg-get: a default that holds another variable is refused, an endless text too" {
	printf 'a: ${NOPE:-${HOME}}\nb: "%s"\n' "$(printf '${BIG}%.0s' $(seq 200))" >f
	fails_with 100 'f:1: a: ${NOPE} has a default that holds another ${' cfg-get -f f a
	BIG=$(head -c 100000 /dev/zero | tr '\0' x) fails_with 100 'f:2: b: ${BIG} makes it larger than 16 MiB' cfg-get -f f b
}

@test "cfg-get: -E gives the variables that the environment lacks" {
	printf '\357\273\277# a comment\r\n\r\nONE=file\r\nexport TWO= two words  \r\n' >env
	cat >>env <<-'X'
		  THREE='a $x \n "#'   # comment
		FOUR="a\nb \"q\" \\ \t #"
		FIVE=a#b # comment
		SIX=
		SEVEN= # comment
		EIGHT=first
		EIGHT=it's "quoted"
		export=9
	X
	printf 'NINE=no end' >>env
	printf '%s: "${%s}"\n' a ONE b TWO c THREE d FOUR e FIVE f SIX g SEVEN h EIGHT i NINE j export >f
	unset ONE TWO THREE FOUR FIVE SIX SEVEN EIGHT NINE
	run -0 cfg-get -j -E env -f f .
	[ "$output" = '{"a":"file","b":"two words","c":"a $x \\n \"#","d":"a\nb \"q\" \\ \\t #","e":"a#b","f":"","g":"","h":"it'"'s"' \"quoted\"","i":"no end","j":"9"}' ]
	ONE=environment run -0 cfg-get -E env -f f a
	[ "$output" = environment ]
	ONE= run -0 cfg-get -E env -f f a
	[ -z "$output" ]
}

@test "cfg-get: a missing ENVFILE is an empty one, a bad line is named without its text" {
	echo 'a: ${CANARY_UNSET:-d}' >f
	run -0 cfg-get -E none -f f a
	[ "$output" = d ]
	local line
	for line in canary 'export canary' 'CAN ARY=canary' 'A =canary' '1A=canary' 'A="canary' "A='canary" 'A="canary" x' 'A="x"#canary' '=canary'; do
		printf 'B=1\n\n%s\n' "$line" >env
		fails_with 100 'env:3: not KEY=value' cfg-get -E env -f f a
		[[ "$stderr" != *canary* ]]
	done
	printf 'A=1\0canary\n' >env
	fails_with 100 'env:1: a NUL byte' cfg-get -E env -f f a
	fails_with 111 "cannot read '.': Is a directory" cfg-get -E . -f f a
	head -c 1100000 /dev/zero >env
	fails_with 100 "'env' is larger than 1048576 bytes" cfg-get -E env -f f a
}

@test "cfg-get: -j types plain scalars by the core schema, everything quoted is a string" {
	cat >f <<-'X'
		[null, ~, , true, False, yes, no, on, 12, -3, +4, 0o17, 0x1F, 007, 1e3, 1.5, .5, 1., .inf, .nan, 1_000, "12", 'true', "",
		 !!str 12, ! 12, !!int "12", !x 12]
	X
	sed -i 's/~, ,/~,/' f
	run -0 cfg-get -j -f f .
	[ "$output" = '[null,null,true,false,"yes","no","on",12,-3,4,15,31,7,1e3,1.5,0.5,1.0,".inf",".nan","1_000","12","true","","12","12",12,12]' ]
	echo "$output" | jq -e . >/dev/null
	get 16 1. <f
	get 10 0o17 <f
}

@test "cfg-get: -j escapes what JSON must, on one line, and a block scalar keeps its end" {
	printf 'a: "q\\" b\\\\ s/ \\t \\x01 \\x1f \\x7f é \\U0001F600"\n"k\\"\\n": |\n  one\n  two\n' >f
	run -0 cfg-get -j -f f .
	[ "$output" = '{"a":"q\" b\\ s/ \t \u0001 \u001f '$'\177'' é 😀","k\"\n":"one\ntwo\n"}' ]
	[ "$(cfg-get -j -f f . | jq -r .a)" = "$(cfg-get -f f a)" ]
	[ "$(cfg-get -f f 'k"
' | od -An -c | tr -d ' \n')" = 'one\ntwo\n\n' ]
}

@test "cfg-get: -j takes a number from a variable only when JSON writes it so" {
	printf 'a: ${V}\nb: "${V}"\nc: 1\n' >f
	V=8443 run -0 cfg-get -j -f f .
	[ "$output" = '{"a":8443,"b":"8443","c":1}' ]
	local v
	for v in 007 +1 0x1f 1. null '' ~; do
		V=$v run -0 cfg-get -j -f f a
		[ "$output" = "\"$v\"" ]
	done
	SLIPWAY_C=true run -0 cfg-get -j -f f c
	[ "$output" = true ]
	SLIPWAY_B=1 run -0 cfg-get -j -f f b
	[ "$output" = '"1"' ]
	V=$'\xff' fails_with 100 'a: what a variable gives is not UTF-8' cfg-get -j -f f a
	[ "$(V=$'\xff' cfg-get -f f a | od -An -tx1 | tr -d ' \n')" = ff0a ]
}

@test "cfg-get: JSON is YAML" {
	printf '{"a":[1,2.5,"x\\/y",null,true],\n\t"b":{"c":"\\u00e9"}}' >f
	run -0 cfg-get -j -f f .
	[ "$output" = '{"a":[1,2.5,"x/y",null,true],"b":{"c":"é"}}' ]
}

@test "cfg-get: a BOM, CRLF and a missing last line feed are accepted" {
	printf '\357\273\277a: 1\r\nb:\r\n  - x\r\n  - y' >f
	get a 1 <f
	get b $'x\ny' <f
}

@test "cfg-get: an empty file, one of comments and one of null are empty mappings" {
	local text
	for text in '' '# only\n' '---\n' '~\n' '\357\273\277'; do
		printf -- "$text" >f
		run -1 cfg-get -f f a
		run -0 cfg-get -j -f f .
		[ "$output" = '{}' ]
	done
}

@test "cfg-get: a list or a scalar may be the whole document" {
	echo '[a, b]' | get 1 b
	echo '- a' | get . a
	echo 'just text' | get . 'just text'
}

@test "cfg-get: anchors, aliases and << work" {
	cat >f <<-'X'
		base: &b {p: 1, q: 2}
		more: &m {q: 9, r: 3}
		one: {<<: *b, q: 5}
		two: {<<: [*b, *m], s: 4}
		text: {"<<": x}
		list: [&i item, *i]
	X
	run -0 cfg-get -j -f f .
	[ "$output" = '{"base":{"p":1,"q":2},"more":{"q":9,"r":3},"one":{"q":5,"p":1},"two":{"s":4,"p":1,"q":2,"r":3},"text":{"<<":"x"},"list":["item","item"]}' ]
	echo 'a: {<<: text}' >f
	fails_with 100 "f:1:9: '<<' wants a mapping" cfg-get -f f a
	echo 'a: {<<: [{b: 1}, c]}' >f
	fails_with 100 "f:1:18: '<<' wants a mapping" cfg-get -f f a
}

@test "cfg-get: what is not YAML is named with line and column, never with its text" {
	local text at
	while IFS='|' read -r text at; do
		printf -- "$text" >f
		fails_with 100 "f:$at: not YAML: " cfg-get -f f a
		[[ "$stderr" != *canary* ]]
	done <<-'X'
		a: [canary\n|2:1
		a: "canary\n|2:1
		a: canary: b\n|1:10
		a: canary\ncanary\nb: 1\n|3:1
		a: @canary\n|1:4
		- a\nb: canary\n|2:1
		a: "\\q canary"\n|1:5
		a: 1\nb: \001canary\n|2:4
	X
}

@test "cfg-get: a tab as indent is called by its name" {
	printf 'a:\n\tb: 1\n' >f
	fails_with 100 'f:2:1: not YAML: a tab cannot indent' cfg-get -f f a
	printf 'a:\n  b: 1\n  \tc: 2\n' >f
	fails_with 100 'f:3:3: not YAML: a tab cannot indent' cfg-get -f f a
}

@test "cfg-get: a key twice in one mapping is refused, in a large one too" {
	printf 'a: {b: 1}\nc:\n  b: 1\n  d: 2\n  "b": canary\n' >f
	fails_with 100 "f:5:3: key 'b' is already on line 3" cfg-get -f f a
	[[ "$stderr" != *canary* ]]
	{ seq 5000 | sed 's/.*/k&: 1/'; echo 'k77: 2'; } >f
	fails_with 100 "f:5001:1: key 'k77' is already on line 77" cfg-get -f f a
}

@test "cfg-get: a NUL, invalid UTF-8, a key that is no scalar and a second document are refused" {
	printf 'a: 1\nb: x\0y\n' >f
	fails_with 100 'f:2:5: a NUL byte' cfg-get -f f a
	printf 'a: "x\\0"\n' >f
	fails_with 100 'f:1:4: a NUL byte' cfg-get -f f a
	local bytes
	for bytes in '\377' '\300\200' '\355\240\200' '\364\220\200\200' '\303' '\342\202'; do
		printf "a: 1\nb: é$bytes\n" >f
		fails_with 100 'f:2:6: not UTF-8' cfg-get -f f a
	done
	printf '? [a]\n: 1\n' >f
	fails_with 100 'f:1:3: a key must be a scalar' cfg-get -f f a
	printf 'a: 1\n---\nb: 2\n' >f
	fails_with 100 'f:2:1: a second document' cfg-get -f f a
}

@test "cfg-get: unknown and recursive aliases are refused" {
	echo 'a: *nope' >f
	fails_with 100 "f:1:4: unknown alias '*nope'" cfg-get -f f a
	echo 'a: &x [1, *x]' >f
	fails_with 100 "f:1:11: alias '*x' is inside its own anchor" cfg-get -f f a
	echo 'a: &x {<<: *x}' >f
	fails_with 100 "f:1:12: alias '*x' is inside its own anchor" cfg-get -f f a
	seq 1001 | sed 's/.*/k&: \&a& 1/' >f
	fails_with 100 'f:1001:8: too many anchors' cfg-get -f f a
}

@test "cfg-get: an alias bomb is refused, in no time" {
	{
		echo 'a0: &a0 [x,x,x,x,x,x,x,x,x,x]'
		for i in 1 2 3 4 5 6 7 8 9; do echo "a$i: &a$i [$(printf "*a$((i - 1)),%.0s" 1 2 3 4 5 6 7 8 9 10)]"; done
	} >f
	fails_with 100 'f:5:' timeout 5 cfg-get -f f a
	[[ "$stderr" == *'aliases add more than 100000 nodes'* ]]
	{ echo 'm0: &m0 {a: 1, b: 1}'; for i in $(seq 30); do echo "m$i: &m$i {x: *m$((i - 1)), y: *m$((i - 1))}"; done; } >f
	fails_with 100 'aliases add more than 100000 nodes' timeout 5 cfg-get -f f a
}

@test "cfg-get: 100 levels are read, 101 refused, 10,000 refused in no time" {
	nest() { printf '%*s' "$1" '' | tr ' ' '['; printf '%*s' "$1" '' | tr ' ' ']'; }
	nest 100 >f
	run -0 cfg-get -j -f f .
	[ "$output" = "$(nest 100)" ]
	nest 101 >f
	fails_with 100 'f:1:101: nested deeper than 100 levels' cfg-get -f f .
	nest 10000 >f
	fails_with 100 'nested deeper than 100 levels' timeout 5 cfg-get -f f .
	printf '%*s' 20000 '' | sed 's/  /- /g' >f
	fails_with 100 'nested deeper than 100 levels' timeout 5 cfg-get -f f .
	{ printf 'a: &a '; nest 60; printf '\nb: '; printf '%*s' 39 '' | tr ' ' '['; printf '*a'; printf '%*s' 39 '' | tr ' ' ']'; } >f
	run -0 cfg-get -f f .
	sed 's/b: /b: [/; s/\*a.*/&]/' f >g
	fails_with 100 'g:2:44: nested deeper than 100 levels' cfg-get -f g .
}

@test "cfg-get: a line of a megabyte is read, a file over 16 MiB refused" {
	{ printf 'a: "'; head -c 1048576 /dev/zero | tr '\0' x; printf '"\n'; } >f
	[ "$(cfg-get -f f a | wc -c)" = 1048577 ]
	head -c 16777217 /dev/zero | tr '\0' '\n' >f
	fails_with 100 "'f' is larger than 16777216 bytes" cfg-get -f f a
	fails_with 100 "'standard input' is larger than 16777216 bytes" cfg-get a <f
}

@test "cfg-get: a file that cannot be read is the world's fault" {
	fails_with 111 "cannot open 'none': No such file" cfg-get -f none a
	fails_with 111 "cannot read '.': Is a directory" cfg-get -f . a
	fails_with 111 "cannot read 'standard input'" cfg-get a <.
	echo 'a: 1' >f
	chmod 000 f
	fails_with 111 "cannot open 'f': Permission denied" setpriv --reuid 65534 --clear-groups "$(command -v cfg-get)" -f f a
}

@test "cfg-get: a full disk is not success" {
	echo 'a: 1' >f
	fails_with 111 'cannot write to standard output' sh -c 'cfg-get -f f a >/dev/full'
}

# A table of every type, and a file that fits it.
table() {
	tr '|' '\t' >keys <<-'X'
		# a comment

		name|text||the name
		update.health.url|text||the address
		update.health.timeout|seconds|60|seconds until the first answer
		update.health.soak|seconds|10|seconds of watching
		update.keep|number|3|how many stay
		update.services|list,text|app|the services
		presets.*.include|list||patterns
		repositories.*.enabled|bool|true|false leaves it out
		repositories.*.url|text||the address
		limits.git|number||of git
		limits.*|text||of others
		files|list,map||the files
		files.base|text||the first
		files.dev|text||of developers
		old.keeps|number||as before
		repositories.*.more.soak|number||of this one
		hooks|any||events
		x-*|any||yours
		environments.test|root||in test only
		environments.prod|root||in prod only
	X
	sed -i 's/list,/list|/' keys
}

# told LINE... - cfg-get -k says exactly these lines of the file f, with 100 and nothing on stdout
told() {
	run -100 --separate-stderr cfg-get -k keys -f f
	[ -z "$output" ]
	diff <(printf 'cfg-get: %s\n' "$@") <(printf '%s\n' "$stderr")
}

@test "cfg-get: -k is silent when all keys are known and of their types" {
	table
	cat >f <<-'X'
		x-common: &c {url: "http://127.0.0.1:${PORT}/"}
		name: 5
		update:
		  health: {<<: *c, timeout: 60, soak: 0.5}
		  keep: 0
		  services: [app, worker, 5, true]
		presets:
		  any name.at all:
		    include: [a, "b"]
		  empty:
		repositories: {core: {enabled: false}, other: {enabled: "${ON:-true}", url: ~}}
		limits: {git: 1, other: x}
		files: {base: x}
		hooks: {what: [ever]}
		environments:
		  prod: {update: {health: {timeout: "${T}"}, services: app}, files: [a], x-y: 1}
		  test:
	X
	run -0 --separate-stderr cfg-get -k keys -f f
	[ -z "$output$stderr" ]
	run -0 --separate-stderr cfg-get -k keys <f
	[ -z "$output$stderr" ]
	for text in '' '# only\n' '\357\273\277name: x\r\nhooks:\r\n  - a\r\n'; do
		printf -- "$text" >f
		run -0 --separate-stderr cfg-get -k keys -f f
		[ -z "$output$stderr" ]
	done
}

@test "cfg-get: -k names every unknown key with its line and the nearest known one" {
	table
	cat >f <<-'X'
		soak: 1
		NAME: x
		update:
		  helth: {url: canary}
		  sevrices: [canary]
		  soak: canary
		  keeps: canary
		  health:
		    timeuot: 1
		repositories:
		  other: {eneabled: true, include: 1, soak: 1}
		presets: {p: {enabled: 1}}
		zzzz: canary
		files: {prod: 1}
		environments:
		  prod: {update: {helth: 1, soak: 2}, environments: {}}
		  dev: {}
		saok: 1
	X
	told "f:1: unknown key 'soak'" "hint: did you mean 'update.health.soak'?" \
		"f:2: unknown key 'NAME'" "hint: did you mean 'name'?" \
		"f:4: unknown key 'update.helth'" "hint: did you mean 'update.health'?" \
		"f:5: unknown key 'update.sevrices'" "hint: did you mean 'update.services'?" \
		"f:6: unknown key 'update.soak'" "hint: did you mean 'update.health.soak'?" \
		"f:7: unknown key 'update.keeps'" "hint: did you mean 'update.keep'?" \
		"f:9: unknown key 'update.health.timeuot'" "hint: did you mean 'update.health.timeout'?" \
		"f:11: unknown key 'repositories.other.eneabled'" "hint: did you mean 'repositories.other.enabled'?" \
		"f:11: unknown key 'repositories.other.include'" "hint: did you mean 'presets.NAME.include'?" \
		"f:11: unknown key 'repositories.other.soak'" "hint: did you mean 'repositories.other.more.soak'?" \
		"f:12: unknown key 'presets.p.enabled'" "hint: did you mean 'repositories.NAME.enabled'?" \
		"f:13: unknown key 'zzzz'" "hint: known there: name, update, presets, repositories, limits, files, old, hooks, environments" \
		"f:14: unknown key 'files.prod'" "hint: did you mean 'environments.prod'?" \
		"f:16: unknown key 'environments.prod.update.helth'" "hint: did you mean 'environments.prod.update.health'?" \
		"f:16: unknown key 'environments.prod.update.soak'" "hint: did you mean 'environments.prod.update.health.soak'?" \
		"f:16: unknown key 'environments.prod.environments'" "hint: known there: name, update, presets, repositories, limits, files, old, hooks" \
		"f:17: unknown key 'environments.dev'" "hint: known there: test, prod" \
		"f:18: unknown key 'saok'" "hint: did you mean 'update.health.soak'?"
}

@test "cfg-get: -k names every value of another type, never the value, and what it should be" {
	table
	cat >f <<-'X'
		name: [canary]
		update:
		  health: canary
		  keep: 1.5
		  services: {canary: 1}
		presets:
		  a: {include: canary}
		  b:
		    include:
		      - x
		      - {canary: 1}
		      -
		repositories: {core: {enabled: yes}}
		files: canary
		limits: {git: x}
		environments: {prod: canary, test: {update: {keep: -1, health: {soak: 010, timeout: true}}}}
	X
	told 'f:1: name is a list; it must be text' 'hint: the name' \
		'f:3: update.health is text; it must be a mapping' \
		'f:4: update.keep is a number; it must be a whole number from 0' 'hint: how many stay (default 3)' \
		'f:5: update.services is a mapping; it must be a list or text' 'hint: the services (default app)' \
		'f:7: presets.a.include is text; it must be a list' 'hint: patterns' \
		'f:11: presets.b.include.1 is a mapping; it must be text' 'hint: patterns' \
		'f:12: presets.b.include.2 is empty; it must be text' 'hint: patterns' \
		'f:13: repositories.core.enabled is text; it must be true or false' 'hint: false leaves it out (default true)' \
		'f:14: files is text; it must be a list or a mapping' 'hint: the files' \
		'f:15: limits.git is text; it must be a whole number from 0' 'hint: of git' \
		'f:16: environments.prod is text; it must be a mapping' 'hint: in prod only' \
		'f:16: environments.test.update.keep is a number; it must be a whole number from 0' 'hint: how many stay (default 3)' \
		'f:16: environments.test.update.health.soak is a number; it must be seconds (60 or 0.5)' 'hint: seconds of watching (default 10)' \
		'f:16: environments.test.update.health.timeout is true or false; it must be seconds (60 or 0.5)' \
		'hint: seconds until the first answer (default 60)'
	local bad
	for bad in 1e3 0x10 .5 5. 1234567890 5s ' ' '$${X}' '$X'; do
		printf 'update: {keep: 1, health: {soak: "%s"}}\n' "$bad" >f
		fails_with 100 'f:1: update.health.soak is ' cfg-get -k keys -f f
	done
	echo '[a]' >f
	told 'f:1: the document is a list; it must be a mapping'
}

@test "cfg-get: -k tells twenty faults and counts the rest, in no time" {
	table
	seq -f 'key%g: 1' 50000 >f
	run -100 --separate-stderr timeout 5 cfg-get -k keys -f f
	[ "$(grep -c 'unknown key' <<<"$stderr")" = 20 ]
	[[ "$stderr" == *"f:20: unknown key 'key20'"*'cfg-get: and 49980 more' ]]
	{ printf 'a: '; head -c 1000000 /dev/zero | tr '\0' x; printf ': 1\n'; } | sed 's/^a: //; s/^/? /; s/: 1$/\n: 1/' >f
	run -100 --separate-stderr timeout 5 cfg-get -k keys -f f
	[[ "$stderr" == *"f:1: unknown key 'xxx"* ]]
	[ "${#stderr}" -lt 3000 ]
}

@test "cfg-get: -k shows a key's control bytes and dots as what they are" {
	table
	printf '"a.b\\n\\e[31m": 1\n' >f
	told "f:1: unknown key 'a\\.b??[31m'" 'hint: known there: name, update, presets, repositories, limits, files, old, hooks, environments'
}

@test "cfg-get: -k of several files checks what they make together" {
	table
	printf 'update: {services: [a]}\n' >low
	printf '\nupdate: {keep: x}\n' >high
	fails_with 100 'high:2: update.keep is text' cfg-get -k keys -f low -f high
	fails_with 100 "not YAML" cfg-get -k keys -f low -f <(echo 'a: [')
}

@test "cfg-get: a bad table is named with its line" {
	echo 'a: 1' >f
	local line why
	while IFS='=' read -r line why; do
		printf 'ok\ttext\t\tx\n%b\n' "$line" >keys
		fails_with 100 "keys:2: $why" cfg-get -k keys -f f
	done <<-'X'
		a=not PATH TAB TYPE
		a\ttext\tx=not PATH TAB TYPE
		a\ttext\t\tx\ty=not PATH TAB TYPE
		a\tstring\t\tx=a type that is none
		a\t\t\tx=a type that is none
		a..b\ttext\t\tx=a component of the path is empty
		\ttext\t\tx=a component of the path is empty
		ok\tlist\t\tx=the path stands there twice
		a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a\ttext\t\tx=the path is too long
	X
	fails_with 111 "cannot open 'none': No such file" cfg-get -k none -f f
}

@test "cfg-get: -k takes neither a path nor an option of values" {
	table
	echo 'name: x' >f
	local more
	for more in name -j -0 '-d x' '-e prod' '-E env'; do
		fails_with 100 'usage: cfg-get' cfg-get -k keys -f f $more
	done
}

@test "cfg-get: -h is the usage on stdout, a wrong call the usage on stderr" {
	run -0 --separate-stderr cfg-get -h
	[[ "$output" == "usage: cfg-get "* ]]
	fails_with 100 'usage: cfg-get' cfg-get
	fails_with 100 'usage: cfg-get' cfg-get a b
	fails_with 100 'usage: cfg-get' cfg-get -q a
}

@test "cfg-get: what the man page shows" {
	cat >slipway.yaml <<-'X'
		http_server:
		  port: 8080
		update:
		  services: [app, worker]
		environments:
		  prod:
		    http_server:
		      port: 443
	X
	mkdir config && mv slipway.yaml config/
	man_examples cfg-get >sh
	run -0 sh -e sh
	[ "$output" = "$(printf '%s\n' 443 app worker 30 '{"port":8080}' 8443 'worker' 'ports: 8080')" ]
}

# The lines of the literal blocks under EXAMPLES of a man page, as a script.
man_examples() {
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$SLIPWAY_TOP/man/$1.1" | sed -n '/^\.Bd -literal/,/^\.Ed/p' |
		sed '/^\.[BE]d/d; s/\\e/\\/g; s/^\$ //'
}
