"""Fixtures for every test of the command lines.

    cargo build --release && sudo /usr/bin/python3 -m pytest tests/commands

Run as root. The records are in a directory of the test's own, and the users are those that every Debian has; nothing of the
machine is changed. PAM_OTP_TARGET names another directory with the binaries than target/release.
"""

import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from machine import Machine  # noqa: E402  (the path above has to come first)


def pytest_configure(config):
    if os.geteuid() != 0:
        raise pytest.UsageError("otp-enroll and otp-admin are root's: run this as root")


@pytest.fixture
def machine(tmp_path):
    """The records, policy, clock and command lines of this test alone."""
    return Machine(tmp_path)


@pytest.fixture
def enrolled(machine):
    """The user `daemon` with an authenticator: its secret, URI and recovery codes."""
    return machine.provision("daemon")
