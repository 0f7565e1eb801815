#!/bin/sh
# Run unit tests, and the children that they fork, under valgrind: with plain
# POSIX, since not every valgrind knows pidfd_open().
#
#   tests/ci/valgrind.sh [CTEST ARGUMENT ...]
. "$(dirname "$0")/common.sh"
need_build
need_tests
need valgrind valgrind
tool="valgrind;-q;--error-exitcode=9;--leak-check=full"
tool="$tool;--show-leak-kinds=definite;--errors-for-leak-kinds=definite"
tool="$tool;--suppressions=$root/tests/support/valgrind.supp"
say "building for valgrind"
build valgrind -DMPROC_WERROR=ON -DMPROC_PLATFORM=posix \
  -DMPROC_BUILD_EXAMPLES=OFF -DMPROC_BUILD_BENCH=OFF \
  -DMPROC_TEST_FACTOR=10 -DCMAKE_CROSSCOMPILING_EMULATOR="$tool"
say "testing under valgrind"
# A small arena, since the search for leaks reads all of it.
ulimit -f 262144
suites='pack|unpack|datum|error|function|arena|lock|rlock|semaphore|condition'
suites="$suites|condition_notify|condition_death|event|barrier|value|array"
[ $# -gt 0 ] || set -- -R "^unit[.]($suites)[.][^.]*([.]fork)?\$"
run_ctest "$BUILD_ROOT/valgrind" "$@"
