#!/bin/sh
# check.sh BUILDFARM SUBJECT METHOD [EMULATOR...]: buildfarm runs all tests of
# a list, whatever some of them do, and tells how each ended. SUBJECT does what
# its arguments say (../support/subject.c). Exit status 77: no such method.
set -u
program=$1
subject=$2
MPROC_EXAMPLE_METHOD=$3
export MPROC_EXAMPLE_METHOD
shift 3
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failures=0

fail()
{
    echo "FAILED: $*" >&2
    failures=$((failures + 1))
}

# farm STATUS ARGUMENT...: run it, with output to the file `out`.
farm()
{
    must=$1
    shift
    "$@" > raw 2> errors
    status=$?
    tr -d '\r' < raw > out
    [ $status = "$must" ] ||
        fail "exit status $status, not $must: $* $(tail -n 5 errors)"
}

# outcome WORD TEXT: the test whose line has TEXT ended like that.
outcome()
{
    grep -q "^ *[0-9]*/[0-9]* $1 .*$2" out ||
        fail "not $1: $2: $(grep -- "$2" out | head -n 3)"
}

# A page of XML whose elements nest, with no stray < or &.
well_formed()
{
    [ -s "$1" ] || fail "$1 is empty"
    awk 'BEGIN { RS = "<"; depth = 0; bad = 0 }
        NR == 1 { bad += $0 ~ /[^ \n]/; next }
        { end = index($0, ">"); tag = substr($0, 1, end - 1)
          rest = substr($0, end + 1); gsub(/&#?[a-z0-9]+;/, "", $0)
          if (!end || $0 ~ /&/ || rest ~ />/) bad++
          copy = tag; if (gsub(/"/, "", copy) % 2) bad++
          if (tag ~ /^[?]/) next
          name = tag; sub(/^\//, "", name); sub(/[ \n\/].*/, "", name)
          if (tag ~ /^\//) { if (open[depth--] != name) bad++ }
          else if (tag !~ /\/$/) open[++depth] = name }
        END { exit bad > 0 || depth != 0 || NR < 3 }' "$1" ||
        fail "$1 is not well-formed"
    if command -v xmllint > none; then
        xmllint --noout "$1" || fail "xmllint $1"
    fi
}

path=$folder
line=$subject
if [ $# != 0 ]; then # the emulator's names of the same files
    path=Z:$folder
    subject=Z:$subject
    line=$(printf '%s' "$subject" | tr / '\\')
fi
"$@" "$program" none > out 2> errors
if [ $? = 77 ]; then
    echo "skipped: no such start method here"
    exit 77
fi

# Lines, for the shell.
mkdir room
cat > lines << END
# a comment, and an empty line

$line exit 0
  $line exit 3
$line say word-of-one-that-failed 1
$line say word-of-one-that-passed 0
$line crash
$line hang
exit 0
exit 5
$line second $path/second
END
farm 8 "$@" "$program" -j 2 -t 2 -o --junit lines.xml --timeline lines.svg lines
outcome passed "subject.* exit 0"
outcome failed "subject.* exit 3 (exit code 3)"
outcome failed "word-of-one-that-failed"
outcome passed "word-of-one-that-passed"
outcome timeout "subject.* hang"
outcome passed ".* exit 0"
outcome failed ".* exit 5 (exit code 5)"
outcome failed "subject.* second"
grep -q "^3 of 9 tests passed, 0 skipped, 6 failed" out ||
    fail "the sum: $(grep passed, out)"
grep -q "^word-of-one-that-failed" out || fail "no output of what failed"
grep -q "^word-of-one-that-passed" out && fail "output of what passed"
well_formed lines.xml
well_formed lines.svg
grep -q '<testsuite .*tests="9"' lines.xml || fail "not 9 tests in lines.xml"
[ "$(grep -c '<testcase ' lines.xml)" = 9 ] || fail "not 9 in lines.xml"
[ "$(grep -c '<title>' lines.svg)" = 9 ] || fail "not 9 bars in lines.svg"
grep -q 'word-of-one-that-failed' lines.xml || fail "no output in lines.xml"

# A line that needs no shell has none, but ends as it would with one.
if [ $# = 0 ]; then
    printf 'echo of $#: "$@"\n[ -z "$4" ]\n' > words
    chmod +x words
    cat > plain << END
./words one 	two   three
./words one 'two  three'
./words a b c d
./words;exit 4
VALUE=/a env
./missing
END
    farm 8 "$program" -o --junit plain.xml plain
    outcome passed "words one .*two *three"
    outcome passed "words one 'two"
    outcome failed "words a b c d (exit code 1)"
    outcome failed "words;exit 4 (exit code 4)"
    outcome passed "VALUE=/a env"
    outcome failed "missing (exit code 127)"
    for text in "of 3: one two three" "of 2: one two  three" "VALUE=/a"; do
        grep -q "$text" plain.xml || fail "$text is not in plain.xml"
    done
fi

# CTest's JSON.
test_of()
{
    name=$1
    properties=$2
    shift 2
    printf '%s{"name": "%s", "command": ["%s"' "$comma" "$name" "$subject"
    printf ', "%s"' "$@"
    printf '], "properties": [%s\n' "$properties"
    printf '{"name": "WORKING_DIRECTORY", "value": "%s"}]}' "$path/room"
    comma=','
}

property()
{
    printf '{"name": "%s", "value": %s},' "$1" "$2"
}

list()
{
    comma=
    serial=$(property RUN_SERIAL true)
    skip=$(property SKIP_RETURN_CODE 77)
    set_variable=$(property ENVIRONMENT '["FARM_A=a \u00e9=\ud83d\ude00", "B="]')
    printf '{"kind": "ctestInfo", "version": {"major": 1, "minor": 0},
        "none": null, "numbers": [1, -2.5e3, 0.1E-2, 0], "tests": [\n'
    mkdir -p alone room/here
    test_of serial.1 "$serial" alone "$path/alone" 1
    test_of serial.2 "$serial" alone "$path/alone" 2
    test_of parallel.1 "" stay "$path/alone" 3
    test_of parallel.2 "" stay "$path/alone" 4
    test_of parallel.3 "" stay "$path/alone" 5
    test_of pass "" exit 0
    test_of fail "" exit 1
    test_of skip "$skip" exit 77
    test_of no-skip "" exit 77
    test_of will-fail "$(property WILL_FAIL true)" exit 1
    test_of crash "" crash
    test_of hang "$(property TIMEOUT 1.5)" hang
    test_of directory "" exists here
    test_of variable "$set_variable" variable FARM_A "a é=😀"
    for i in 1 2 3 4 5 6; do
        test_of no-variable.$i "" variable FARM_A
    done
    test_of second "" second "$path/second"
    test_of disabled "$(property DISABLED true)" exit 0
    printf ',\n{"name": "no command", "properties": []},
        {"name": "\\"n\\u0061me\\" <&>", "command": ["%s/none"]}]}' "$path"
}

[ $# = 0 ] || windows=1
rm -f second
list > list.json
farm 8 "$@" "$program" --jobs=3 --retries=1 --junit list.xml \
    --timeline list.svg < list.json
for name in serial.1 serial.2 parallel.1 parallel.2 parallel.3 pass will-fail \
    directory no-variable.1 no-variable.2 no-variable.3 no-variable.4 \
    no-variable.5 no-variable.6 second; do
    outcome passed "$name"
done
[ -n "${windows:-}" ] || outcome passed " variable" # its environment has no UTF-8
for name in fail no-skip second; do
    outcome failed "$name (exit code .*), to be tried again"
done
outcome failed " fail (exit code 1)$"
outcome skipped skip
outcome crashed "crash (.*)$"
outcome timeout "hang$"
outcome "not run" "disabled (disabled)"
outcome "not run" "no command (there is no command)"
outcome "not run" '"name" <&> (.*)'
tail -n 20 out | grep -q "^  timeout: hang$" || fail "hang is not in the sum"
sed -n '/parallel.[1-3]$/=; /serial.[12]$/q' out | wc -l | grep -qx ' *3' ||
    fail "serial ones are not last"
well_formed list.xml
well_formed list.svg
grep -q '<testsuite .*tests="24" .*skipped="1"' list.xml ||
    fail "the sum in list.xml"
grep -q 'name="attempts" value="2"' list.xml || fail "attempts in list.xml"

# Nothing but good ones; nothing at all; what is no list.
printf '%s exit 0\n' "$line" > good
farm 0 "$@" "$program" -q good
: > empty
farm 0 "$@" "$program" empty
for text in '{' '{"tests": [}' '{"tests": [1]}' '{"tests": [{"name": "x"}],}' \
    '{"tests": {}}' '{"tests": [{"name": "\ud800x"}]}' \
    '{"tests": [{"name": "x", "command": [1]}]}' '{"tests": []} x'; do
    echo "$text" > wrong
    farm 1 "$@" "$program" wrong
    grep -q 'buildfarm: wrong: ' errors || fail "nothing is said of $text"
done
farm 1 "$@" "$program" none-such
farm 1 "$@" "$program" --junit no/such/folder good
for wrong in --jobs=0 -j=x --none --retries=-1; do
    farm 2 "$@" "$program" $wrong good
done
farm 2 "$@" "$program" good good
farm 0 "$@" "$program" < empty
farm 0 "$@" "$program" --help

# A worker is killed: its test is run again. A command is left by nobody: not
# when its worker is killed, not when it kills its guard, not in the background.
if [ $# = 0 ] && command -v pgrep > none && command -v setsid > none; then
    mark=987654$$
    cat > hard << END
sleep 0.$mark & sleep $mark & exit 0
kill -9 \$PPID; sleep $mark
test -f $path/killed && exit 0; touch $path/killed; sleep $mark
END
    "$program" -j 2 -r 0 hard > out 2> errors &
    farm=$!
    tries=0
    while [ ! -f killed ] && [ $tries -lt 200 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    # The worker is the parent of the guard, which leads the command's group.
    for shell in $(pgrep -f "test -f $path/killed && exit 0"); do
        guard=$(ps -o pgid= -p "$shell" | tr -d ' ')
        worker=$(ps -o ppid= -p "${guard:-0}" | tr -d ' ')
        kill -9 "${worker:-0}"
    done
    wait $farm
    status=$?
    [ $status = 8 ] || fail "exit status $status after a worker was killed"
    outcome passed killed
    outcome passed "exit 0"
    outcome crashed 'kill -9'
    tries=0
    while pgrep -f "sleep $mark" > none && [ $tries -lt 100 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    pgrep -f "sleep $mark" > none && fail "commands are left"
fi

[ $failures = 0 ] && echo "all as it must be"
[ $failures = 0 ]
