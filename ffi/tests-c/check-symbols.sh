#!/bin/sh
# The shared library exports the functions of the header and nothing else, and is linked as it should be.
# usage: check-symbols.sh LIBRARY HEADER
set -eu
library=$1
header=$2
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

nm -D --defined-only "$library" | awk '{ print $3 }' | sort >"$work/exported"
# A declaration begins at the margin, and its name is followed by the parameters.
sed -n '/^typedef\|^template/d; s/^[A-Za-z].*\b\(ptexit_[a-z_]*\)(.*/\1/p' "$header" | sort >"$work/declared"
diff -u "$work/declared" "$work/exported" || { echo "exported symbols differ from $header" >&2; exit 1; }

readelf -d "$library" >"$work/dynamic"
for wanted in 'soname: \[libptexit.so.0\]' 'NOW' 'NODELETE'; do
    grep -q "$wanted" "$work/dynamic" || { echo "$library: no $wanted" >&2; exit 1; }
done
readelf -lW "$library" | grep -q GNU_RELRO || { echo "$library: no GNU_RELRO" >&2; exit 1; }
echo "$(wc -l <"$work/exported") symbols exported, all of them declared"
