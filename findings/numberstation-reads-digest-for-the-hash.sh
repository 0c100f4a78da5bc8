#!/bin/bash
# Number Station 1.3.0 (Debian 12, numberstation 1.3.0-1, with python3-pyotp 2.6.0-3) reads the hash of an otpauth URI from the
# parameter "digest". In Google's description of the format, and in every other app that was tested, the parameter is called
# "algorithm". So it accepts an entry of SHA256 or SHA512 without a warning and shows the codes of SHA-1, which are always wrong.
#
# Seen: sha1 for algorithm=SHA256, and sha256 for digest=sha256.
# Exits 1 if that has changed.
set -eu
VERSION=1.3.0-1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get download -q -o APT::Sandbox::User=root "numberstation=$VERSION" python3-pyotp=2.6.0-3 > /dev/null &&
    for package in *.deb; do dpkg-deb -x "$package" .; done)
export PYTHONPATH=$work/usr/share/numberstation:$work/usr/lib/python3/dist-packages
found=$(/usr/bin/python3 - <<'END'
from numberstation.otpurl import OTPUrl

for parameter in ("algorithm=SHA256", "digest=sha256"):
    url = OTPUrl(f"otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example&{parameter}")
    print(parameter, url.digest().name)
END
)
echo "numberstation $VERSION: $found"
[ "$found" = "$(printf 'algorithm=SHA256 sha1\ndigest=sha256 sha256')" ]
