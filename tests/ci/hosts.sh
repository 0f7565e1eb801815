#!/bin/sh
# Managers between machines: network namespaces, joined by a bridge, TLS on.
# First examples/remote, with workers on two machines, one of which vanishes:
# every job is done. Then one vanishes with a lock and in the middle of a call:
# the lock goes on, the call fails, the server forgets it.
. "$(dirname "$0")/common.sh"
need_build
need ip iproute2 openssl openssl
say "managers between machines"
build tests
name=mproc-$$
work=$(mktemp -d)
helper=$BUILD_ROOT/tests/tests/helpers/hosts_main
remote=$BUILD_ROOT/tests/examples/remote

leave() {
  for host in hub a b c; do
    ip netns pids "$name-$host" 2>/dev/null | xargs -r kill -9 2>/dev/null || :
    ip netns del "$name-$host" 2>/dev/null || :
  done
  rm -rf "$work"
}
trap leave EXIT

# on HOST COMMAND...
on() {
  host=$1
  shift
  timeout 120 ip netns exec "$name-$host" "$@"
}

hosts_make() {
  ip netns add "$name-hub" &&
    ip -n "$name-hub" link add bridge type bridge &&
    ip -n "$name-hub" link set bridge up || return 1
  number=1
  for host in a b c; do
    ip netns add "$name-$host" &&
      ip -n "$name-hub" link add "to-$host" type veth \
        peer name wire netns "$name-$host" &&
      ip -n "$name-hub" link set "to-$host" master bridge up &&
      ip -n "$name-$host" link set lo up &&
      ip -n "$name-$host" address add "10.77.0.$number/24" dev wire &&
      ip -n "$name-$host" link set wire up || return 1
    number=$((number + 1))
  done
}

# No end of the connection, no error of the wire: nothing comes any more.
cut_off() {
  ip -n "$name-hub" link set to-c nomaster
}

join_again() {
  ip -n "$name-hub" link set to-c master bridge
}

certificates_make() {
  cd "$work"
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority \
    -keyout authority.key -out authority.pem
  openssl req -newkey rsa:2048 -nodes -subj /CN=a -keyout key.pem -out a.req
  echo subjectAltName=IP:10.77.0.1 >a.ext
  openssl x509 -req -in a.req -CA authority.pem -CAkey authority.key \
    -CAcreateserial -days 2 -extfile a.ext -out cert.pem
  cd "$root"
}

# Wait until FILE has a line with TEXT; 60 seconds at most.
line_await() {
  timeout 60 sh -c 'until grep -q "$1" "$2"; do sleep 0.05; done' - "$2" "$1"
}

# Wait until the machine that will vanish has got this far; 60 seconds at most.
bytes_await() {
  on c timeout 60 sh -c 'until
    [ "$(cat /sys/class/net/wire/statistics/rx_bytes)" -gt 40000 ]; do
    sleep 0.01; done'
}

# The status of what runs in the background, and what it said.
finish() {
  code=0
  wait "$2" || code=$?
  sed "s/^/$1: /" "$work/$1"
  [ $code = 0 ]
}

# shellcheck disable=SC2086
remote_run() {
  printf something-secret >"$work/key"
  options="-s $work/key -l 4 -c $work/cert.pem -k $work/key.pem"
  options="$options -a $work/authority.pem"
  on a stdbuf -oL "$remote" $options -j 3000 serve tcp:10.77.0.1:0 \
    >"$work/server" 2>&1 &
  server=$!
  line_await "$work/server" " at tcp:" || return 1
  address=$(sed -n 's/.* at //p' "$work/server")
  on c "$remote" $options work "$address" \
    >"$work/vanished" 2>&1 &
  vanished=$!
  for i in 1 2; do
    on b "$remote" $options work "$address" \
      >"$work/worker$i" 2>&1 &
    eval "worker$i=\$!"
  done
  bytes_await || return 1
  cut_off
  good=0
  finish server $server || good=1
  finish worker1 "$worker1" || good=1
  finish worker2 "$worker2" || good=1
  finish vanished $vanished || good=1
  join_again
  grep -q "3000 jobs are done: 216816 primes" "$work/server" || good=1
  return $good
}

lock_run() {
  on a "$helper" serve tcp:10.77.0.1:0 "$work" >"$work/server" 2>&1 &
  server=$!
  line_await "$work/server" ^tcp: || return 1
  address=$(sed -n '/^tcp:/p' "$work/server")
  on c "$helper" hold "$address" "$work" >"$work/vanished" 2>&1 &
  vanished=$!
  line_await "$work/vanished" held || return 1
  cut_off
  good=0
  on b "$helper" take "$address" "$work" || good=1
  finish vanished $vanished || good=1
  finish server $server || good=1
  join_again
  return $good
}

if ! hosts_make >"$work/log" 2>&1; then
  tail -n 1 "$work/log"
  echo "skipped: this system makes no network namespaces here"
  record 0 0 2
  exit 0
fi
certificates_make >"$work/log" 2>&1 || {
  cat "$work/log"
  exit 1
}
status=0
for run in remote_run lock_run; do
  if $run; then
    record 1 0 0
  else
    record 0 1 0
    status=1
    echo "FAILED: $run"
    tail -n 5 "$work/server" "$work/vanished"
  fi
done
exit $status
