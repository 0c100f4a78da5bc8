"""A thread that is cancelled while it is in the module: the attempt is completed, and the program lives on."""

import os
import pathlib
import subprocess
import tempfile

import pytest

import doors
from application import SERVICE, service  # noqa: F401

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("service")]

SOURCE = pathlib.Path(__file__).parents[1] / "parts" / "canceller.c"


@pytest.fixture(scope="module")
def canceller():
    path = pathlib.Path(tempfile.mkdtemp(prefix="canceller."), "canceller")
    path.parent.chmod(0o755)
    subprocess.run(["gcc", "-O1", "-Wall", "-Wextra", "-Werror", "-o", path, SOURCE, "-lpam", "-pthread"], check=True)
    return path


@pytest.mark.parametrize(("reply", "event"), [("right", "otp.accept"), ("wrong", "otp.reject")])
@pytest.mark.parametrize("by", ["root", "the user"])
def test_thread_cancelled_in_the_module_ends_after_the_attempt(canceller, alice, journal, reply, event, by):
    typed = alice.codes.now() if reply == "right" else alice.codes.wrong()
    doors.TYPED.append(typed)
    command = [canceller, SERVICE, alice.name, typed]
    done = subprocess.run(
        alice.running(*command) if by == "the user" else command,
        capture_output=True, text=True, timeout=60, env={"PATH": os.environ["PATH"]},
    )
    assert done.returncode == 0, done
    assert done.stdout == "cancelled, and the program goes on\n"
    assert journal.names(alice.name) == [event]
