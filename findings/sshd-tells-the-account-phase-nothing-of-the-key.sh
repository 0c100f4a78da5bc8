#!/bin/bash
# OpenSSH 9.2p1 (Debian 12, openssh-server 1:9.2p1-2+deb12u10): the PAM environment variable SSH_AUTH_INFO_0 names the methods
# that have let the user in. In the account phase the method that has just succeeded is missing: after a login by key alone the
# variable is not set at all, and appears only in the session phase. So a module of the account phase, which decides
# whether a user may log in this way, cannot tell a key from a password.
#
# Seen: "account: (nothing)", then "open_session: publickey".
# As root; in mounts and a network of its own, with an account of its own. Exits 1 if that has changed.
set -eu
VERSION=1:9.2p1-2+deb12u10

if [ "${1-}" != inside ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    chmod 755 "$work"
    (cd "$work" && apt-get download -q -o APT::Sandbox::User=root "openssh-server=$VERSION" "openssh-client=$VERSION" > /dev/null &&
        for package in *.deb; do dpkg-deb -x "$package" .; done)
    unshare --mount --net --pid --fork --kill-child --mount-proc --propagation private "$0" inside "$work"
    exit
fi

work=$2
ip link set lo up
mkdir "$work/etc-copy" "$work/home"
cp -a /etc/. "$work/etc-copy"
mount --bind "$work/etc-copy" /etc
rm -f /etc/nologin
mount -t tmpfs run /run
mkdir -m 755 /run/sshd
getent passwd sshd > /dev/null || useradd --system --no-create-home sshd
useradd --home-dir "$work/home" --shell /bin/sh somebody
usermod --password '*' somebody
cat > "$work/note" <<'END'
#!/bin/sh
echo "$PAM_TYPE: $(printf %s "${SSH_AUTH_INFO_0:-(nothing)}" | cut -d " " -f 1)" >> "$1"
END
chmod 755 "$work/note"
cat > /etc/pam.d/sshd <<END
auth required pam_deny.so
account required pam_exec.so quiet $work/note $work/seen
session required pam_exec.so quiet $work/note $work/seen
END
"$work/usr/bin/ssh-keygen" -q -t ed25519 -N '' -f "$work/host"
"$work/usr/bin/ssh-keygen" -q -t ed25519 -N '' -f "$work/key"
mkdir -m 755 "$work/home/.ssh"
cp "$work/key.pub" "$work/home/.ssh/authorized_keys"
"$work/usr/sbin/sshd" -f /dev/null -h "$work/host" -p 2222 -o ListenAddress=127.0.0.1 -o UsePAM=yes -o StrictModes=no -E "$work/log"
"$work/usr/bin/ssh" -F none -i "$work/key" -o IdentitiesOnly=yes -o IdentityAgent=none -o StrictHostKeyChecking=no \
    -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -p 2222 somebody@127.0.0.1 true
echo "openssh $VERSION, a login by key alone:"
grep -v '^close_session' "$work/seen"
[ "$(grep -v '^close_session' "$work/seen")" = "$(printf 'account: (nothing)\nopen_session: publickey')" ]
