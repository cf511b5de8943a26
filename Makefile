# The two commands are `make run` and `make test`; each installs what it needs (tools/packages).
MAKEFLAGS += --no-print-directory
RELEASE = build/release
CHECKED = build/checked

.PHONY: all run test bench soak fuzz format install clean

all: build/tambo

# The optimised binary.
build/tambo: $(RELEASE)/build.ninja FORCE
	@ninja -C $(RELEASE) src/cmd/tambo $(QUIET)
	@ln -sf release/src/cmd/tambo build/tambo
FORCE:

$(RELEASE)/build.ninja:
	@meson setup $(RELEASE) --buildtype=release -Dtests=false >build/setup.log 2>&1 || { cat build/setup.log; exit 1; }
$(CHECKED)/build.ninja:
	@CC=gcc meson setup $(CHECKED) --buildtype=debugoptimized -Db_sanitize=address,undefined --werror >build/setup.log 2>&1 || { cat build/setup.log; exit 1; }

build:
	@mkdir -p build
$(RELEASE)/build.ninja $(CHECKED)/build.ninja: | build

run: | build
	@tools/install run
	@$(MAKE) build/tambo QUIET='>build/build.log 2>&1 || { cat build/build.log; exit 1; }'
	@exec build/tambo serve --data ./data $(ARGS)

test: | build
	@tools/install run test
	@tools/check

# Side by side with the peers; writes build/bench.md and plots beside it.
bench: | build
	@tools/install run bench
	@$(MAKE) build/tambo
	@meson configure $(RELEASE) -Dbench=true && ninja -C $(RELEASE) bench-programs bench-calls
	@test/bench/run $(ARGS)

# As many simulated runs as asked: make soak RUNS=100000 SEED=1
soak: | build
	@$(MAKE) build/tambo
	@build/tambo sim --runs $(or $(RUNS),10000) --seed $(or $(SEED),1) $(ARGS)

# Each fuzzer for SECONDS.
fuzz: | build
	@tools/install run test
	@tools/fuzz $(or $(SECONDS),600)

format:
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs -n 1 clang-format -i

# The program, the library, its headers and the manual, under PREFIX, or for a package under DESTDIR.
PREFIX ?= /usr/local
install: | build
	@$(MAKE) $(RELEASE)/build.ninja
	@meson configure $(RELEASE) -Dprefix=$(abspath $(PREFIX)) -Dlibdir=lib
	@ninja -C $(RELEASE) >build/build.log 2>&1 || { cat build/build.log; exit 1; }
	@DESTDIR=$(if $(DESTDIR),$(abspath $(DESTDIR))) meson install -C $(RELEASE) --no-rebuild --quiet

clean:
	rm -rf build
