#!/bin/bash
# apt 2.6.1 (Debian 12): DPkg::Lock::Timeout makes `apt-get install` wait for dpkg's lock. With the same option, `apt-get update`,
# which takes the lock of the lists, and `apt-get download` or `install`, which take the lock of the archives, fail at once
# while another apt holds those: "Could not get lock ... It is held by process N". A script that sets the option once for
# all its calls still fails on a machine that updates itself after it has started.
#
# Seen: 'update' gives up within two seconds although it may wait for thirty, and names the process.
# As root. Holds a lock file in a directory of its own. Exits 1 if that has changed.
set -eu
VERSION=2.6.1

work=$(mktemp -d)
trap 'kill "$holder" 2> /dev/null; rm -rf "$work"' EXIT
holder=0
(cd "$work" && apt-get download -q -o APT::Sandbox::User=root "apt=$VERSION" "libapt-pkg6.0=$VERSION" > /dev/null &&
    for package in *.deb; do dpkg-deb -x "$package" .; done)
library=$(dirname "$(find "$work" -name 'libapt-pkg.so.6.0')")
mkdir -p "$work/lists/partial"
# apt itself takes the lock in this way: a record lock on the whole file.
mkfifo "$work/held"
python3 -c '
import fcntl, sys, time
file = open(sys.argv[1], "w")
fcntl.lockf(file, fcntl.LOCK_EX)
print("held", file=open(sys.argv[2], "w"), flush=True)
time.sleep(120)
' "$work/lists/lock" "$work/held" &
holder=$!
read -r _ < "$work/held"
begin=$SECONDS
code=0
LC_ALL=C LD_LIBRARY_PATH=$library "$work/usr/bin/apt-get" update -q \
    -o DPkg::Lock::Timeout=30 -o Dir::State::Lists="$work/lists" > "$work/said" 2>&1 < /dev/null || code=$?
took=$((SECONDS - begin))
echo "apt $VERSION: exit $code after $took s"
grep 'Could not get lock' "$work/said" | sed "s|$work|...|"
[ "$code" != 0 ] && [ "$took" -le 2 ] && grep -q "Could not get lock .*held by process $holder" "$work/said"
