#!/bin/bash
# saslauthd 2.1.28 (Debian 12, sasl2-bin 2.1.28+dfsg-10+deb12u1) stays in the foreground only with "-d" ("master pid is: 0"). When
# it is told to end, it signals that pid, and 0 means its whole process group: the shell, script or supervisor that started
# saslauthd, and everything else that it has started, end too. Without "-d" only saslauthd ends.
#
# Seen: "beside saslauthd -d: ended", "beside saslauthd: lives".
# As root; in mounts and a network of its own. Exits 1 if that has changed.
set -eu
VERSION=2.1.28+dfsg-10+deb12u1

if [ "${1-}" != inside ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    chmod 755 "$work"
    (cd "$work" && apt-get download -q -o APT::Sandbox::User=root "sasl2-bin=$VERSION" "libsasl2-2=$VERSION" > /dev/null &&
        for package in *.deb; do dpkg-deb -x "$package" .; done)
    unshare --mount --net --pid --fork --kill-child --mount-proc --propagation private "$0" inside "$work"
    exit
fi

work=$2
mount -t tmpfs run /run
LD_LIBRARY_PATH=$(dirname "$(find "$work" -name 'libsasl2.so.2')")
export LD_LIBRARY_PATH

# beside [-d]: says whether a sleep in the process group of saslauthd survives when saslauthd is told to end.
beside() {
    mkdir /run/sasl
    # shellcheck disable=SC2016  # of the inner shell
    setsid sh -c 'sleep 1000 & echo $! > /run/bystander; "$@" & echo $! > /run/started; wait' sh \
        "$work/usr/sbin/saslauthd" "$@" -a pam -n 1 -m /run/sasl 2> /dev/null &
    while [ ! -S /run/sasl/mux ]; do sleep 0.1; done
    if [ $# = 0 ]; then kill "$(cat /run/sasl/saslauthd.pid)"; else kill "$(cat /run/started)"; fi
    while [ -e "/proc/$(cat /run/started)" ] || { [ $# = 0 ] && [ -e /run/sasl/saslauthd.pid ]; }; do sleep 0.1; done
    if grep -q '^State:.*[SR] ' "/proc/$(cat /run/bystander)/status" 2> /dev/null; then
        echo lives
        kill "$(cat /run/bystander)"
    else
        echo ended
    fi
    rm -rf /run/sasl
}

with=$(beside -d)
without=$(beside)
echo "saslauthd $VERSION"
echo "beside saslauthd -d: $with"
echo "beside saslauthd: $without"
[ "$with" = ended ] && [ "$without" = lives ]
