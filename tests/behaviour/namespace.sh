#!/bin/bash
# Runs a command in a private copy of this machine, so that tests may add accounts, change PAM services and move the
# clock while the machine itself stays as it was, also after a crash.
#
#   namespace.sh RESULTS COMMAND [ARGUMENT...]      as root
#
# Private to the command: mounts, processes, network (loopback only), /etc and /usr/libexec (copies), /dev (a few nodes),
# /run, /tmp, /var/lib, /var/log and the mail spool (empty). Everything else is read-only, except the directory RESULTS.
# An installation of pam_otp on this machine is not in it. The command starts in /run/pam_otp-tests, which holds a copy of
# this directory as `suite` and, in `bin`, a copy of each file that the environment variable OTP_BINARIES names (separated
# by colons); `recipes` is conf/pam.d, and `portal-examples` conf/portal. The directories OTP_POSTGRESQL and OTP_WEB, if they are
# set, are there as `postgresql` and `web`, and OTP_ROOM is one more room of the suite, in the place of
# one of that name.
set -eu

if [ -z "${OTP_INSIDE_NAMESPACE-}" ]; then
    # All of it ends with whoever started this script, and nothing outlives it: the kernel kills what is left in the
    # process namespace.
    OTP_INSIDE_NAMESPACE=1 exec setpriv --pdeathsig KILL \
        unshare --mount --pid --net --fork --kill-child --mount-proc --propagation private /bin/bash "$0" "$@"
fi
unset OTP_INSIDE_NAMESPACE

suite=$(cd "$(dirname "$0")" && pwd)
results=$(mkdir -p "$1" && cd "$1" && pwd)
shift

# First the copies: the checkout may lie below a directory that is about to be hidden.
mount -t tmpfs -o mode=0755 private /run
world=/run/pam_otp-tests
mkdir "$world" "$world/bin" "$world/home" "$world/results" /run/sshd /run/lock
mount --bind "$results" "$world/results"
# there NAME DIRECTORY: read-only, as NAME.
there() {
    [ -n "$2" ] || return 0
    mkdir "$world/$1"
    mount --bind "$2" "$world/$1"
    mount -o remount,bind,ro "$world/$1"
}
there postgresql "${OTP_POSTGRESQL-}"
there web "${OTP_WEB-}"
cp -a /etc "$world/etc"
cp -r "$suite" "$world/suite"
cp -r "$suite/../../conf/pam.d" "$world/recipes"
cp -r "$suite/../../conf/portal" "$world/portal-examples"
if [ -n "${OTP_ROOM-}" ]; then
    rm -rf "$world/suite/${OTP_ROOM##*/}"
    cp -r "$OTP_ROOM" "$world/suite/"
fi
IFS=:
for binary in ${OTP_BINARIES-}; do
    cp "$binary" "$world/bin/"
done
unset IFS
# Root's, whoever owns the checkout: a module or a program that others can write is no test of a real login.
chown -R root:root "$world/bin" "$world/suite"

"$suite/../without-ours" "$world"
mount --bind "$world/etc" /etc
rm -f /etc/nologin /etc/localtime /etc/ld.so.preload
# A test that puts an empty disk in the place of the records means a machine on which nobody has enrolled; test_records_gone.py
# gives the machine an identity.
rm -f /etc/machine-id

# /dev: nothing but what logins use, and a place for the socket that collects the log.
dev=$world/dev
mkdir "$dev"
mount -t tmpfs -o mode=0755 dev "$dev"
for node in null zero full random urandom tty; do
    : > "$dev/$node"
    mount --bind "/dev/$node" "$dev/$node"
done
mkdir "$dev/pts" "$dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts "$dev/pts"
mount -t tmpfs -o mode=1777 shm "$dev/shm"
ln -s pts/ptmx "$dev/ptmx"
ln -s /proc/self/fd "$dev/fd"
mount --rbind "$dev" /dev

# /usr/libexec, where the helper has its place; not the machine's own, if it has one.
libexec=$world/libexec
mkdir "$libexec"
for entry in /usr/libexec/*; do
    if [ "${entry##*/}" = pam_otp ]; then
        continue
    elif [ -L "$entry" ]; then
        cp -a "$entry" "$libexec/"
    elif [ -d "$entry" ]; then
        mkdir "$libexec/${entry##*/}"
        mount --bind "$entry" "$libexec/${entry##*/}"
    elif [ -e "$entry" ]; then
        : > "$libexec/${entry##*/}"
        mount --bind "$entry" "$libexec/${entry##*/}"
    fi
done
mount --rbind "$libexec" /usr/libexec

for place in /var/lib /var/log /var/mail /var/spool/mail /tmp; do
    if [ -d "$place" ] && [ ! -L "$place" ]; then
        mount -t tmpfs -o mode=0755 private "$place"
    fi
done
chmod 1777 /tmp

# Belt and braces: what has no private copy cannot be written at all.
while read -r _ _ _ _ place _; do
    case $place in
        /proc* | /sys* | /dev* | /run* | /etc | /usr/libexec | /tmp | /var/lib | /var/log | /var/mail | /var/spool/mail) ;;
        *) mount -o remount,bind,ro "$place" 2> /dev/null || true ;;
    esac
done < /proc/self/mountinfo

cd "$world"
exec "$@"
