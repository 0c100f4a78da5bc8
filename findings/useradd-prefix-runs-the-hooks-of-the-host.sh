#!/bin/bash
# shadow-utils 4.13 (Debian 12, package passwd, 1:4.13+dfsg1-1+deb12u2): `useradd --prefix DIRECTORY` makes an account in DIRECTORY/etc/passwd, and
# runs the hooks of the machine it runs on, /etc/shadow-maint/useradd-{pre,post}.d, not those below DIRECTORY. The hook gets
# the new name in SUBJECT and nothing about DIRECTORY, so it cannot tell an account of an image from one of its own
# machine. If somebody builds images beside a running system, the machine's hooks act on names of the image.
#
# Seen: "host pre newbie" and "host post newbie", and no line of the hooks in the prefix.
# As root; in mounts of its own. Exits 1 if that has changed.
set -eu
VERSION=1:4.13+dfsg1-1+deb12u2

if [ "${1-}" != inside ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    (cd "$work" && apt-get download -q -o APT::Sandbox::User=root "passwd=$VERSION" > /dev/null && dpkg-deb -x passwd_*.deb .)
    unshare --mount --propagation private "$0" inside "$work"
    exit
fi

work=$2
hook() {
    mkdir -p "$1/etc/shadow-maint/useradd-$3.d"
    printf '#!/bin/sh\necho "%s %s $SUBJECT" >> %s/ran\n' "$2" "$3" "$work" > "$1/etc/shadow-maint/useradd-$3.d/note"
    chmod 755 "$1/etc/shadow-maint/useradd-$3.d/note"
}
mkdir "$work/host" "$work/prefix" "$work/prefix/etc"
cp -a /etc "$work/host/etc"
for when in pre post; do
    hook "$work/host" host "$when"
    hook "$work/prefix" prefix "$when"
done
for file in passwd group shadow gshadow; do
    : > "$work/prefix/etc/$file"
done
mount --bind "$work/host/etc" /etc
: > "$work/ran"
"$work/usr/sbin/useradd" --prefix "$work/prefix" newbie 2> /dev/null
echo "passwd $VERSION; made: $(cut -d: -f1 "$work/prefix/etc/passwd"); hooks that ran:"
cat "$work/ran"
[ "$(cat "$work/ran")" = "$(printf 'host pre newbie\nhost post newbie')" ]
