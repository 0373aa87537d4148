# libptexit. `make help` lists what there is; the parts bring their own targets.

.DEFAULT_GOAL := all
.PHONY: all run test scenario clean help tools tools-test

include ffi/Makefile.inc
include sandbox/Makefile.inc
include benches/Makefile.inc
include loom-tests/Makefile.inc
include conformance/Makefile.inc

## all: the library, ptbox and the scenario runner; what `make` does
all: tools lib ptbox scenario
	@echo "built: build/lib/libptexit.so, build/lib/libptexit.a, build/ptbox, target/release/scenario"

## scenario: target/release/scenario, which runs scripts of docs/scenarios.md on the core or on its model
scenario: tools
	@$(CARGO) build --release --quiet -p ptexit-conformance

## run: builds all that, and runs a few programs in the box, with the process tree of each
run: tools lib header ptbox
	@sandbox/demo.sh build/ptbox

## test: every test but the models: Rust, header, C, programs in the box against the kernel
test: tools-test
	@MAKE="$(MAKE)" CARGO="$(CARGO)" .ci/test

## clean: removes what was built
clean:
	rm -rf build
	$(CARGO) clean

## help: this list
help:
	@sed -n 's/^## \([a-z-]*\): /\1\t/p' $(MAKEFILE_LIST) | expand -t 20
	@echo
	@echo "Further targets are described at the head of ffi/Makefile.inc and sandbox/Makefile.inc."

# $(call need,PROGRAM,HOW TO GET IT)
need = command -v $(1) > /dev/null || { echo "$(1) is not installed: $(2)" >&2; exit 1; }

tools:
	@$(call need,$(CARGO),see https://rustup.rs (Rust $(RUST_VERSION) or later))
	@$(call need,$(CC),apt-get install gcc (or set CC))

tools-test: tools
	@$(call need,$(CXX),apt-get install g++ (or set CXX))
	@echo '$(CMOCKA_PROBE)' | tr ';' '\n' | $(CC) -fsyntax-only -x c - 2> /dev/null \
	    || { echo "cmocka is not installed: apt-get install libcmocka-dev" >&2; exit 1; }

RUST_VERSION = $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
CMOCKA_PROBE = \#include <stdarg.h>;\#include <stddef.h>;\#include <stdint.h>;\#include <setjmp.h>;\#include <cmocka.h>
