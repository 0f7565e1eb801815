#!/bin/sh
# Check the models of the protocols.
. "$(dirname "$0")/common.sh"
need spin spin cc gcc /usr/include/stdio.h libc6-dev
say "checking the models"
status=0
BUILD_ROOT=$BUILD_ROOT "$root/tests/model/run" || status=$?
if [ $status = 0 ]; then
  record 1 0 0
else
  record 0 1 0
fi
exit $status
