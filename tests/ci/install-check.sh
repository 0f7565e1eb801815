#!/bin/sh
# Install into an empty prefix; build and run somebody else's project with
# it, in C11 and C++17, found by CMake and by pkg-config, static and shared.
. "$(dirname "$0")/common.sh"
need_build
need g++ g++
prefix=$BUILD_ROOT/prefix
consumer=$BUILD_ROOT/consumer
rm -rf "$prefix" "$consumer"
mkdir -p "$consumer"

say "installing into an empty prefix"
build install -DMPROC_BUILD_TESTS=OFF -DMPROC_BUILD_EXAMPLES=OFF \
  -DMPROC_BUILD_BENCH=OFF -DCMAKE_INSTALL_PREFIX="$prefix"
cmake --install "$BUILD_ROOT/install" >/dev/null
passed=0
failed=0

check() {
  what=$1
  shift
  if "$@" >"$consumer/log" 2>&1; then
    passed=$((passed + 1))
    echo "passed: $what: $(tail -n 1 "$consumer/log")"
  else
    failed=$((failed + 1))
    cat "$consumer/log"
    echo "FAILED: $what: $*"
  fi
}

by_cmake() {
  dir=$consumer/cmake-$1
  cmake -S "$root/tests/install" -B "$dir" -G Ninja \
    -DCMAKE_PREFIX_PATH="$prefix" -DBUILD_SHARED_LIBS="$1" &&
    cmake --build "$dir" && "$dir/consumer" && "$dir/consumer-cxx"
}

# by_pkg_config COMPILER STANDARD SOURCE [--static]
by_pkg_config() {
  compiler=$1 standard=$2 source=$3 static=${4:-}
  program=$consumer/pkg-config$static-$(basename "$source")
  # shellcheck disable=SC2046,SC2086
  "$compiler" "-std=$standard" -Wall -Wextra -Wpedantic -Werror \
    -o "$program" "$source" $(pkg-config --cflags mproc) \
    $(libraries $static) && "$program"
}

libraries() {
  if [ "${1:-}" = --static ]; then
    pkg-config --static --libs mproc | sed "s|-lmproc|$archive|"
  else
    echo "-Wl,-rpath,$(pkg-config --variable=libdir mproc)"
    pkg-config --libs mproc
  fi
}

# Nothing may be exported that does not begin with mproc_.
exports() {
  others=$(nm -D --defined-only "$1" | awk '{ print $3 }' |
    grep -v '^mproc_[a-z]' || :)
  echo "${others:-only mproc_ names}"
  [ -z "$others" ]
}

# The launcher finds its library; by hand it only tells what it is for.
launcher() {
  "$prefix/bin/mproc-host" && return 1
  [ $? = 2 ]
}

# The inspector too, and it knows its own version.
inspector() {
  "$prefix/bin/mproc-inspect" --version
}

archive=$(find "$prefix" -name libmproc.a)
shared=$(find "$prefix" -name libmproc.so)
PKG_CONFIG_PATH=$(dirname "$archive")/pkgconfig
export PKG_CONFIG_PATH

check "find_package, static" by_cmake OFF
check "find_package, shared" by_cmake ON
check "pkg-config, C11" by_pkg_config cc c11 \
  "$root/tests/install/consumer.c"
check "pkg-config, C++17" by_pkg_config c++ c++17 \
  "$root/tests/install/consumer.cc"
check "pkg-config, C11, static" by_pkg_config cc c11 \
  "$root/tests/install/consumer.c" --static
check "exported names" exports "$shared"
check "launcher" launcher
check "inspector" inspector
# Each header by itself, in both languages.
for header in "$prefix"/include/mproc.h "$prefix"/include/mproc/*.h; do
  name=${header#"$prefix"/include/}
  printf '#include <%s>\nextern int used;\n' "$name" >"$consumer/one.c"
  cp "$consumer/one.c" "$consumer/one.cc"
  # shellcheck disable=SC2046
  check "<$name> alone, C11" cc -std=c11 -Wall -Wextra -Wpedantic -Werror \
    -fsyntax-only "$consumer/one.c" $(pkg-config --cflags mproc)
  # shellcheck disable=SC2046
  check "<$name> alone, C++17" c++ -std=c++17 -Wall -Wextra -Wpedantic \
    -Werror -fsyntax-only "$consumer/one.cc" $(pkg-config --cflags mproc)
done

record $passed $failed 0
echo "install: $passed passed, $failed failed"
[ $failed = 0 ]
