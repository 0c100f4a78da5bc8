#!/bin/bash
# cargo 1.65.0 (Debian 12, 0.66.0+ds1-1) and 1.95.0: `strip = true` in [profile.release] does not reach a package that has any
# setting of its own. With [profile.release.package.NAME] opt-level = "s", rustc is called for NAME without "strip" (1.65) or
# with "strip=debuginfo" (1.95), and the program keeps its symbol table. According to cargo's book ("Overrides"), the profile
# applies after an override and before the defaults. The workaround is to write `strip = true` in the override as well.
#
# Seen: of two programs with the same source, the one with an opt-level of its own has a .symtab.
# Downloads 90 MB from Debian's archive. Exits 1 if that has changed in Debian's cargo. Also reports on the cargo on PATH, if any.
set -eu
CARGO=0.66.0+ds1-1
RUST=1.63.0+dfsg1-2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/debian" "$work/plain/src" "$work/tuned/src"
cd "$work"
cat > Cargo.toml <<'END'
[workspace]
resolver = "2"
members = ["plain", "tuned"]

[profile.release]
strip = true

[profile.release.package.tuned]
opt-level = "s"
END
for name in plain tuned; do
    printf '[package]\nname = "%s"\nversion = "0.1.0"\nedition = "2021"\n' "$name" > "$name/Cargo.toml"
    echo 'fn main() { println!("{}", std::env::args().count()); }' > "$name/src/main.rs"
done

# tried: builds with the cargo that PATH finds first; succeeds if only the program with a setting of its own has its symbols.
tried() {
    local name symbols=()
    rm -rf target Cargo.lock
    cargo build --release --offline --quiet
    for name in plain tuned; do
        symbols+=("$(readelf --section-headers --wide "target/release/$name" | grep -c '\.symtab' || true)")
    done
    echo "$(cargo --version): tables of symbols: ${symbols[0]} in plain, ${symbols[1]} in tuned"
    [ "${symbols[*]}" = "0 1" ]
}

if command -v cargo > /dev/null; then
    tried || echo "so the cargo on PATH does it otherwise"
fi
(
    cd debian
    apt-get download -q -o APT::Sandbox::User=root "cargo=$CARGO" "rustc=$RUST" "libstd-rust-1.63=$RUST" "libstd-rust-dev=$RUST" \
        libllvm14 libgit2-1.5 libssh2-1 libcurl3-gnutls libmbedtls14 libmbedx509-1 libmbedcrypto7 libhttp-parser2.9 > /dev/null
    for package in *.deb; do dpkg-deb -x "$package" .; done
)
export PATH=$work/debian/usr/bin:/usr/bin:/bin CARGO_HOME=$work/home RUSTC=$work/debian/usr/bin/rustc
LD_LIBRARY_PATH=$(echo "$work"/debian/usr/lib/*-linux-gnu):$work/debian/usr/lib
export LD_LIBRARY_PATH
tried
