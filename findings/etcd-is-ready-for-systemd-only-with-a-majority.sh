#!/bin/bash
# etcd 3.4.23 (Debian 12, etcd-server 3.4.23-4+b4) sends READY=1 to systemd only when it belongs to a majority that has a leader.
# Debian's unit is Type=notify without a TimeoutStartSec. So on the first host of a new cluster of three, `systemctl start etcd`
# does not come back while the other hosts have none, and systemd stops the member after its usual 90 seconds. The member answers
# on its peer port all the time.
#
# Seen: "Type=notify in the unit: yes", "alone for 20 s: not ready, its peer port answers", "with a second member: ready".
# As root; in mounts and a network of its own. Exits 1 if that has changed.
set -eu
VERSION=3.4.23-4+b4

if [ "${1-}" != inside ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    chmod 755 "$work"
    (cd "$work" && apt-get download -q -o APT::Sandbox::User=root "etcd-server=$VERSION" > /dev/null &&
        for package in *.deb; do dpkg-deb -x "$package" .; done)
    unshare --mount --net --pid --fork --kill-child --mount-proc --propagation private "$0" inside "$work"
    exit
fi

work=$2
ip link set lo up
members=one=http://127.0.0.1:2381,two=http://127.0.0.1:2382,three=http://127.0.0.1:2383

# start NAME NUMBER: a member whose messages to systemd a socket takes; their lines come to NAME.said.
start() {
    /usr/bin/python3 - "$work/$1.notify" "$work/$1.said" << 'END' &
import socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard, open(sys.argv[2], "wb", buffering=0) as said:
    heard.bind(sys.argv[1])
    while True:
        said.write(heard.recv(4096) + b"\n")
END
    while [ ! -S "$work/$1.notify" ]; do sleep 0.1; done
    NOTIFY_SOCKET=$work/$1.notify "$work/usr/bin/etcd" --name "$1" --data-dir "$work/$1" --initial-cluster "$members" \
        --initial-advertise-peer-urls "http://127.0.0.1:238$2" --listen-peer-urls "http://127.0.0.1:238$2" \
        --listen-client-urls "http://127.0.0.1:239$2" --advertise-client-urls "http://127.0.0.1:239$2" 2> /dev/null &
}
ready() { grep -qs '^READY=1' "$work/$1.said"; }
answers() { /usr/bin/python3 -c 'import socket; socket.create_connection(("127.0.0.1", 2381), 1)' 2> /dev/null; }

notify=no
grep -rqs '^Type=notify' "$work"/lib/systemd/system/etcd.service "$work"/usr/lib/systemd/system/etcd.service && notify=yes
start one 1
until answers; do sleep 0.1; done
sleep 20
alone="not ready"; ready one && alone=ready
port="does not answer"; answers && port=answers
start two 2
second="not ready"
for _ in $(seq 600); do
    if ready one; then second=ready; break; fi
    sleep 0.1
done
echo "etcd-server $VERSION"
echo "Type=notify in the unit: $notify"
echo "alone for 20 s: $alone, its peer port $port"
echo "with a second member: $second"
[ "$notify" = yes ] && [ "$alone" = "not ready" ] && [ "$port" = answers ] && [ "$second" = ready ]
