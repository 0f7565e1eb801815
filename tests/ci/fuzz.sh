#!/bin/sh
# Feed a fuzz target for a while with what libFuzzer thinks of.
#
#   tests/ci/fuzz.sh [SECONDS [NAME ...]]
. "$(dirname "$0")/common.sh"
need_build
need_tests
need clang clang
seconds=${1:-60}
[ $# = 0 ] || shift
say "fuzzing, $seconds s each"
build fuzz -DCMAKE_C_COMPILER=clang -DMPROC_BUILD_EXAMPLES=OFF \
  -DMPROC_BUILD_BENCH=OFF \
  -DMPROC_SANITIZE=fuzzer-no-link,address,undefined
status=0
for file in "$root"/tests/fuzz/fuzz_*.c; do
  name=$(basename "$file" .c)
  name=${name#fuzz_}
  case " ${*:-$name} " in
    *" $name "*) ;;
    *) continue ;;
  esac
  found=$BUILD_ROOT/fuzz/corpus/$name
  mkdir -p "$found"
  if "$BUILD_ROOT/fuzz/tests/fuzz_$name" -max_total_time="$seconds" \
    -artifact_prefix="$found/../" "$found" "$root/tests/fuzz/corpus/$name" \
    >"$BUILD_ROOT/fuzz/$name.log" 2>&1; then
    tail -n 1 "$BUILD_ROOT/fuzz/$name.log"
    record 1 0 0
  else
    tail -n 60 "$BUILD_ROOT/fuzz/$name.log"
    record 0 1 0
    status=1
  fi
done
exit $status
