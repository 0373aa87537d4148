include ffi/Makefile.inc
