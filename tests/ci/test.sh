#!/bin/sh
# Install what is missing, build, run all the tests on this system.
. "$(dirname "$0")/common.sh"
mkdir -p "$BUILD_ROOT"
rm -f "$tally"
status=0
"$root/tests/ci/build.sh" tests || status=$?
echo
[ -f "$tally" ] || record 0 1 0
tally_print
exit $status
