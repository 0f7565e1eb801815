#!/bin/sh
# Kill processes at random under load, and look for what that broke.
#
#   tests/ci/stress.sh [KILLS]
. "$(dirname "$0")/common.sh"
need_build
need_tests
kills=${1:-1000}
say "stress: $kills kills"
build stress -DMPROC_WERROR=ON -DMPROC_BUILD_EXAMPLES=OFF \
  -DMPROC_BUILD_BENCH=OFF
status=0
timeout 900 "$BUILD_ROOT/stress/tests/mproc-stress" --kills "$kills" \
  --points 50 --seed "${SEED:-$(date +%s)}" || status=$?
if [ $status = 0 ]; then
  record 1 0 0
else
  record 0 1 0
fi
exit $status
