# shellcheck shell=sh
# What the scripts of this folder share; sourced, not run.
#
# All of them can be run by hand, from anywhere. BUILD_ROOT is where they
# build (default: build/ of this clone); JOBS how many things they do at once.

set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=${here%/tests/ci}
root=${root%/.ci}
BUILD_ROOT=${BUILD_ROOT:-$root/build}
JOBS=${JOBS:-$(nproc 2>/dev/null || echo 2)}
export CTEST_OUTPUT_ON_FAILURE=1

say() {
  printf '\n== %s\n' "$*"
}

# Install what is missing: need COMMAND-OR-FILE PACKAGE [COMMAND PACKAGE ...].
# Says nothing when nothing is missing.
need() {
  missing=
  while [ $# -gt 1 ]; do
    case $1 in
      /*) [ -e "$1" ] || missing="$missing $2" ;;
      *.h) have_header "$1" || missing="$missing $2" ;;
      *) command -v "$1" >/dev/null 2>&1 || missing="$missing $2" ;;
    esac
    shift 2
  done
  [ -z "$missing" ] && return 0
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "missing, and there is no apt-get to install it:$missing" >&2
    return 1
  fi
  say "installing:$missing"
  sudo=
  if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
      echo "run this as root, or install them yourself:$missing" >&2
      return 1
    fi
    sudo=sudo
  fi
  log=$(mktemp)
  # Package lists may be missing or old: then get them, and try again.
  if ! install_packages && ! {
    $sudo apt-get -q update >>"$log" 2>&1 && install_packages
  }; then
    cat "$log"
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

# What building needs, and what the tests need beside that.
need_build() {
  need cmake cmake ninja ninja-build cc gcc pkg-config pkg-config \
    /usr/include/stdio.h libc6-dev apr_pools.h libapr1-dev \
    msgpack.h libmsgpack-dev openssl/evp.h libssl-dev
}

need_tests() {
  need CUnit/CUnit.h libcunit1-dev gdb gdb python3 python3 uv.h libuv1-dev
}

install_packages() {
  # shellcheck disable=SC2086
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
    -o Dpkg::Use-Pty=0 install --no-install-recommends $missing \
    >>"$log" 2>&1 </dev/null
}

have_header() {
  for dir in /usr/include /usr/include/apr-1.0 /usr/local/include \
    /usr/include/"$(uname -m)"-linux-gnu; do
    [ -e "$dir/$1" ] && return 0
  done
  return 1
}

# Configure and build: build NAME [CMAKE ARGUMENT ...], in BUILD_ROOT/NAME.
build() {
  dir=$BUILD_ROOT/$1
  shift
  mkdir -p "$dir"
  if ! {
    cmake -S "$root" -B "$dir" -G Ninja "$@" &&
      cmake --build "$dir" -j "$JOBS"
  } >"$dir/build.log" 2>&1; then
    cat "$dir/build.log"
    return 1
  fi
}

# Run CTest on a build and add its counts to the tally; its own status. Ends
# it after LIMIT seconds, whatever hangs: then what was not run has failed.
tally=$BUILD_ROOT/tally
run_ctest() {
  dir=$1
  shift
  mkdir -p "$BUILD_ROOT"
  status=0
  (cd "$dir" && timeout --foreground -k 20 "${LIMIT:-3600}" \
    ctest -j "$JOBS" "$@") >"$dir/ctest.log" 2>&1 </dev/null || status=$?
  passed=$(grep -cE '^ *[0-9]+/[0-9]+ Test .* Passed ' "$dir/ctest.log" || :)
  skipped=$(grep -cE '^ *[0-9]+/[0-9]+ Test .*\*\*\*Skipped ' \
    "$dir/ctest.log" || :)
  all=$(grep -cE '^ *[0-9]+/[0-9]+ Test ' "$dir/ctest.log" || :)
  failed=$((all - passed - skipped))
  if [ "$all" = 0 ]; then
    status=1
  fi
  [ $status = 0 ] || [ $failed != 0 ] || failed=1
  if [ $status != 0 ]; then
    cat "$dir/ctest.log"
  fi
  [ $status != 124 ] || echo "ended after ${LIMIT:-3600} s"
  record "$passed" "$failed" "$skipped"
  echo "$(basename "$dir"): $passed passed, $failed failed, $skipped skipped"
  return $status
}

record() {
  mkdir -p "$BUILD_ROOT"
  echo "$1 $2 $3" >>"$tally"
}

tally_print() {
  awk '{ p += $1; f += $2; s += $3 }
    END { printf "%d passed, %d failed, %d skipped\n", p, f, s }' "$tally"
}

tally_failed() {
  [ ! -f "$tally" ] || awk '{ f += $2 } END { print f + 0 }' "$tally"
}
