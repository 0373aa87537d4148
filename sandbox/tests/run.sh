#!/bin/sh
# All tests of ptbox.
#
#   run.sh PTBOX

here=$(dirname "$0")
status=0
echo "compare with the kernel:"
"$here/compare.sh" "$1" || status=1
echo "the box itself:"
"$here/box.sh" "$1" || status=1
exit $status
