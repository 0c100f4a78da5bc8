# Gives tests/run and packaging/demo what they need before they can begin: packages, a toolchain, a build. Both source this file.
# shellcheck shell=bash

BUILD_PACKAGES=(gcc libc6-dev libpam0g-dev)
LOGIN_PACKAGES=(openssh-server openssh-client sudo passwd util-linux python3 python3-pytest python3-pexpect oathtool
    libfaketime libargon2-1)

target=${CARGO_TARGET_DIR:-target}

# Our programs that the private copy of the machine gets, for OTP_BINARIES.
ours=$target/release/libpam_otp.so:$target/release/otp-helper:$target/release/otp-mail:$target/release/otp-fleet:$target/release/otp-admin:$target/release/otp-enroll
ours=$ours:packaging/permissions:conf/pam_otp.conf:conf/pam.d/otp-enroll-debian:packaging/shadow-maint/pam-otp:packaging/man/pam_otp.8:$target/release/otp-notify:$target/release/otp-verifier:$target/release/otp-portal-login:$target/release/otp-portal
ours=$ours:conf/hooks/http:conf/hooks/mail:packaging/systemd/pam_otp-seal.service

refuse() {
    echo "$0: $1" >&2
    exit 2
}

complain() {
    echo "== $1: failed" >&2
}

# install_packages PACKAGE...: installs those that are missing.
install_packages() {
    local missing=() package
    command -v apt-get > /dev/null || { complain "packages: this needs Debian or Ubuntu (no apt-get here)"; return 1; }
    for package in "$@"; do
        [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2> /dev/null)" = installed ] ||
            missing+=("$package")
    done
    [ ${#missing[@]} = 0 ] && return 0
    echo "== installing ${missing[*]}"
    without_starting_services apt_install "${missing[@]}" || { complain "packages: apt-get could not install them"; return 1; }
}

apt_install() {
    update_lists && tests/apt-get install -q -y --no-install-recommends "$@"
}

# Updates apt's lists once in a run: on a machine that was used before they may be too old for a download.
update_lists() {
    [ -n "${lists_updated-}" ] && return 0
    tests/apt-get update -q && lists_updated=yes
}

# The tests start an sshd of their own. The machine's sshd stays as it is, and stays absent if it was absent.
without_starting_services() {
    local policy=/usr/sbin/policy-rc.d had_sshd=no code
    command -v sshd > /dev/null && had_sshd=yes
    if [ -e "$policy" ]; then
        "$@"
        return
    fi
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' > "$policy" && chmod 755 "$policy"
    "$@"
    code=$?
    rm -f "$policy"
    trap - EXIT
    if [ $had_sshd = no ] && command -v systemctl > /dev/null; then
        systemctl disable ssh.service ssh.socket > /dev/null 2>&1 || true
    fi
    return $code
}

# sudo resets PATH, and rustup lives in a home directory. The caller's own toolchain comes before the distribution's, which
# may be older than Cargo.toml allows.
find_cargo() {
    local caller_home directory
    caller_home=$(getent passwd "${SUDO_USER:-root}" | cut -d: -f6)
    for directory in "$caller_home/.cargo/bin" /root/.cargo/bin /usr/local/cargo/bin /usr/local/bin; do
        [ -x "$directory/cargo" ] || continue
        PATH=$directory:$PATH
        # A toolchain that rustup keeps in the caller's home. cargo's own files stay out of there, because they would belong to root.
        [ -d "$caller_home/.rustup" ] && [ -z "${RUSTUP_HOME-}" ] && export RUSTUP_HOME=$caller_home/.rustup
        break
    done
    if ! command -v cargo > /dev/null; then
        complain "build: no cargo found; install a Rust toolchain (https://rustup.rs)"
        return 1
    fi
    local needed found
    needed=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
    found=$(rustc --version < /dev/null | sed -n 's/^rustc \([0-9.]*\).*/\1/p')
    if [ "$(printf '%s\n' "$needed" "$found" | sort -V | head -n 1)" != "$needed" ]; then
        complain "build: Rust $needed or newer is needed and this is ${found:-none}; see https://rustup.rs"
        return 1
    fi
}

# Gives files that root has built in another user's checkout back to that user.
hand_back_target() {
    if [ -d "$target" ] && [ "$(stat -c %u .)" != 0 ]; then
        chown -R --reference=. "$target"
    fi
}

build() {
    find_cargo || return 1
    echo "== build"
    cargo build --release --locked --workspace < /dev/null || { complain "build"; return 1; }
}
