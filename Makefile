# liveness_report is SQL alone, and needs liveness
EXTENSION = liveness report/liveness_report

MODULE_big = liveness
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c)))
DATA = $(wildcard liveness--*.sql report/liveness_report--*.sql)

PG_CFLAGS += $(OPTFLAGS)

# The targets at the end install what they need themselves, pg_config included
ifneq ($(filter-out sql test demo demo-stop dist,$(or $(MAKECMDGOALS),all)),)
PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

$(OBJS): $(wildcard src/*.h)
endif

# Our own code only: the server's headers are not ours to mend.  clang does not
# know all of the flags that the server was built with.
STRICT = PG_CPPFLAGS="-isystem $(shell $(PG_CONFIG) --includedir-server)" with_llvm=no
STRICT_CFLAGS = -Wall -Wextra -Werror

.PHONY: strict
strict:
	$(MAKE) clean
	$(MAKE) all $(STRICT) CC=gcc PG_CFLAGS="$(STRICT_CFLAGS)"
	$(MAKE) clean
	$(MAKE) all $(STRICT) CC=gcc PG_CFLAGS="$(STRICT_CFLAGS) -DUSE_ASSERT_CHECKING"
	$(MAKE) clean
	$(MAKE) all $(STRICT) CC=clang CFLAGS="-O2 -fPIC -fwrapv -fno-strict-aliasing $(STRICT_CFLAGS)"
	$(MAKE) clean

# The script of the extension, from its parts in sql/
.PHONY: sql
sql:
	scripts/sql

# What a newcomer needs: both work on a Debian machine with nothing but make,
# and install the packages they need (root or sudo)
.PHONY: test demo demo-stop
test:
	scripts/test
demo:
	@CALLED_FROM="$(PWD)" scripts/demo "$(TRACE)"
demo-stop:
	@scripts/demo --stop

# For PGXN: what is committed
DISTVERSION = $(shell sed -n 's/^\t"version": "\(.*\)",$$/\1/p' META.json)
.PHONY: dist
dist:
	git archive --format=zip --prefix=liveness-$(DISTVERSION)/ -o liveness-$(DISTVERSION).zip HEAD
