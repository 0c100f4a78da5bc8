# Prepares the committed tree, and the directory in which packages are made. packaging/deb and packaging/rpm source this at
# their beginning, in the top directory of the checkout.
# shellcheck shell=bash

packages=$(mkdir -p "${CARGO_TARGET_DIR:-target}/packages" && cd "${CARGO_TARGET_DIR:-target}/packages" && pwd)

umask 022
# With these variables git, tar and cargo would read or write something else.
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE TAR_OPTIONS "${!CARGO_BUILD_@}" "${!CARGO_PROFILE_@}"
export LC_ALL=C.UTF-8 TZ=UTC

# git must accept a checkout of any owner: root builds packages in other users' checkouts too.
committed() {
    git -c safe.directory="$PWD" -c core.autocrlf=false -c core.attributesFile=/dev/null -c tar.umask=0022 "$@"
}

SOURCE_DATE_EPOCH=$(committed log -1 --format=%ct)
export SOURCE_DATE_EPOCH

# committed_tree DIRECTORY: makes the directory anew, with only the committed files in it.
committed_tree() {
    rm -rf "$1"
    mkdir "$1"
    committed archive HEAD | tar --extract --directory "$1"
    if ! committed diff --quiet HEAD; then
        echo "${0##*/}: uncommitted changes are not in the package" >&2
    fi
}
