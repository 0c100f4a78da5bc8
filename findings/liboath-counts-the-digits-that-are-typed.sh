#!/bin/bash
# liboath 2.6.7 (Debian 12, liboath0 2.6.7-3.1+deb12u1), which pam_oath and other programs use: the number of digits in a line of
# users.oath (HOTP/E/6, HOTP/T30/8) does not count. liboath compares as many digits as were typed, 6, 7 or 8: a user who types eight
# is accepted with the eight-digit code, even if the line says six. An importer of such a file must therefore know how many digits
# users typed (digits= in the line of pam_oath).
# The counter of a time-based key is not a counter either: it is the sum of how many steps each code was ahead of the clock, so
# nobody can tell from it which step was used.
#
# Seen: HOTP/E/6 takes 6, 7 and 8 digits; HOTP/T30 has 2 after a code of two steps ahead, and 5 after another of three.
# Downloads the package, installs nothing. Exits 1 if that has changed.
set -eu
VERSION=2.6.7-3.1+deb12u1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download -q -o APT::Sandbox::User=root "liboath0=$VERSION" > /dev/null
dpkg-deb -x ./*.deb .
python3 - "$VERSION" << 'END'
import ctypes
import glob
import os
import sys
import time

oath = ctypes.CDLL(glob.glob("usr/lib/*/liboath.so.0")[0])
assert oath.oath_init() == 0
KEY = b"12345678901234567890"
PERIOD = 30


def code(counter, digits):
    text = ctypes.create_string_buffer(16)
    counted = ctypes.c_uint64(counter)
    assert oath.oath_hotp_generate(KEY, len(KEY), counted, digits, False, ctypes.c_size_t(-1), text) == 0
    return text.value


def accepted(line, typed):
    with open("users.oath", "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write(line + "\n")
    return asked(typed)


def asked(typed):
    return oath.oath_authenticate_usersfile(b"users.oath", b"alice", typed, 5, None, None) == 0


lengths = [digits for digits in (6, 7, 8) if accepted(f"HOTP/E/6 alice - {KEY.hex()} 0", code(0, digits))]

# Waits for the next step if this one is about to end.
left = PERIOD - time.time() % PERIOD
time.sleep(left if left < 5 else 0)
step = int(time.time()) // PERIOD
sums = []
assert accepted(f"HOTP/T30 alice - {KEY.hex()}", code(step + 2, 6))
sums.append(open("users.oath").read().split()[4])
assert not asked(code(step + 1, 6)), "an earlier step than the last one"
# Forgets the last code, as on another day.
line = open("users.oath").read().split()
assert accepted(" ".join(line[:5]), code(step + 3, 6))
sums.append(open("users.oath").read().split()[4])

print(f"liboath {sys.argv[1]}: HOTP/E/6 takes {lengths} digits; the counter of HOTP/T30 after codes ahead of time: {sums}")
sys.exit(not (lengths == [6, 7, 8] and sums == ["2", "5"]))
END
