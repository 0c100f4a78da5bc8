#!/bin/bash
# Runs a command in a private copy of this machine. Tests can add accounts, change PAM services and move the clock there,
# while the machine itself stays as it was, even after a crash.
#
#   namespace.sh RESULTS COMMAND [ARGUMENT...]      as root
#
# Private to the command: mounts, processes, network (loopback only), /etc and /usr/libexec (copies), /dev (a few nodes),
# /run, /tmp, /var/lib, /var/log and the mail spool (empty). Everything else is read-only, except the directory RESULTS.
# An installation of pam_otp on this machine is not in it. The command starts in /run/pam_otp-tests, which holds a copy of
# this directory as `suite` and, in `bin`, a copy of each file that the environment variable OTP_BINARIES names (separated
# by colons); `recipes` is conf/pam.d, and `portal-examples` conf/portal. If the variables are set, the directories
# OTP_POSTGRESQL and OTP_WEB are there as `postgresql` and `web`, and OTP_ROOM is one more folder of the suite, which replaces
# one of the same name.
set -eu

if [ -z "${OTP_INSIDE_NAMESPACE-}" ]; then
    # Everything ends with the process that started this script: the kernel kills all processes left in the process
    # namespace.
    OTP_INSIDE_NAMESPACE=1 exec setpriv --pdeathsig KILL \
        unshare --mount --pid --net --fork --kill-child --mount-proc --propagation private /bin/bash "$0" "$@"
fi
unset OTP_INSIDE_NAMESPACE

suite=$(cd "$(dirname "$0")" && pwd)
results=$(mkdir -p "$1" && cd "$1" && pwd)
shift

# Copies come first, since the checkout may lie below a directory that is about to be hidden.
mount -t tmpfs -o mode=0755 private /run
world=/run/pam_otp-tests
mkdir "$world" "$world/bin" "$world/home" "$world/results" /run/sshd /run/lock
mount --bind "$results" "$world/results"
# there NAME DIRECTORY: mounts the directory as NAME, read-only.
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
# Root must own these, whoever owns the checkout: no real login uses a module or program that others can write.
chown -R root:root "$world/bin" "$world/suite"

"$suite/../without-ours" "$world"
mount --bind "$world/etc" /etc
rm -f /etc/nologin /etc/localtime /etc/ld.so.preload
# Without an identity, a test may mount an empty disk over the records, as on a machine where nobody has enrolled.
# test_records_gone.py gives the machine an identity.
rm -f /etc/machine-id

# /dev has only the nodes that logins use, and room for the socket that collects the log.
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

# /usr/libexec is the helper's directory, so it is copied without the helper of the machine itself.
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

# To be sure, everything without a private copy is made read-only.
while read -r _ _ _ _ place _; do
    case $place in
        /proc* | /sys* | /dev* | /run* | /etc | /usr/libexec | /tmp | /var/lib | /var/log | /var/mail | /var/spool/mail) ;;
        *) mount -o remount,bind,ro "$place" 2> /dev/null || true ;;
    esac
done < /proc/self/mountinfo

cd "$world"
exec "$@"
