"""The policy of the machine, and services with our account line, for the length of a test."""

import json
import pathlib

import pytest

from doors import SERVICES

PATH = pathlib.Path("/etc/security/pam_otp.conf")
PASSWORD = "required pam_unix.so nodelay"


def write(*sections, mode=0o644):
    """Writes the policy: owned by root, and readable by everybody."""
    PATH.write_text("\n".join(sections) + "\n")
    PATH.chmod(mode)


@pytest.fixture
def policy():
    """`policy(TEXT, ...)` is the policy of the machine; after the test there is none."""
    yield write
    PATH.unlink(missing_ok=True)


def protect_with_account(auth, account):
    """Writes the auth and account lines of every service behind a door; they stay until a test writes others."""
    others = ["password required pam_unix.so", "session required pam_permit.so"]
    lines = [*(f"auth {line}" for line in auth), *(f"account {line}" for line in account), *others]
    for service in SERVICES:
        pathlib.Path("/etc/pam.d", service).write_text("\n".join(lines) + "\n")


@pytest.fixture
def stack(password_then_code, under_test):
    """`stack(ARGUMENTS)` writes the stack that pam_otp-setup(7) recommends: ours after the password, and above pam_unix's
    account line.

    The lists of lines `auth` and `account` replace our lines with these arguments.
    """

    def write_stack(arguments="", auth=None, account=None):
        ours = under_test.line(arguments)
        protect_with_account(auth or [PASSWORD, ours], account or [ours, "required pam_unix.so"])

    write_stack()
    return write_stack


def enforce(**keys):
    """The section of the policy; JSON's strings and lists are also TOML's."""
    return "[enforce]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
