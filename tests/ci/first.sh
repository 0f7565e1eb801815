#!/bin/sh
# From a fresh clone to words counted: install what is missing, build, run.
#
#   tests/ci/first.sh [ARGUMENT OF WORDCOUNT ...]
. "$(dirname "$0")/common.sh"
need_build
say "building in $BUILD_ROOT/first"
build first -DMPROC_BUILD_TESTS=OFF -DMPROC_BUILD_BENCH=OFF

if [ $# -gt 0 ]; then
  exec "$BUILD_ROOT/first/examples/wordcount" "$@"
fi
texts=/usr/share/common-licenses
[ -d $texts ] || texts="$root/lib $root/platform $root/LICENSE"
say "wordcount $texts, the ten most frequent words:"
# shellcheck disable=SC2086
"$BUILD_ROOT/first/examples/wordcount" $texts >"$BUILD_ROOT/first/words"
head -n 10 "$BUILD_ROOT/first/words"
