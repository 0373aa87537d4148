include ffi/Makefile.inc
include sandbox/Makefile.inc
