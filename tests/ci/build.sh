#!/bin/sh
# Build and run the tests, once.
#
#   [TESTS=REGEX] tests/ci/build.sh NAME [CMAKE ARGUMENT ...]
#
# builds in BUILD_ROOT/NAME, and runs the tests whose names match. For instance
#   build.sh clang -DCMAKE_C_COMPILER=clang
#   build.sh sanitize -DMPROC_SANITIZE=address,undefined
#   TESTS='^unit[.]lock' build.sh tsan -DMPROC_SANITIZE=thread
#   build.sh posix -DMPROC_PLATFORM=posix
. "$(dirname "$0")/common.sh"
name=${1:-gcc}
[ $# = 0 ] || shift
need_build
need_tests
case "$*" in
  *=clang*) need clang clang ;;
esac
skip='^$'
case "$*" in
  # Sanitizers' allocators do not know of fork: what is forked while another
  # thread allocates waits for ever. So not what forks with threads about;
  # spawn and the fork server run the same tests. The killer takes too long.
  *address* | *=thread*)
    forks='join|exit|family|main|process|start|function|pool'
    forks="$forks|manager[a-z_]*"
    skip="^(unit[.]($forks)|examples)[.].*[.]fork\$|^stress"
    # Nor where APR maps more than fits beside the sanitizer's own memory.
    skip="$skip|^platform[.]plat_apr[.]shm_memory"
    ;;
esac
# The signal stack: threads that end by apr_thread_exit() leave their stack
# poisoned, and the sanitizer would trip over that when it takes its own back.
options=detect_leaks=1:abort_on_error=1:use_sigaltstack=0
export ASAN_OPTIONS="${ASAN_OPTIONS:-$options}"
supp=$root/tests/support/lsan.supp
export LSAN_OPTIONS="${LSAN_OPTIONS:-suppressions=$supp:print_suppressions=0}"
# Forked children make threads too; a second at each process's end is long.
options=die_after_fork=0:halt_on_error=1:atexit_sleep_ms=20
export TSAN_OPTIONS="${TSAN_OPTIONS:-$options}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1}"
say "building $name: $*"
build "$name" -DMPROC_WERROR=ON "$@"
say "testing $name"
run_ctest "$BUILD_ROOT/$name" -R "${TESTS:-.}" -E "$skip"
