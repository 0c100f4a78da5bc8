#!/bin/bash
# Linux-PAM 1.5.2 (Debian 12, libpam0g 1.5.2-6+deb12u3): a program can set PAM_FAIL_DELAY to wait after a failure in its own function,
# instead of in libpam. libpam calls that function after each success too, with the status PAM_SUCCESS. The delay in that call is
# not 0: it is the delay that a module has asked for in case of a failure (pam_unix asks for two seconds before it checks anything).
# A function that waits as long as it is told to slows down every login. It must look at the status first.
# pam_fail_delay(3) names the status among the arguments, and speaks of the delay as one after a failure only.
#
# Seen: the function is called with PAM_SUCCESS and a delay above 0.5 s after a success, and with PAM_AUTH_ERR after a failure.
# Downloads two packages, installs nothing. Exits 1 if that has changed.
set -eu
VERSION=1.5.2-6+deb12u3

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download -q -o APT::Sandbox::User=root "libpam0g=$VERSION" "libpam-modules=$VERSION" > /dev/null
for package in *.deb; do dpkg-deb -x "$package" .; done
/usr/bin/python3 - "$VERSION" << 'END'
import ctypes
import glob
import os
import sys

MODULES = os.path.dirname(os.path.abspath(glob.glob("lib/*/security/pam_permit.so")[0]))
pam = ctypes.CDLL(os.path.abspath(glob.glob("lib/*/libpam.so.0")[0]))
FAIL_DELAY, SUCCESS, AUTH_ERR = 10, 0, 7
Talk = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
Waits = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p)


class Conversation(ctypes.Structure):
    _fields_ = [("talk", Talk), ("data", ctypes.c_void_p)]


called = []
talk = Talk(lambda *_: 19)
waits = Waits(lambda status, microseconds, _: called.append((status, microseconds)))


def log_in(service, lines):
    with open(service, "w") as file:
        file.write(lines)
    handle = ctypes.c_void_p()
    conversation = Conversation(talk, None)
    assert pam.pam_start_confdir(service.encode(), b"somebody", ctypes.byref(conversation), os.getcwd().encode(), ctypes.byref(handle)) == 0
    assert pam.pam_set_item(handle, FAIL_DELAY, ctypes.cast(waits, ctypes.c_void_p)) == 0
    called.clear()
    status = pam.pam_authenticate(handle, 0)
    pam.pam_end(handle, status)
    return status, list(called)


# Two seconds, in case of a failure, as pam_unix asks for.
asks = f"auth optional {MODULES}/pam_faildelay.so delay=2000000\n"
good = log_in("good", asks + f"auth required {MODULES}/pam_permit.so\n")
bad = log_in("bad", asks + f"auth required {MODULES}/pam_deny.so\n")
print(f"libpam {sys.argv[1]}: a login that succeeds: {good}; one that fails: {bad}")
((good_status, good_delay),), ((bad_status, _),) = good[1], bad[1]
assert (good[0], good_status, bad[0], bad_status) == (SUCCESS, SUCCESS, AUTH_ERR, AUTH_ERR)
assert good_delay > 500_000
END
