#!/bin/sh
# Windows: cross-build everything with mingw-w64, run all tests under Wine.
#
#   tests/ci/windows.sh [CTEST ARGUMENT ...]
#
# APR, CUnit, msgpack-c and OpenSSL are built once and kept, with the Wine
# prefix, in CACHE (default: windows-cache/ in BUILD_ROOT). Where apt knows no
# Debian bookworm, DEBIAN_MIRROR names a mirror of it.
. "$(dirname "$0")/common.sh"

# Since version 6.9, Linux puts a program's heap anywhere within 1 GB. For
# wine64 that is, one time in some thousands, where Wine needs a page of its
# own; it then ends at once, with 1 and no word. So nothing lies by chance.
if [ -z "${PLACED:-}" ]; then
  if setarch -R true 2>/dev/null; then
    PLACED=1 exec setarch -R "$0" "$@"
  fi
  echo "setarch -R is refused: a program may end with 1 before it starts" >&2
fi

CACHE=${CACHE:-$BUILD_ROOT/windows-cache}
LIMIT=${LIMIT:-900} # seconds for all tests together
toolchain=$root/platform/toolchains/x86_64-w64-mingw32.cmake
deps=$CACHE/x86_64-w64-mingw32
mkdir -p "$CACHE"

need cmake cmake ninja ninja-build cc gcc wine wine \
  /usr/lib/wine/wine64 wine64 bzip2 bzip2 perl perl make make \
  x86_64-w64-mingw32-gcc-posix gcc-mingw-w64-x86-64-posix

# The upstream archives, as Debian keeps them, with an apt of our own that
# leaves the system's alone, from where the system's gets its packages.
download() {
  [ -n "$(openssl_archive)" ] && return 0
  say "getting the sources of APR, CUnit, msgpack-c and OpenSSL"
  # shellcheck disable=SC2016
  mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' \
    'Created-By: Packages' 'Codename: bookworm' 'Component: main' |
    head -n 1)}
  if [ -z "$mirror" ]; then
    echo "set DEBIAN_MIRROR to a mirror of Debian" >&2
    return 1
  fi
  apt=$CACHE/apt
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$CACHE/dl"
  : >"$apt/status"
  {
    echo "Types: deb-src"
    echo "URIs: $mirror"
    echo "Suites: bookworm"
    echo "Components: main"
    if [ -f /usr/share/keyrings/debian-archive-keyring.gpg ]; then
      echo "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg"
    else
      # The archives' checksums are pinned in platform/deps.
      echo "Trusted: yes"
    fi
  } >"$apt/debian.sources"
  set -- -q -o Dir::State="$apt" -o Dir::State::status="$apt/status" \
    -o Dir::State::lists="$apt/lists" -o Dir::Cache="$apt/cache" \
    -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$apt" \
    -o APT::Sandbox::User=root
  (cd "$CACHE/dl" && apt-get "$@" update >/dev/null &&
    apt-get "$@" source --download-only \
      apr cunit msgpack-c openssl >/dev/null)
}

openssl_archive() {
  find "$CACHE/dl" -name 'openssl_3.*.orig.tar.gz' 2>/dev/null | tail -n 1
}

# Debian replaces this one by newer ones: those are told to CMake, with the
# checksum that apt has checked, if it could.
openssl_arguments() {
  archive=$(openssl_archive)
  case $archive in
    */openssl_3.0.20.orig.tar.gz) return 0 ;;
  esac
  grep -q Signed-By "$CACHE/apt/debian.sources"
  echo "-DDEPS_OPENSSL=$(basename "$archive")"
  echo "-DDEPS_OPENSSL_HASH=$(sha256sum "$archive" | cut -d ' ' -f 1)"
}

build_deps() {
  recipe=$(cd "$root/platform" && cat deps/*.* deps/*/* "$toolchain" | cksum)
  [ "$(cat "$deps/done" 2>/dev/null)" = "$recipe" ] && return 0
  download
  rm -rf "$deps" "$CACHE/build"
  say "building APR, CUnit, msgpack-c and OpenSSL for Windows"
  arguments=$(openssl_arguments)
  # shellcheck disable=SC2086
  if ! {
    cmake -S "$root/platform/deps" -B "$CACHE/build" -G Ninja \
      -DDEPS_TOOLCHAIN="$toolchain" -DDEPS_DL_DIR="$CACHE/dl" \
      -DDEPS_JOBS="$JOBS" $arguments \
      -DCMAKE_INSTALL_PREFIX="$deps" &&
      cmake --build "$CACHE/build" -j "$JOBS"
  } >"$CACHE/deps.log" 2>&1; then
    tail -n 60 "$CACHE/deps.log"
    return 1
  fi
  echo "$recipe" >"$deps/done"
}

# The redirections are essential: Wine's services inherit the output of the
# program that started them, and CTest waits for its end. Nothing may wait for
# ever: wineserver and wineboot sometimes do.
wine_begin() {
  export WINEDEBUG=-all WINEPREFIX="$CACHE/prefix"
  export WINEDLLOVERRIDES='winedbg.exe=d;mscoree=;mshtml='
  fast=/dev/shm # Wine backs shared memory by files in TMPDIR
  [ -w $fast ] || fast=/tmp
  TMPDIR=$(mktemp -d -p $fast)
  export TMPDIR
  trap wine_end EXIT INT TERM
  server=$(command -v wineserver || ls /usr/lib/wine/wineserver*)
  wine_kill # what a run that was cut off has left
  if [ ! -f "$WINEPREFIX/complete" ]; then
    rm -rf "$WINEPREFIX"
    if ! quietly 300 wineboot -i; then
      echo "wineboot cannot make $WINEPREFIX" >&2
      return 1
    fi
    quietly 60 "$server" -w || :
    : >"$WINEPREFIX/complete"
  fi
  quietly 60 "$server" -p || :
  if ! quietly 120 wine cmd /c exit; then
    echo "Wine does not run" >&2
    return 1
  fi
}

quietly() {
  timeout --foreground -k 5 "$@" >/dev/null 2>&1 </dev/null
}

# End every program of the prefix, also those that the server has lost.
wine_kill() {
  quietly 30 "$server" -k || :
  for process in /proc/[0-9]*; do
    case $(readlink "$process/exe" 2>/dev/null || :) in
      */wine*) ;;
      *) continue ;;
    esac
    if tr '\0' '\n' 2>/dev/null <"$process/environ" |
      grep -qxF "WINEPREFIX=$WINEPREFIX"; then
      kill -9 "${process#/proc/}" 2>/dev/null || :
    fi
  done
}

wine_end() {
  code=$?
  trap - EXIT INT TERM
  wine_kill
  rm -rf "$TMPDIR"
  exit $code
}

build_deps
wine_begin
say "building for Windows"
build windows -DMPROC_WERROR=ON -DCMAKE_TOOLCHAIN_FILE="$toolchain" \
  -DCMAKE_FIND_ROOT_PATH="$deps" -DMPROC_TEST_FACTOR=4
say "testing under Wine"
run_ctest "$BUILD_ROOT/windows" "$@"
