# slipway: `make demo` shows it, `make check` tests it. The TOOLS section is the map of the house.
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

PREFIX = /usr/local
BUILD = build
CC = gcc
OPT = -O2 -g
SAN =
WARN = -std=c11 -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wvla -Werror
HARDEN = -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
PQ := -isystem $(shell pg_config --includedir 2>/dev/null || echo /usr/include/postgresql)
ALLCFLAGS = $(WARN) $(OPT) $(if $(SAN),-fno-omit-frame-pointer $(SAN),$(HARDEN)) -D_FILE_OFFSET_BITS=64 -Ilib $(PQ) $(CFLAGS)
ALLLDFLAGS = $(if $(SAN),$(SAN),-pie -Wl,-z,relro,-z,now) $(LDFLAGS)

all: tools

# ---- TOOLS: $(call tool,NAME,rooms of lib/ that it uses,foreign libraries); phases live in tools/NAME/ ----
define tool
TOOLS += $1
$1_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(or $(sort $(wildcard tools/$1/*.c)),tools/$1.c) $(addprefix lib/,$(addsuffix .c,$2)))
OBJ += $$($1_OBJ)
$(if $3,,LIBC_TOOLS += $1)
$(BUILD)/bin/$1: $$($1_OBJ)
	@mkdir -p $$(@D)
	$$(CC) $$(ALLLDFLAGS) -o $$@ $$($1_OBJ) $3
endef

$(eval $(call tool,cfg-get,diag conf yamltree node scalar expand envfile utf8 durable arena err,-lyaml))
$(eval $(call tool,preset-filter,diag conf yamltree node scalar expand envfile utf8 glob durable arena err,-lyaml))
$(eval $(call tool,put-file,diag durable err,))
$(eval $(call tool,journal,diag durable percent err,))
$(eval $(call tool,tree-apply,diag durable lines manifest relpath beneath hash arena err,-larchive -lcrypto -lpthread))
$(eval $(call tool,version-cmp,version lines arena diag err,))
$(eval $(call tool,version-tag,gitrepo gitoffline version durable arena diag err,-lgit2))
$(eval $(call tool,repo-fetch,gitrepo lockwait durable arena diag err,-lgit2))
$(eval $(call tool,repo-ls,tree relpath gitrepo gitoffline arena diag err,-lgit2))
$(eval $(call tool,repo-tar,tree relpath gitrepo gitoffline lines arena diag err,-lgit2 -larchive))
$(eval $(call tool,db-backup,dburl pq sqlite lockwait hash durable arena diag err,-lpq -lsqlite3 -lzstd -lcrypto))
$(eval $(call tool,migrate-run,sqlsplit dburl pq sqlite lockwait version utf8 hash durable arena diag err,-lpq -lsqlite3 -lcrypto))
$(eval $(call tool,img-tag,version arena diag err,))

tools: $(addprefix $(BUILD)/bin/,$(TOOLS))

# Those that need nothing but libc run anywhere as one file.
libc-tools: $(addprefix $(BUILD)/bin/,$(LIBC_TOOLS))
musl:
	$(MAKE) -s CC=musl-gcc BUILD=$(BUILD)/musl LDFLAGS=-static libc-tools

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALLCFLAGS) -MMD -MP -c -o $@ $<

# ---- programs for tests ----
SAMPLE = test/fixtures/app/src
test-programs: $(BUILD)/test/app $(BUILD)/test/app-postgres $(BUILD)/test/writer $(BUILD)/test/killat

# Static, so that its image is FROM scratch; --no-warnings: it never loads an extension
$(BUILD)/test/app: $(wildcard $(SAMPLE)/*.c $(SAMPLE)/*.h)
	@mkdir -p $(@D)
	$(CC) $(WARN) -O2 -D_FORTIFY_SOURCE=2 -static -s -o $@ $(filter-out %_postgres.c %.h,$^) -lsqlite3 -lm -lpthread -ldl -Wl,--no-warnings

# There is no static libpq; its image is FROM one of the host's libraries.
$(BUILD)/test/app-postgres: $(wildcard $(SAMPLE)/*.c $(SAMPLE)/*.h)
	@mkdir -p $(@D)
	$(CC) $(WARN) -O2 -D_FORTIFY_SOURCE=2 $(PQ) -DSAMPLE_POSTGRES -s -o $@ $(filter %.c,$^) -lpq -lsqlite3 -lpthread

$(BUILD)/test/writer: test/client/writer.c
	@mkdir -p $(@D)
	$(CC) $(WARN) $(OPT) -o $@ $< -lpthread

$(BUILD)/test/killat: test/faults/killat.c
	@mkdir -p $(@D)
	$(CC) $(WARN) $(OPT) -o $@ $<

bench-programs: $(BUILD)/test/yaml-scan

$(BUILD)/test/yaml-scan: test/bench/yaml-scan.c
	@mkdir -p $(@D)
	$(CC) $(WARN) $(OPT) -o $@ $< -lyaml

# A unit program may use every room of lib/.
LIB_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard lib/*.c))
LIB_USES = -lyaml -lgit2 -larchive -lpq -lsqlite3 -lzstd -lcrypto
UNITS := $(patsubst %.c,$(BUILD)/%,$(wildcard test/unit/*.c))
OBJ += $(LIB_OBJ) $(UNITS:=.o)

$(BUILD)/test/lib.a: $(LIB_OBJ)
	@mkdir -p $(@D)
	rm -f $@
	ar rcs $@ $(LIB_OBJ)

$(UNITS): %: %.o $(BUILD)/test/lib.a
	$(CC) $(ALLLDFLAGS) -o $@ $^ $(LIB_USES)

unit-programs: $(UNITS)

# ---- what people type ----
JOBS := $(shell nproc)
SAN_FLAGS = -fsanitize=address,undefined -fno-sanitize-recover=all

demo:
	scripts/setup
	$(MAKE) -s -j$(JOBS) tools test-programs
	BUILD=$(BUILD) test/demo

check:
	scripts/setup -t
	$(MAKE) -s -j$(JOBS) tools test-programs unit-programs
	$(MAKE) -s -j$(JOBS) BUILD=$(BUILD)/san SAN='$(SAN_FLAGS)' tools unit-programs
	$(MAKE) -s -j$(JOBS) musl
	BUILD=$(BUILD) test/run

# The same with every flow under every shell, which takes longer than a change should wait.
check-all:
	SLIPWAY_ALL=1 SLIPWAY_SECONDS=7200 $(MAKE) check

lint:
	scripts/setup -t
	$(MAKE) -s -j$(JOBS) tools
	BUILD=$(BUILD) test/run test/lint

soak:
	scripts/setup -t
	$(MAKE) -s -j$(JOBS) tools test-programs
	BUILD=$(BUILD) test/soak

bench:
	scripts/setup -t
	$(MAKE) -s -j$(JOBS) tools test-programs bench-programs
	SLIPWAY_BIN=$(abspath $(BUILD))/bin test/bench/run

# Ten tools and slipway are for the hands of people, the others for scripts.
BY_HAND = cfg-get preset-filter version-tag db-backup schema-diff migrate-run img-tag img-prune cert-gen hmac-verify
BIN = $(DESTDIR)$(PREFIX)/bin
LIBEXEC = $(DESTDIR)$(PREFIX)/libexec/slipway
SHARE = $(DESTDIR)$(PREFIX)/share/slipway
MAN = $(DESTDIR)$(PREFIX)/share/man
PAGES = $(wildcard man/*.[1-8])
SCRIPTS = $(filter-out scripts/slipway scripts/setup,$(shell find scripts -maxdepth 1 -type f))
TEMPLATES = $(patsubst %/,%,$(sort $(dir $(wildcard compose/* migrations/*))))

install: tools
	install -d "$(BIN)" "$(LIBEXEC)/steps" "$(SHARE)"
	sed "s|^libexec=.*|libexec='$(PREFIX)/libexec/slipway'|" scripts/slipway >$(BUILD)/slipway.installed
	install -m 755 $(BUILD)/slipway.installed "$(BIN)/slipway"
	install -m 755 $(addprefix $(BUILD)/bin/,$(filter $(BY_HAND),$(TOOLS))) "$(BIN)"
	install -m 755 $(addprefix $(BUILD)/bin/,$(filter-out $(BY_HAND),$(TOOLS))) "$(LIBEXEC)"
	install -m 755 $(filter-out %.sh %.keys,$(SCRIPTS)) "$(LIBEXEC)"
	install -m 644 $(filter %.sh %.keys,$(SCRIPTS)) "$(LIBEXEC)"
	install -m 755 scripts/steps/* "$(LIBEXEC)/steps"
	for page in $(PAGES); do install -D -m 644 $$page "$(MAN)/man$${page##*.}/$${page##*/}" || exit; done
	for folder in $(TEMPLATES); do cp -R --preserve=mode $$folder "$(SHARE)" || exit; done

# What is wholly ours goes as a folder; a folder that others may use stays.
uninstall:
	for name in slipway $(BY_HAND); do rm -f "$(BIN)/$$name" || exit; done
	for page in $(PAGES); do rm -f "$(MAN)/man$${page##*.}/$${page##*/}" || exit; done
	rm -rf "$(LIBEXEC)" "$(SHARE)"

-include $(OBJ:.o=.d)

clean:
	rm -rf $(BUILD)

.PHONY: all check-all tools libc-tools musl test-programs bench-programs unit-programs demo check lint soak bench install uninstall clean
