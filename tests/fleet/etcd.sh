# Provides etcd and etcdctl from Debian's packages, unpacked and not installed: an installed server would be started.
# tests/run and tests/bench/fleet source this file, in the checkout's top.
# shellcheck shell=bash

# Our programs that a fleet needs besides those of every machine, for OTP_BINARIES.
# shellcheck disable=SC2154  # of tests/prepare.sh
fleet_programs=:$target/release/otp-fleet:$target/release/otp-verifier

# The release of Debian that has etcd 3.5.
NEWER_RELEASE=trixie

# provide_etcd: unpacks etcd of this machine's release and, on Debian 12, that of a newer one, in target/tests/fleet/etcd. Sets
# OTP_FLEET_ETCD to the directories with the programs, separated by colons, as a test sees them that has target/tests/fleet as `results`.
provide_etcd() {
    local place seen=/run/pam_otp-tests/results/etcd
    mkdir -p "$target/tests/fleet/etcd" && place=$(realpath "$target/tests/fleet/etcd") || return 1
    unpack_etcd "$place/own" || return 1
    OTP_FLEET_ETCD=$seen/own/usr/bin
    # shellcheck disable=SC1091  # this machine's
    if (. /etc/os-release && [ "$ID" = debian ] && [ "$VERSION_CODENAME" = bookworm ]); then
        unpack_etcd "$place/$NEWER_RELEASE" "$NEWER_RELEASE" || return 1
        OTP_FLEET_ETCD=$OTP_FLEET_ETCD:$seen/$NEWER_RELEASE/usr/bin
    fi
    export OTP_FLEET_ETCD
}

# unpack_etcd DIRECTORY [RELEASE]
unpack_etcd() {
    local place=$1 release=${2-} apt_get=$PWD/tests/apt-get package options=()
    [ -x "$place/usr/bin/etcd" ] && [ -x "$place/usr/bin/etcdctl" ] && return 0
    echo "== unpacking etcd${release:+ of $release}"
    rm -rf "$place" "$place.new" && mkdir -p "$place.new" || return 1
    if [ -n "$release" ]; then
        lists_of "$release" "$place.lists" || return 1
        options=(-o "Dir::State::lists=$place.lists/lists" -o "Dir::Etc::sourcelist=$place.lists/sources.list"
            -o Dir::Etc::sourceparts=/dev/null -o "Dir::Cache=$place.lists/cache" -o Dir::State::status=/dev/null)
        "$apt_get" "${options[@]}" update -q || return 1
    else
        update_lists || return 1
    fi
    (cd "$place.new" && "$apt_get" "${options[@]}" download -q etcd-server etcd-client) || return 1
    for package in "$place.new"/*.deb; do
        dpkg-deb -x "$package" "$place.new" && rm "$package" || return 1
    done
    mv "$place.new" "$place" && rm -rf "$place.lists"
}

# lists_of RELEASE DIRECTORY: gets the lists of another release from the archive of this machine's.
lists_of() {
    local release=$1 directory=$2
    rm -rf "$directory" && mkdir -p "$directory/lists/partial" "$directory/cache/archives/partial" || return 1
    # shellcheck disable=SC2016  # apt's own variables
    apt-get indextargets --format '$(SITE) $(COMPONENT) $(RELEASE) $(ORIGIN)' 'Created-By: Packages' |
        awk -v release="$release" '$4 == "Debian" && $2 == "main" && $3 !~ /-/ {
            print "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]", $1, release, $2 }' |
        sort -u > "$directory/sources.list"
    [ -s "$directory/sources.list" ]
}
