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
ALLCFLAGS = $(WARN) $(OPT) $(if $(SAN),-fno-omit-frame-pointer $(SAN),$(HARDEN)) -D_FILE_OFFSET_BITS=64 -Ilib $(CFLAGS)
ALLLDFLAGS = $(if $(SAN),$(SAN),-pie -Wl,-z,relro,-z,now) $(LDFLAGS)

all: tools

# ---- TOOLS: $(call tool,NAME,rooms of lib/ that it uses,foreign libraries); phases live in tools/NAME/ ----
define tool
TOOLS += $1
$1_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(or $(sort $(wildcard tools/$1/*.c)),tools/$1.c) $(addprefix lib/,$(addsuffix .c,$2)))
OBJ += $$($1_OBJ)
$(BUILD)/bin/$1: $$($1_OBJ)
	@mkdir -p $$(@D)
	$$(CC) $$(ALLLDFLAGS) -o $$@ $$($1_OBJ) $3
endef

$(eval $(call tool,cfg-get,diag conf yamltree node scalar expand envfile utf8 durable arena err,-lyaml))
$(eval $(call tool,put-file,diag durable err,))
$(eval $(call tool,journal,diag durable percent err,))
$(eval $(call tool,version-cmp,version lines arena diag err,))
$(eval $(call tool,version-tag,gitrepo gitoffline version durable arena diag err,-lgit2))
$(eval $(call tool,repo-fetch,gitrepo lockwait durable arena diag err,-lgit2))
$(eval $(call tool,db-backup,dburl sqlite lockwait hash durable arena diag err,-lsqlite3 -lzstd -lcrypto))

tools: $(addprefix $(BUILD)/bin/,$(TOOLS))

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALLCFLAGS) -MMD -MP -c -o $@ $<

-include $(OBJ:.o=.d)

# ---- programs for tests ----
SAMPLE = test/fixtures/app/src
test-programs: $(BUILD)/test/app $(BUILD)/test/writer

# Static, so that its image is FROM scratch; --no-warnings: it never loads an extension
$(BUILD)/test/app: $(wildcard $(SAMPLE)/*.c $(SAMPLE)/*.h)
	@mkdir -p $(@D)
	$(CC) $(WARN) -O2 -D_FORTIFY_SOURCE=2 -static -s -o $@ $(SAMPLE)/*.c -lsqlite3 -lm -lpthread -ldl -Wl,--no-warnings

$(BUILD)/test/writer: test/client/writer.c
	@mkdir -p $(@D)
	$(CC) $(WARN) $(OPT) -o $@ $< -lpthread

clean:
	rm -rf $(BUILD)

.PHONY: all tools test-programs clean
