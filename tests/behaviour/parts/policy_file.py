"""The policy of the machine, and services with an account line of ours, for the length of a test."""

import json
import pathlib

import pytest

from doors import SERVICES

PATH = pathlib.Path("/etc/security/pam_otp.conf")
PASSWORD = "required pam_unix.so nodelay"


def write(*sections, mode=0o644):
    """Makes this the policy: root's, and readable for everybody."""
    PATH.write_text("\n".join(sections) + "\n")
    PATH.chmod(mode)


@pytest.fixture
def policy():
    """`policy(TEXT, ...)` is the policy of the machine; after the test there is none."""
    yield write
    PATH.unlink(missing_ok=True)


def protect_with_account(auth, account):
    """These are the auth and the account lines of every service behind a door, until a test says otherwise."""
    others = ["password required pam_unix.so", "session required pam_permit.so"]
    lines = [*(f"auth {line}" for line in auth), *(f"account {line}" for line in account), *others]
    for service in SERVICES:
        pathlib.Path("/etc/pam.d", service).write_text("\n".join(lines) + "\n")


@pytest.fixture
def stack(password_then_code, under_test):
    """`stack(ARGUMENTS)` is what pam_otp-setup(7) recommends: ours after the password, and before pam_unix's account line.

    In place of our arguments, `auth` and `account` are whole lists of lines.
    """

    def write_stack(arguments="", auth=None, account=None):
        ours = under_test.line(arguments)
        protect_with_account(auth or [PASSWORD, ours], account or [ours, "required pam_unix.so"])

    write_stack()
    return write_stack


def enforce(**keys):
    """The section of the policy; JSON's strings and lists are TOML's."""
    return "[enforce]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
