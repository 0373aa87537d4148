# ptbox, the sandbox in C. Included by the top-level Makefile, or used from there as: make -f sandbox/ptbox.mk

CC ?= gcc
PTBOX_LIB ?= target/release/libptexit.so
PTBOX_CFLAGS := -std=c11 -O2 -g -Wall -Wextra -Werror -Iinclude -Isandbox
PTBOX_LDFLAGS := -Wl,-rpath,'$$ORIGIN/../target/release' -lm

PTBOX_SOURCES := $(wildcard sandbox/*.c)
PTBOX_OBJECTS := $(PTBOX_SOURCES:sandbox/%.c=build/sandbox/%.o)

build/ptbox: $(PTBOX_OBJECTS) $(PTBOX_LIB)
	$(CC) -o $@ $(PTBOX_OBJECTS) $(PTBOX_LIB) $(PTBOX_LDFLAGS)

build/sandbox/%.o: sandbox/%.c $(wildcard sandbox/*.h) include/ptexit.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(PTBOX_CFLAGS) -c -o $@ $<

.PHONY: test-ptbox
test-ptbox: build/ptbox
	sandbox/tests/run.sh build/ptbox
