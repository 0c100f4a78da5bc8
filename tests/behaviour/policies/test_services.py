"""Sections of the policy for one service, in real logins: PAM decides which service it is, not the user who logs in."""

import pathlib

import pytest

import doors
from login_enrolment import ENGLISH, Enrolment, REQUIRE
from policy_file import policy, stack  # noqa: F401  (fixtures)

pytestmark = pytest.mark.promised_by("ours")

PASSWORD = "Password: "


def test_section_with_a_mistake_refuses_the_logins_of_every_service(every_door, alice, policy, stack, journal):  # noqa: F811
    policy('[service.nowhere]\nremember = "8 hours"\n')
    for name in ("su", "sshd"):
        assert every_door[name].attempt(alice, alice.password).refused
    reasons = {event["reason"] for event in journal.events(alice.name) if event["event"] == "otp.unavailable"}
    assert len(reasons) == 1 and "line 2" in reasons.pop()


@pytest.fixture
def probe(under_test):
    """A program that chooses its service name, with a service file of its own."""
    path = pathlib.Path("/etc/pam.d/probe-1.x")
    ours = under_test.line()
    path.write_text(f"auth required pam_unix.so nodelay\nauth {ours}\naccount {ours}\naccount required pam_unix.so\n")
    yield
    path.unlink()


class Named(doors.Pamtester):
    """A program of root's with that service name, which goes on as root."""

    def __init__(self, service):
        self.service = service

    def becomes(self, account):
        return "root"

    def visit(self, account, prompts=()):
        script = f'/usr/bin/pamtester {self.service} "$1" authenticate acct_mgmt && {doors.COMMAND}'
        return doors.Visit(self, account, ["/bin/sh", "-c", script, "sh", account.name], prompts)


@pytest.mark.parametrize("called", ["probe-1.x", "PROBE-1.X", "/usr/bin/Probe-1.x"])
def test_section_is_found_however_the_program_spells_the_name(bobby, probe, policy, journal, called):  # noqa: F811
    """libpam turns capitals into small letters and cuts a path off, before it looks for the file."""
    policy(f'[service."probe-1.x"]\nexempt_groups = ["{bobby.name}"]\n')
    outcome = Named(called).attempt(bobby, bobby.password)
    assert outcome.admitted and outcome.prompts == [PASSWORD]
    (event,) = [one for one in journal.events(bobby.name) if one["event"] == "otp.notenrolled"]
    assert event["service"] == "probe-1.x" and event["result"] == "excused"


def test_section_of_another_service_with_the_same_lines_excuses_nobody(bobby, probe, policy, journal):  # noqa: F811
    for name in ("probe-1", "probe", "x", "probe-1.y", "su"):
        policy(f'[service."{name}"]\nexempt_groups = ["{bobby.name}"]\n')
        outcome = Named("probe-1.x").attempt(bobby, bobby.password, "123456")
        assert outcome.refused and outcome.prompts == [PASSWORD, ENGLISH.code], name


@pytest.mark.parametrize("section, argument, drawn", [
    ('[service.su]\nqr = "ascii"\n', "", "@@"),
    ('[service.su]\nqr = "none"\n', "", None),
    ('[service.sshd]\nqr = "none"\n', "", "\u2588"),
    ('[service.su]\nqr = "none"\n', "qr=unicode", "\u2588"),
    ("", "qr=none", None),
])
def test_qr_code_is_drawn_as_the_service_or_the_line_says(every_door, bobby, policy, stack, clock, section, argument, drawn):  # noqa: F811
    policy(REQUIRE, section)
    stack(argument)
    with Enrolment(every_door["su"], bobby, clock) as login:
        login.finish()
        screen = login.screen
    assert [sign for sign in ("@@", "\u2588") if sign in screen] == [sign for sign in (drawn,) if sign]
