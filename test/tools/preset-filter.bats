load ../lib/common

setup() {
	mkdir -p "$BATS_TEST_TMPDIR/here" && cd "$BATS_TEST_TMPDIR/here" || return 1
	local name
	for name in $(env | sed -n 's/^\(SLIPWAY_[A-Za-z0-9_]*\)=.*/\1/p'); do
		case $name in SLIPWAY_TOP | SLIPWAY_BIN) ;; *) unset "$name" ;; esac
	done
}

config() {
	cat >config.yaml <<-'X'
		server_update:
		  deployment:
		    presets: [python, docs]
		    custom_include:
		      - tests/keep.py
		    custom_exclude:
		      - docker/postgresql.*.conf
		      - "*.secret"
		repositories:
		  core:
		    deployment:
		      full_sync: true
		      presets: [python]
		deployment_presets:
		  python:
		    include: [app/, main.py, config/, docker, tests]
		    exclude: ["*.pyc", __pycache__/, tests/*]
		  docs:
		    include: [docs/**]
	X
}

# rules INCLUDE EXCLUDE - a section s with these custom lists, in YAML
rules() { printf 's:\n  custom_include: %s\n  custom_exclude: %s\n' "$1" "${2:-[]}" >c.yaml; }

# passes PATHS - of the words PATHS those without a minus pass c.yaml, those with one do not
passes() {
	local word
	for word; do printf '%s\n' "${word#-}"; done >paths
	for word; do [ "${word#-}" != "$word" ] || printf '%s\n' "$word"; done >want
	preset-filter -f c.yaml s <paths >got || return 1
	diff want got || return 1
	for word; do [ "${word#-}" = "$word" ] || printf '%s\n' "${word#-}"; done >want
	preset-filter -x -f c.yaml s <paths | diff want - || return 1
	preset-filter -e -f c.yaml s <paths | sed -n 's/^+\t\([^\t]*\)\t.*/\1/p' | diff got -
}

@test "preset-filter: passes in input order what the presets include and do not exclude" {
	config
	printf '%s\n' z app/b.py app/b.pyc app/__pycache__/c main.py docs/a/b app/a.py docs | preset-filter -f config.yaml server_update.deployment >out
	[ "$(cat out)" = $'app/b.py\nmain.py\ndocs/a/b\napp/a.py' ]
}

@test "preset-filter: -x prints the others" {
	config
	printf '%s\n' z app/b.py app/b.pyc main.py docs | preset-filter -x -f config.yaml server_update.deployment >out
	[ "$(cat out)" = $'z\napp/b.pyc\ndocs' ]
}

@test "preset-filter: -e names the rule that decided, its place and its file and line" {
	config
	printf '%s\n' app/a.py app/a.pyc tests/keep.py tests/a.py docker/postgresql.test.conf x .env app/.git/config | preset-filter -e -f config.yaml server_update.deployment >out
	diff - out <<-'X'
		+	app/a.py	deployment_presets.python.include: app/ (config.yaml:16)
		-	app/a.pyc	deployment_presets.python.exclude: *.pyc (config.yaml:17)
		+	tests/keep.py	server_update.deployment.custom_include: tests/keep.py (config.yaml:5)
		-	tests/a.py	deployment_presets.python.exclude: tests/* (config.yaml:17)
		-	docker/postgresql.test.conf	server_update.deployment.custom_exclude: docker/postgresql.*.conf (config.yaml:7)
		-	x	no include matches
		-	.env	built-in: .env
		-	app/.git/config	built-in: .git
	X
	echo any | preset-filter -e -f config.yaml repositories.core.deployment >out
	[ "$(cat out)" = $'+\tany\trepositories.core.deployment.full_sync: true (config.yaml:12)' ]
}

@test "preset-filter: of two rules of one level the one nearest to the root explains, then the first" {
	rules '["**"]' '["*.c", b/, "x.?", a/b]'
	printf '%s\n' a/b/x.c x.c b/b/x.c a/x.c | preset-filter -e -f c.yaml s | cut -f3 >out
	diff - out <<-'X'
		s.custom_exclude: b/ (c.yaml:3)
		s.custom_exclude: *.c (c.yaml:3)
		s.custom_exclude: b/ (c.yaml:3)
		s.custom_exclude: *.c (c.yaml:3)
	X
}

@test "preset-filter: precedence, low to high: preset include, preset exclude, custom include, custom exclude" {
	cat >c.yaml <<-'X'
		s:
		  presets: [one, two]
		  custom_include: [a/b/c, a/keep.x]
		  custom_exclude: [a/b/c/d]
		deployment_presets:
		  one: {include: [a/], exclude: [a/b/]}
		  two: {include: [a/b/x], exclude: ["*.x"]}
	X
	passes a/1 -a/b/1 -a/b/x a/b/c/1 -a/b/c/d -a/b/c/d/1 -a/1.x a/keep.x a/b/c/1.x -b
}

@test "preset-filter: what never passes, however it is included" {
	cat >c.yaml <<-'X'
		s: &s
		  presets: [all]
		  custom_include: [.env, .git/, "**/.git", .slipway/, config/.version, "**/compose.override.yml", config/settings.yaml]
		server_update: {deployment: *s}
		server_updates: *s
		deployment_presets: {all: {include: ["**"]}}
	X
	passes -.env a/.env .env.example -.git -.git/config -a/.git -a/.git/x .gitignore .github/x -.slipway/lock -a/.slipway/x \
		-config/.version a/config/.version config/.version2 -docker-compose.override.yml -docker/docker-compose.override.yaml \
		-compose.override.yml -a/compose.override.yaml compose.yml docker-compose.yml config/settings.yaml config/tenant/x
	printf '%s\n' config/settings.yaml config/tenant/a/b config/tenants a/config/settings.yaml >paths
	[ "$(preset-filter -f c.yaml server_update.deployment <paths | paste -sd ' ')" = 'config/tenants a/config/settings.yaml' ]
	[ "$(preset-filter -f c.yaml server_updates <paths | wc -l)" = 4 ]
}

@test "preset-filter: includes begin at the root and take what is below a folder" {
	rules '[app/, main.py, /lib, config/tenant/tenant_1, "doc*/*.md", "deep/**/x"]'
	passes app/a app/b/c -app -xapp/a -b/app/a main.py -b/main.py main.py/x -main.pyc lib lib/a -b/lib config/tenant/tenant_1 \
		config/tenant/tenant_1/a -config/tenant/tenant_10 docs/a.md -docs/a/b.md -a/docs/a.md docs/a.md/x deep/x deep/a/b/x deep/a/x/y -deep
}

@test "preset-filter: excludes without an inner slash match at any depth, with one at the root" {
	rules '["**"]' '[resources/, "*.pyc", /top, config/x, "tests/*", "**/any/", "a/**/b", "end/**", docker/postgresql.*.conf, data/]'
	passes -resources/a -a/resources/b resources a/resources -x.pyc -a/b/.pyc pyc -top -top/a a/top -config/x -config/x/y \
		a/config/x -tests/a -tests/b/c tests -any/x -a/any/x any -a/b -a/c/d/b/x b/a/b -end/x -end/x/y end x/end/y \
		-docker/postgresql.test.conf -docker/postgresql.prod.conf docker/postgresql.conf x/docker/postgresql.test.conf \
		-app/data/x -data/x
}

@test "preset-filter: wildcards stay inside a component, match dotfiles, and know classes and escapes" {
	rules '["**"]' '["x/*.c", "?.h", "[a-c]1", "[!a-c]2", "lit\\*", "[[:digit:]]z", "a?b/c", ''\!not'', "with space"]'
	passes -x/.c -x/a.c x/a/b.c -a.h é.h aa.h -a1 d1 -d2 a2 -'lit*' litx -1z az a/b/c a/c -'!not' not -'with space' 'with  space' A1
}

@test "preset-filter: case counts, and the same path twice passes twice" {
	rules '[A.py, b]' '[B.py]'
	passes A.py -a.py b b b/x b/x -b/B.py b/b.py
}

@test "preset-filter: an exclude agrees with git check-ignore, pattern by pattern and in crowds" {
	git init -q .
	cat >differ.pl <<-'X'
		use strict; use warnings;
		my ($seed, $batches, $crowd, $paths) = @ARGV;
		sub rnd { $seed = $seed * 16807 % 2147483647; $seed % shift }
		sub pick { $_[rnd(scalar @_)] }
		my @part = ('a', 'b', 'c', 'ab', 'abc', 'abcd', 'bab', '.a', 'a.c', 'a.b', 'b]', '-', '!a', 'a*', '\\', 'aXb', 'xa', 'a b');
		my @token = ('a', 'b', 'c', 'a', 'b', 'ab', '.', '*', '*', '**', '**', '?', '/', '/', '/', '/**/', '**/', '/**', '[ab]',
			'[!a]', '[^b]', '[a-c]', '[[:alpha:]]', '[]a]', '[!]]', '\\a', '\\*', '\\/', '[\\]b]', '[b-a]', '[a-]', 'X', '-', '[a/b]',
			'a*b', ' b', '[a', '\\', '[[:nope:]]', '[[:');
		my %seen;
		while (keys %seen < $paths) { $seen{join '/', map { pick(@part) } 0 .. rnd(5)} = 1 }
		open my $p, '>', 'paths' or die; print $p "$_\0" for sort keys %seen; close $p;
		my ($matched, $differ) = (0, 0);
		my @given = ('ab**/c', 'ab**/**/c', 'ab**/*b/c', 'a/ab**/c', 'ab**', 'a/b**', '**\\/b', 'a/**\\/b', 'ab**\\/c', 'a\\b**/c', 'a/**\\/**/b',
			'**/**', '**/a/**', 'a/**/', '/**/', '***/a', 'a***', 'a/***/b', '**a', '**a/b', 'a\\/b', '/a', '/a/', '/*/b', '*/', '**/a/b');
		for (1 .. $batches) {
			my @patterns;
			while (@patterns < $crowd) {
				my $one = @given ? shift @given : join '', map { pick($crowd == 1 ? @token : @token[0 .. $#token - 4]) } 0 .. rnd(7);
				next if $one =~ m{^[!#]|//| $} or $crowd > 1 && $one =~ m{(^|/)\.?\.?/*$|(^|/)\.\.?/|\\/?$|(^|/)\\/};
				push @patterns, $one;
			}
			open my $x, '>', '.git/info/exclude' or die; print $x "$_\n" for @patterns; close $x;
			open my $y, '>', 'c.yaml' or die; print $y "s:\n  custom_include: ['**']\n  custom_exclude:\n";
			for (@patterns) { (my $quoted = $_) =~ s/'/''/g; print $y "    - '$quoted'\n" }
			close $y;
			my $git = `git check-ignore --no-index --stdin -z <paths`;
			my $ours = `preset-filter -0 -x -f c.yaml s <paths 2>err`;
			if ($? >> 8 == 100 && $crowd == 1) { $ours = '' } # refused, since it can match nothing
			elsif ($?) { print "status $? for @patterns\n", `cat err`; $differ++; next }
			$matched++ if $git ne '';
			next if $git eq $ours;
			my %git = map { $_ => 1 } split /\0/, $git; my %ours = map { $_ => 1 } split /\0/, $ours;
			print "@patterns: only git: ", join(' ', grep { !$ours{$_} } keys %git), "; only ours: ", join(' ', grep { !$git{$_} } keys %ours), "\n";
			$differ++;
		}
		print "seed $ARGV[0]: $matched of $batches matched something, $differ differ\n";
		exit($differ || $matched < $batches / 5);
	X
	perl differ.pl "${DIFFER_SEED:-20240607}" "${DIFFER_BATCHES:-800}" 1 300
	perl differ.pl "${DIFFER_SEED:-20240607}" 20 8 3000
}

@test "preset-filter: precedence and rule agree with git asked level by level, in any order of the paths" {
	git init -q .
	cat >levels.pl <<-'X'
		use strict; use warnings;
		my ($seed, $rounds, $paths) = @ARGV;
		sub rnd { $seed = $seed * 16807 % 2147483647; $seed % shift }
		sub pick { $_[rnd(scalar @_)] }
		my @part = qw(a b c ab abc a.c .b);
		my @token = ('a', 'b', 'c', '*', '**', '/', '/', '**/', '/**', '/**/', '?', '[ab]', '.c', 'ab*', 'b/');
		sub some {
			my ($n, @out) = shift;
			while (@out < $n) {
				my $one = join '', map { pick(@token) } 0 .. rnd(4);
				push @out, $one if $one !~ m{//|^/?$|(^|/)\.\.?(/|$)};
			}
			@out
		}
		sub yaml { '[' . join(', ', map { "'$_'" } @_) . ']' }
		sub set { my %set = map { chomp; $_ => 1 } @_; \%set }
		sub git { # includes begin at the root
			my ($rooted, @list) = @_;
			open my $x, '>', '.git/info/exclude' or die; print $x $rooted && !m{^/} ? "/$_\n" : "$_\n" for @list; close $x;
			set(`git check-ignore --no-index --stdin <sorted`)
		}
		my %seen;
		while (keys %seen < $paths) { $seen{join '/', map { pick(@part) } 0 .. rnd(5)} = 1 }
		my @all = sort keys %seen; my @mixed = @all;
		for (my $i = @mixed; --$i;) { my $j = rnd($i + 1); @mixed[$i, $j] = @mixed[$j, $i] }
		for (['sorted', @all], ['mixed', @mixed]) { my ($name, @list) = @$_; open my $f, '>', $name or die; print $f "$_\n" for @list; close $f }
		my %count;
		for (1 .. $rounds) {
			my @list = ([some(1 + rnd(3))], [some(rnd(3))], [some(rnd(3))], [some(rnd(3))]);
			open my $y, '>', 'c.yaml' or die;
			printf $y "s: {presets: [p], custom_include: %s, custom_exclude: %s}\ndeployment_presets: {p: {include: %s, exclude: %s}}\n",
				map { yaml(@{$list[$_]}) } 2, 3, 0, 1;
			close $y;
			my @git = map { git($_ % 2 == 0, @{$list[$_]}) } 0 .. 3;
			my @passed = (set(`preset-filter -f c.yaml s <sorted`), set(`preset-filter -f c.yaml s <mixed`));
			my @why = map { my %h; for (`preset-filter -e -f c.yaml s <$_`) { chomp; my ($v, $path, $rule) = split /\t/; $h{$path} = "$v $rule" } \%h } 'sorted', 'mixed';
			for my $path (@all) {
				my ($level) = grep { $git[$_]{$path} } 3, 2, 1, 0;
				my $name = defined $level ? ('- deployment_presets.p.include: ', '- deployment_presets.p.exclude: ', '- s.custom_include: ', '- s.custom_exclude: ')[$level] : '- no include matches';
				my $wanted = defined $level && $level % 2 == 0;
				$name =~ s/^-/+/ if $wanted;
				$count{$name}++;
				next if $wanted == ($passed[0]{$path} // 0) && $wanted == ($passed[1]{$path} // 0) && index($why[0]{$path}, $name) == 0 && $why[0]{$path} eq $why[1]{$path};
				print "$path: wanted $name, got $why[0]{$path} and $why[1]{$path}\n", `cat c.yaml`;
				exit 1;
			}
		}
		exit(keys %count != 5);
	X
	perl levels.pl "${DIFFER_SEED:-20240607}" 100 400
}

@test "preset-filter: a section without any include is refused" {
	rules '[]' '[x]'
	fails_with 100 "c.yaml:2: no include in 's'" preset-filter -f c.yaml s </dev/null
	[[ "$stderr" == *'hint: name a preset'* ]]
	printf 's: {presets: [p], full_sync: false, custom_include: }\ndeployment_presets: {p: {exclude: [x]}}\n' >c.yaml
	fails_with 100 "c.yaml:1: no include in 's'" preset-filter -f c.yaml s </dev/null
}

@test "preset-filter: full_sync includes everything, and presets still exclude" {
	printf 's: {full_sync: true, presets: [p], custom_exclude: [c]}\ndeployment_presets: {p: {exclude: [b]}}\n' >c.yaml
	passes a -b -a/b -c -.git/x
	printf 's: {full_sync: "yes"}\n' >c.yaml
	fails_with 100 "c.yaml:1: 's.full_sync' is neither true nor false" preset-filter -f c.yaml s </dev/null
	printf 's: {full_sync: [true]}\n' >c.yaml
	fails_with 100 "c.yaml:1: 's.full_sync' is a list, not true or false" preset-filter -f c.yaml s </dev/null
}

@test "preset-filter: an unknown preset is named with its line and the known ones" {
	config
	sed -i 's/presets: \[python, docs\]/presets: [python, dosc]/' config.yaml
	fails_with 100 "config.yaml:3: unknown preset 'dosc' (known: python, docs)" preset-filter -f config.yaml server_update.deployment </dev/null
	printf 's:\n  presets: [x]\n' >c.yaml
	fails_with 100 "c.yaml:2: unknown preset 'x' (known: none)" preset-filter -f c.yaml s </dev/null
}

@test "preset-filter: a preset with a dot in its name is found" {
	printf 's: {presets: ["a.b"]}\ndeployment_presets: {a.b: {include: [x]}}\n' >c.yaml
	passes x -y
}

@test "preset-filter: an unknown or wrong section, and a wrong type, are named with file and line" {
	config
	fails_with 100 "config.yaml: no 'nope.deployment' there" preset-filter -f config.yaml nope.deployment </dev/null
	fails_with 100 "config.yaml:3: 'server_update.deployment.presets' is a list, not a mapping" preset-filter -f config.yaml server_update.deployment.presets </dev/null
	fails_with 100 'a key in the path is empty' preset-filter -f config.yaml a..b </dev/null
	local yaml text
	while IFS='|' read -r yaml text; do
		printf "s:\n  custom_include: [x]\n$yaml\n" >c.yaml
		fails_with 100 "$text" preset-filter -f c.yaml s </dev/null
	done <<-'X'
		  custom_exclude: x|c.yaml:3: 's.custom_exclude' is one value, not a list
		  custom_exclude: {a: b}|c.yaml:3: 's.custom_exclude' is a mapping, not a list
		  custom_exclude: [[x]]|c.yaml:3: 's.custom_exclude.0' is a list, not a pattern
		  custom_exclude: [x, {a: b}]|c.yaml:3: 's.custom_exclude.1' is a mapping, not a pattern
		  custom_exclude:\n    - x\n    -|c.yaml:5: 's.custom_exclude.1' is empty, not a pattern
		  presets: p|c.yaml:3: 's.presets' is one value, not a list
		  presets: [[p]]|c.yaml:3: 's.presets.0' is a list, not the name of a preset
		  presets: [p]\ndeployment_presets: [p]|c.yaml:4: 'deployment_presets' is a list, not a mapping
		  presets: [p]\ndeployment_presets:\n  p: [x]|c.yaml:5: 'deployment_presets.p' is a list, not a mapping
		  presets: [p]\ndeployment_presets:\n  p: {exclude: x}|c.yaml:5: 'deployment_presets.p.exclude' is one value, not a list
	X
}

@test "preset-filter: a pattern that is none is refused with its line" {
	local pattern text
	while IFS='|' read -r pattern text; do
		printf "s:\n  custom_include: [x]\n  custom_exclude:\n    - '%s'\n" "$pattern" >c.yaml
		fails_with 100 "c.yaml:4: pattern '$pattern' $text" preset-filter -f c.yaml s </dev/null
	done <<-'X'
		|is empty
		!x|negates
		/|has an empty component, '.' or '..'
		//|has an empty component, '.' or '..'
		a//b|has an empty component, '.' or '..'
		./a|has an empty component, '.' or '..'
		a/../b|has an empty component, '.' or '..'
		..|has an empty component, '.' or '..'
		a\|ends in a lone backslash
		a/b\/|ends in a lone backslash
		[a|has a class without end or of an unknown name
		x/[a/b|has a class without end or of an unknown name
		[[:nope:]]|has a class without end or of an unknown name
	X
	printf "s:\n  custom_include: ['!x']\n" >c.yaml
	fails_with 100 "c.yaml:2: pattern '!x' negates" preset-filter -f c.yaml s </dev/null
	[[ "$stderr" == *'hint: '*custom_include* ]]
}

@test "preset-filter: the configuration is \$SLIPWAY_CONFIG, else one of two files here" {
	fails_with 100 'no config/slipway.yaml and no tools/deployment/config.yaml here' preset-filter s </dev/null
	mkdir -p config tools/deployment
	echo 's: {custom_include: [c]}' >tools/deployment/config.yaml
	[ "$(printf 'a\nb\nc\n' | preset-filter s)" = c ]
	echo 's: {custom_include: [b]}' >config/slipway.yaml
	[ "$(printf 'a\nb\nc\n' | preset-filter s)" = b ]
	echo 's: {custom_include: [a]}' >given
	[ "$(printf 'a\nb\nc\n' | SLIPWAY_CONFIG=given preset-filter s)" = a ]
	[ "$(printf 'a\nb\nc\n' | SLIPWAY_CONFIG=given preset-filter -f config/slipway.yaml s)" = b ]
	SLIPWAY_CONFIG=none fails_with 111 "cannot open 'none'" preset-filter s </dev/null
	echo 's: [' >given
	fails_with 100 'given:2:1: not YAML' preset-filter -f given s </dev/null
}

@test "preset-filter: variables are expanded, overridden and read from -E, and -o lays an environment over" {
	cat >c.yaml <<-'X'
		s: {custom_include: ["${WHAT}"]}
		environments: {prod: {s: {custom_include: [b]}}}
	X
	unset WHAT
	fails_with 100 'c.yaml:1: s.custom_include.0: ${WHAT} is not set' preset-filter -f c.yaml s </dev/null
	echo 'WHAT=a' >env
	[ "$(printf 'a\nb\nc\n' | preset-filter -E env -f c.yaml s)" = a ]
	[ "$(printf 'a\nb\nc\n' | SLIPWAY_S__CUSTOM_INCLUDE__0=c preset-filter -f c.yaml s)" = c ]
	[ "$(printf 'a\nb\nc\n' | preset-filter -o prod -f c.yaml s)" = b ]
}

@test "preset-filter: a path that is absolute, empty or climbs is refused with its number" {
	rules '["**"]'
	local path
	for path in /abs ../x a/../b a/.. . ./a a/./b a/. a//b a/ a/b/ // ''; do
		printf 'ok/a\nok/b\n%s\nok/c\n' "$path" >paths
		fails_with 100 'standard input:3: the path' preset-filter -f c.yaml s <paths
		tr '\n' '\0' <paths >nul
		fails_with 100 'standard input:3: the path' preset-filter -0 -f c.yaml s <nul
	done
	printf 'ok/\nok/b\n' >paths
	fails_with 100 "standard input:1: the path has an empty, '.' or '..' component" preset-filter -f c.yaml s <paths
	printf 'a/b\na/\n' >paths
	fails_with 100 "standard input:2: the path has an empty, '.' or '..' component" preset-filter -f c.yaml s <paths
	passes ... a/..b a/... .a/b a/.b..
}

@test "preset-filter: a NUL where LF separates is refused, with -0 a line feed is a byte like any other" {
	rules '["**"]' '["x\ny"]'
	printf 'a\nb\0c\nd\n' >paths
	fails_with 100 'standard input:2: a NUL byte' preset-filter -f c.yaml s <paths
	printf 'a/b\na/\0c\nd\n' >paths
	fails_with 100 'standard input:2: a NUL byte' preset-filter -f c.yaml s <paths
	printf 'a\nb\0x\ny\0x' >paths
	[ "$(preset-filter -0 -f c.yaml s <paths | od -An -c | tr -d ' \n')" = 'a\nb\0x\0' ]
	[ "$(preset-filter -0 -e -f c.yaml s <paths | tr '\0\n' '|~')" = $'+\ta~b\ts.custom_include: ** (c.yaml:2)|-\tx~y\ts.custom_exclude: x~y (c.yaml:3)|+\tx\ts.custom_include: ** (c.yaml:2)|' ]
}

@test "preset-filter: any other bytes pass as they are, and the last record may lack its separator" {
	rules '[a]' '["*.é"]'
	printf 'a/ b \na/\xff\xfe\na/é.é\na/\t\x01[\\\na/$(id)\na/-n' >paths
	preset-filter -f c.yaml s <paths >out
	printf 'a/ b \na/\xff\xfe\na/\t\x01[\\\na/$(id)\na/-n\n' | cmp - out
	[ -z "$(preset-filter -f c.yaml s </dev/null)" ]
}

@test "preset-filter: a path of 1 MiB passes, a longer one is refused" {
	rules '[a, "**/b"]' '["*c"]'
	local dir
	dir=$(printf '%*s' 262144 '' | sed 's/ /aaa\//g') # 1 MiB
	{ echo a/x; echo "${dir%/}"; echo a/y; echo "${dir%aa/}c"; } >paths
	preset-filter -f c.yaml s <paths >out
	[ "$(cut -c 1-5 out | paste -sd ' ')" = 'a/x a/y' ]
	printf 'a/%*s\na/x\n' 1048574 '' >paths
	preset-filter -f c.yaml s <paths | cmp - paths
	printf 'a/%*s\na/x\n' 1048575 '' >paths
	fails_with 100 'standard input:1: the path is longer than 1 MiB' preset-filter -f c.yaml s <paths
	printf 'a/x\na/%*s\n' 1048575 '' >paths
	fails_with 100 'standard input:2: the path is longer than 1 MiB' preset-filter -f c.yaml s <paths
	printf 'a/x\na/%*s' 1048575 '' >paths
	fails_with 100 'standard input:2: the path is longer than 1 MiB' preset-filter -f c.yaml s <paths
	printf 'a/%*s' 3000000 '' >paths
	fails_with 100 'standard input:1: the path is longer than 1 MiB' preset-filter -f c.yaml s <paths
}

@test "preset-filter: paths deeper than it remembers are followed all the same" {
	local deep
	deep=$(printf '%*s' 200 '' | sed 's/ /d\//g')
	rules '["**"]' '["a/**/z/*.c", "**/y/**/x", y/w]'
	passes "a/${deep}x" "a/${deep}z/1" -"a/${deep}z/1.c" "a/${deep}z/q/1.c" -"a/${deep}y/${deep}x" "a/${deep}y/${deep}w" -"${deep}y/x" \
		"${deep}y/w" -"a/z/${deep}z/1.c" "${deep}z/1.c" "a/${deep}1"
}

@test "preset-filter: hostile patterns and paths take no time" {
	printf 's:\n  custom_include: ["**"]\n  custom_exclude: ["a*a*a*a*a*a*b", "**/a/**/a/**/a/**/b", "a/**/a/**/a*a*a*b", "*a*a*a*a*b/"]\n' >c.yaml
	{
		head -c 1000000 /dev/zero | tr '\0' a
		printf '\n'
		printf '%*s' 400000 '' | sed 's/ /a\//g'
		printf 'x\n'
	} >paths
	timeout 10 preset-filter -f c.yaml s <paths >out
	cmp paths out
}

@test "preset-filter: 100,000 paths come out as they went in, through a slow pipe too" {
	rules '["**"]' '["*.no"]'
	seq 100000 | awk '{ printf "%d/%d/file-%d.%s\n", $1 / 100, $1 / 10 % 10, $1, $1 % 7 ? "yes" : "no" }' >paths
	grep -v '\.no$' paths >want
	preset-filter -f c.yaml s <paths | cmp - want
	(head -c 7 paths; sleep 0.1; tail -c +8 paths) | preset-filter -f c.yaml s | cmp - want
	head -3000 paths | dd bs=7 status=none | preset-filter -f c.yaml s | cmp - <(head -3000 paths | grep -v '\.no$')
}

@test "preset-filter: memory does not grow with the input" {
	rules '["**"]' '["*.pyc", a/, "x/**/y"]'
	seq 20000 | sed 's/$/\/a file of some length.py/' >few
	seq 400000 | sed 's/$/\/a file of some length.py/' >many
	local name
	for name in few many; do /usr/bin/time -f %M -o "$name.kb" preset-filter -f c.yaml s <$name >/dev/null; done
	[ "$(cat many.kb)" -le $(($(cat few.kb) + 1024)) ]
}

@test "preset-filter: an input that cannot be read and a full disk are the world's fault" {
	rules '[a]'
	fails_with 111 "cannot read standard input: Is a directory" preset-filter -f c.yaml s <.
	fails_with 111 'cannot write to standard output' sh -c 'echo a | preset-filter -f c.yaml s >/dev/full'
	seq 200000 | sed 's/^/a\//' >paths
	fails_with 111 'cannot write to standard output' sh -c 'preset-filter -f c.yaml s <paths >/dev/full'
}

@test "preset-filter: -h is the usage on stdout, a wrong call the usage on stderr" {
	run -0 --separate-stderr preset-filter -h
	[[ "$output" == "usage: preset-filter "* ]]
	fails_with 100 'usage: preset-filter' preset-filter
	fails_with 100 'usage: preset-filter' preset-filter a b
	fails_with 100 'usage: preset-filter' preset-filter -n a
	fails_with 100 'usage: preset-filter' preset-filter -e -x s
}

@test "preset-filter: what the man page shows" {
	mkdir config
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$SLIPWAY_TOP/man/preset-filter.1" |
		awk '/^\.Bd/ { on = 1; n++; next } /^\.Ed/ { on = 0 } on { print > ("block" n) }'
	mv block1 config/slipway.yaml
	sed 's/\\e/\\/g' block2 >sh
	sh -e sh >out
	{ printf '%s\n' app/a.py app/a.pyc README.md; cat block3; } | diff - out
}
