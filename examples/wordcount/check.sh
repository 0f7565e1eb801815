#!/bin/sh
# check.sh WORDCOUNT METHOD [EMULATOR...]: wordcount does what the pipeline of
# standard tools does, byte for byte. Exit status 77: no such start method.
set -u
LC_ALL=C
export LC_ALL
program=$1
method=$2
shift 2
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failures=0

wordcount()
{
    "$@" --start-method $method
}

fail()
{
    echo "FAILED: $*" >&2
    failures=$((failures + 1))
}

pipeline()
{
    cat "$@" | tr -cs '[:alpha:]' '\n' | tr '[:upper:]' '[:lower:]' |
        sort | uniq -c | sort -rn
}

# compare NAME STATUS: what the last run printed with what it must.
compare()
{
    [ "$status" = "$2" ] || fail "$1: exit status $status, not $2"
    cmp -s must is || fail "$1: $(diff must is | head -n 5)"
}

# Edges of words, files and pieces: each file alone, and all in this order.
mkdir edges
printf 'The end' > edges/a
printf 'ing of it.' > edges/b
: > edges/c
printf ' \n' > edges/d
printf '123 the a-b\000c\nD \377e\344f, A.b' > edges/e
printf 'x' > edges/f
printf 'y' > edges/g
printf '\nz' > edges/h
awk 'BEGIN { for (i = 0; i < 300000; i++) printf "%c", 97 + i % 26 }' \
    > edges/i
awk 'BEGIN { for (i = 0; i < 70000; i++) printf "%d w%c%c%c ", i,
    97 + i % 26, 97 + i * 7 % 23, 65 + i % 19 }' > edges/j
for file in edges/*; do
    pipeline $file > must
    wordcount "$@" "$program" $file > is 2> errors
    status=$?
    if [ $status = 1 ] && grep -q 'implemented' errors; then
        echo "skipped: no such start method here"
        exit 77
    fi
    compare $file 0
done
pipeline edges/* > must
wordcount "$@" "$program" edges/* > is
status=$?
compare "all files" 0
pipeline edges/j edges/a edges/a > must
wordcount "$@" "$program" --processes 3 edges/j edges/a edges/a > is
status=$?
compare "a file twice" 0

# A tree: the order of `find`, links not followed.
mkdir -p tree/b/c tree/b.d tree/empty
for file in tree/a tree/b/x tree/b/c/y tree/b.d/z; do
    head -c 3000 edges/j > $file
    printf 'tail' >> $file
done
if [ $# = 0 ]; then # an emulator may show links as what they point to
    ln -s ../edges tree/link
    ln -s ../edges/a tree/b/link
fi
pipeline $(find tree -type f | sort) > must
wordcount "$@" "$program" tree > is
status=$?
compare tree 0
wordcount "$@" "$program" tree/ > is
status=$?
compare tree/ 0

# Many files.
awk 'BEGIN { for (i = 0; i < 1000; i++) { name = sprintf("many/%03d", i)
    if (i == 0) system("mkdir many")
    for (k = 0; k < i % 50 + 1; k++)
        printf "%s %d of no. %d%s", k % 3 ? "Some" : "words", k, i * k % 7,
            k % 5 ? "\n" : "end" > name
    close(name) } }'
pipeline many/* > must
wordcount "$@" "$program" many > is
status=$?
compare "a thousand files" 0

# What cannot be read is told of, the rest is counted.
pipeline edges/a edges/b > must
wordcount "$@" "$program" edges/a edges/none edges/b > is 2> errors
status=$?
compare "a missing file" 1
grep -q 'edges/none' errors || fail "nothing said of the missing file"
: > must
wordcount "$@" "$program" none > is 2> errors
status=$?
compare "only a missing file" 1

# Wrong usage.
for wrong in --start-method=thread --processes=0 --processes=x --none; do
    "$@" "$program" $wrong edges/a > is 2> errors
    status=$?
    compare "usage $wrong" 2
done
"$@" "$program" > is 2> errors
status=$?
compare "no file" 2
"$@" "$program" --help > is || fail "--help"
grep -q usage is || fail "--help prints no usage"

# Workers are killed meanwhile, and it changes nothing. By fork server they are
# grandchildren.
workers()
{
    if [ $method = forkserver ]; then
        for server in $(pgrep -P $main); do
            pgrep -P $server
        done
    else
        pgrep -P $main
    fi
}

if [ $# = 0 ] && command -v pgrep > none; then
    for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        cat edges/j
    done > big
    pipeline big |
        awk '{ printf "%7d %s\n", NF == 1 ? $1 : $1 * 30, $2 }' > must
    times=
    for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
        times="$times big big"
    done
    "$program" --start-method $method --processes 2 $times > is &
    main=$!
    killed=0
    while [ $killed -lt 5 ] && kill -0 $main 2> none; do
        for victim in $(workers | tail -n 1); do
            kill -9 $victim 2> none && killed=$((killed + 1))
        done
        sleep 0.1
    done
    wait $main
    status=$?
    compare "after $killed workers were killed" 0
    echo "$killed workers were killed"
fi

[ $failures = 0 ] && echo "all as it must be"
[ $failures = 0 ]
