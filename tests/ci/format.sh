#!/bin/sh
# Say which files clang-format would change. A hint, not an error: with
# --strict it is one.
. "$(dirname "$0")/common.sh"
need clang-format clang-format
cd "$root"
list=$(find lib platform tests examples -name '*.[ch]' | sort)
bad=
for file in $list; do
  clang-format --dry-run -Werror "$file" 2>/dev/null || bad="$bad $file"
done
if [ -z "$bad" ]; then
  echo "format: all files are as .clang-format says"
  exit 0
fi
echo "format: clang-format would change:$bad" | tr ' ' '\n' | head -n 100
[ "${1:-}" != --strict ]
