"""A panic of the module is caught and logged, and refuses the login, in a program without an unwinder and in one with its
own."""

import os
import pathlib
import subprocess
import tempfile

import pytest

import doors
from journal import parse

from application import AUTH_ERR, AUTHINFO_UNAVAIL, SUCCESS, Application, program, service  # noqa: F401

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("service")]

PARTS = pathlib.Path(__file__).parents[1] / "parts"
FLAGS = ["-O1", "-Wall", "-Wextra", "-Werror"]


def compiled(compiler, source, *flags):
    path = pathlib.Path(tempfile.mkdtemp(prefix="unwinding."), source.partition(".")[0])
    path.parent.chmod(0o755)
    subprocess.run([compiler, *FLAGS, "-o", path, PARTS / source, *flags], check=True)
    return path


@pytest.fixture(scope="module")
def no_clock():
    return compiled("gcc", "no_clock.c", "-shared", "-fPIC")


@pytest.fixture(scope="module")
def throwing():
    return compiled("g++", "throwing.cc", "-lpam")


def libraries(pid):
    return pathlib.Path("/proc", str(pid), "maps").read_text()


def throw(throwing, account, typed, **environment):
    doors.TYPED.append(typed)
    done = subprocess.run(
        [throwing, "application", account.name, typed],
        capture_output=True, text=True, timeout=60, env={"PATH": os.environ["PATH"], **environment},
    )
    assert done.returncode == 0, done
    return done.stdout


@pytest.fixture
def panics(journal):
    """How many panics were logged since the test began. Their log entries name no user, since the code that knew the user
    may have panicked."""

    def logged():
        events = [event for event in map(parse, journal.lines()) if event]
        return sum(event.get("reason", "").startswith("internal error, line ") for event in events)

    before = logged()
    return lambda: logged() - before


def test_the_module_contains_its_unwinder(program, alice):  # noqa: F811
    """Loading an unwinder as a library, and unloading it, takes longer than the rest of a login."""
    with Application(program) as application:
        application.start(alice)
        assert "pam_otp" in libraries(application.pid)
        assert "libgcc_s" not in libraries(application.pid)


def test_a_panic_refuses_in_a_program_without_an_unwinder(program, no_clock, alice, panics):  # noqa: F811
    with Application(program, LD_PRELOAD=str(no_clock)) as application:
        answer = application.login(alice, alice.codes.now())
        assert answer.code == AUTHINFO_UNAVAIL
        again = application.login(alice, alice.codes.now())
        assert again.code == AUTHINFO_UNAVAIL
    assert application.errors == b""
    assert panics() == 2


def test_a_panic_refuses_in_a_program_with_exceptions_of_its_own(throwing, no_clock, alice, panics):
    assert throw(throwing, alice, alice.codes.now(), LD_PRELOAD=str(no_clock)) == f"{AUTHINFO_UNAVAIL}, 4 caught\n"
    assert panics() == 1


@pytest.mark.parametrize(("reply", "code"), [("right", SUCCESS), ("wrong", AUTH_ERR)])
def test_a_login_works_in_a_program_with_exceptions_of_its_own(throwing, alice, panics, reply, code):
    typed = alice.codes.now() if reply == "right" else alice.codes.wrong()
    # One before, one in the question, one when a refusal is told, two after.
    told = 0 if code == SUCCESS else 1
    assert throw(throwing, alice, typed) == f"{code}, {4 + told} caught\n"
    assert panics() == 0
