# Provides everything that the tests of the portal need: web servers, an application that takes the user from a header, a browser,
# and axe. tests/run, packaging/demo and tests/bench/portal source this file, in the checkout's top.
# shellcheck shell=bash

# Our files that the tests need besides those of every machine, for OTP_BINARIES.
# shellcheck disable=SC2154  # of tests/prepare.sh
portal_files=:conf/pam_otp-portal.conf:conf/pam.d/otp-portal-debian
portal_programs=:$target/debug/examples/pages$portal_files

# Servers and the application are only unpacked: installed servers would be started, and take ports.
WEB_PACKAGES=(nginx apache2-bin caddy lua-socket python3-radicale python3-vobject python3-passlib python3-defusedxml python3-dateutil
    python3-six python3-pkg-resources)
BROWSER_PACKAGES=(chromium chromium-driver python3-selenium fonts-nanum fonts-dejavu-core zbar-tools curl openssl oathtool
    python3-yaml)
AXE=axe-core@4.14.1
AXE_DIGEST=1477dafa598d8d065f273d6af302aa203c02e83131707b7fa648cd41bd3d6b734f8c22a0dab86ee6a6f64b8afbe804b214d36db85a2826965edfb3a0b9d546b5

# provide_web: unpacks them in target/tests/portal/web, which OTP_WEB names.
# shellcheck disable=SC2154  # of tests/prepare.sh
provide_web() {
    local place
    mkdir -p "$target/tests/portal" && place=$(realpath "$target/tests/portal")/web || return 1
    if [ ! -e "$place/complete" ]; then
        unpack_web "$place" "nginx apache2-bin" "${WEB_PACKAGES[@]}" && provide_axe "$place" && : > "$place/complete" || return 1
    fi
    export OTP_WEB=$place
}

# provide_nginx: unpacks only nginx, in target/tests/nginx, which OTP_WEB names; packaging/demo and tests/bench/portal use it.
provide_nginx() {
    local place
    mkdir -p "$target/tests" && place=$(realpath "$target/tests")/nginx || return 1
    if [ ! -e "$place/complete" ]; then
        unpack_web "$place" nginx nginx && : > "$place/complete" || return 1
    fi
    export OTP_WEB=$place
}

# unpack_web PLACE "LINKED..." PACKAGE...: unpacks the packages in a new PLACE, and installs the libraries of those that are LINKED.
unpack_web() {
    local place=$1 linked=$2 apt_get=$PWD/tests/apt-get package libraries
    shift 2
    update_lists || return 1
    # shellcheck disable=SC2086  # words
    mapfile -t libraries < <(apt-cache depends --important $linked |
        sed -n 's/^ [ |]*Depends: \(lib[^ ]*\)$/\1/p' | grep -v '^libnginx' | sort -u)
    install_packages "${libraries[@]}" || return 1
    echo "== unpacking $*"
    rm -rf "$place" && mkdir -p "$place" || return 1
    (cd "$place" && "$apt_get" download -q "$@") || return 1
    for package in "$place"/*.deb; do
        dpkg-deb -x "$package" "$place" && rm "$package" || return 1
    done
    chmod 0755 "$place"
}

# Gets the archive of the npm registry, by its digest, and unpacks from it the one file that runs in a page.
provide_axe() {
    local place=$1 archive
    command -v npm > /dev/null || install_packages npm || return 1
    # npm reports errors on its error output, but not if it is told to be silent.
    (cd "$place" && npm pack --loglevel=error "$AXE" > /dev/null) && archive=$place/${AXE/@/-}.tgz || return 1
    echo "$AXE_DIGEST  $archive" | sha512sum --check --quiet || return 1
    tar -xzf "$archive" -C "$place" --strip-components=1 package/axe.min.js && rm "$archive"
}
