# Makes fresh systems of this machine's release, Debian or Ubuntu, from the archive that apt uses; nothing else of this
# machine gets into them. tests/run and tests/bare-root source this file, in the checkout's top.
# shellcheck shell=bash

# fresh_debian DIRECTORY: makes the system anew, with sshd and sudo, in DIRECTORY/root. DIRECTORY/extra gets the packages of
# systemd-sysusers and systemd-tmpfiles, which a small system does not have.
fresh_debian() {
    local directory=$1 apt_get=$PWD/tests/apt-get
    rm -rf "$directory"
    mkdir -p "$directory/extra"
    minimal_debian "$directory/root" --include=openssh-server,sudo,libpam-runtime || return 1
    (cd "$directory/extra" && "$apt_get" download -q systemd-standalone-sysusers systemd-standalone-tmpfiles)
}

# minimal_debian DIRECTORY [OPTION OF MMDEBSTRAP...]: makes a system with the packages of every Debian, and apt; of the release
# DEBIAN_RELEASE, if that is set, from the same archive.
minimal_debian() {
    local directory=$1 sources suite here options=() option made
    shift
    sources=$(mktemp --suffix=.list) || return 1
    here=$(. /etc/os-release && echo "$VERSION_CODENAME")
    suite=${DEBIAN_RELEASE:-$here}
    # shellcheck disable=SC2016  # apt's own variables
    apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT) $(ORIGIN)' 'Created-By: Packages' |
        awk '$4 == "Debian" || $4 == "Ubuntu" { print "deb", $1, $2, $3 }' | sed "s/ $here/ $suite/" | sort -u > "$sources"
    # Files by which this machine reaches its archive, which may be a snapshot or behind a proxy.
    while read -r option; do
        options+=(--aptopt="$option")
    done < <(apt-config dump | grep -E '^Acquire::(Check-|https?::Proxy)')
    mmdebstrap --quiet --variant=minbase "${options[@]}" "$@" "$suite" "$directory" "$sources" < /dev/null
    made=$?
    rm -f "$sources"
    return $made
}

# archive_for_a_fleet DIRECTORY: makes an archive with the packages that hosts of a fleet, and of a portal, install from Debian's archive,
# because their network has no other. It lies beside a fresh_debian in the same directory.
archive_for_a_fleet() {
    local top directory
    # apt looks for names that do not begin with / below directories of its own.
    top=$(realpath "$1") && directory=$top/fleet
    mkdir -p "$directory/partial"
    tests/apt-get install -q --yes --no-install-recommends --download-only -o Debug::NoLocking=1 \
        -o "Dir::State::status=$top/root/var/lib/dpkg/status" -o "Dir::Cache::archives=$directory/" \
        etcd-server etcd-client openssl nginx || return 1
    rmdir "$directory/partial"
    (cd "$directory" && dpkg-scanpackages --multiversion . > Packages)
}
