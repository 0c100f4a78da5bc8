#!/bin/bash
# console-setup-linux 1.221 (Debian 12): most fonts of the Linux console have no half blocks. The tables of Lat15-Fixed16 and
# Uni2-Fixed16, for example, have U+2588 (the full block), but not U+2580 and U+2584: the kernel shows its replacement character
# instead. A QR code drawn in half blocks cannot be read there. One drawn with the background of spaces can.
# Seen: 317 of 456 fonts lack one of the two; Lat15-Fixed16 has the full block and neither half.
# Downloads the package, installs nothing. Exits 1 if that has changed.
set -eu
VERSION=1.221

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download -q -o APT::Sandbox::User=root "console-setup-linux=$VERSION" > /dev/null
dpkg-deb -x ./*.deb .
python3 - "$VERSION" <<'END'
import glob
import gzip
import os
import re
import struct
import sys


def known(path):
    """The characters in the table of a PSF font, version 1 or 2."""
    data = gzip.open(path).read()
    if data[:4] == b"\x72\xb5\x4a\x86":
        _, start, _, count, size, _, _ = struct.unpack("<7I", data[4:32])
        return set(re.sub(rb"[\xfe\xff]", b"", data[start + count * size :]).decode())
    assert data[:2] == b"\x36\x04", path
    table = data[4 + (512 if data[2] & 1 else 256) * data[3] :]
    return {chr(number) for (number,) in struct.iter_unpack("<H", table)}


fonts = {os.path.basename(path)[: -len(".psf.gz")]: known(path) for path in glob.glob("usr/share/consolefonts/*.psf.gz")}
lacking = [name for name, characters in fonts.items() if not {"\u2580", "\u2584"} <= characters]
print(f"console-setup-linux {sys.argv[1]}: {len(lacking)} of {len(fonts)} fonts lack a half block")
for name in ("Lat15-Fixed16", "Uni2-Fixed16"):
    print(f"{name}:", {f"U+{ord(one):04X}": one in fonts[name] for one in "\u2580\u2584\u2588"})
sys.exit(not (len(lacking) > len(fonts) / 2 and all(
    "\u2588" in fonts[name] and not {"\u2580", "\u2584"} & fonts[name] for name in ("Lat15-Fixed16", "Uni2-Fixed16"))))
END
