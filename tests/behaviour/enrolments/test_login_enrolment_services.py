"""The programs in whose logins users set up authenticators: those that keep nothing of what they show, and no others."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

import codes
import doors
import sshd
from doors import Ssh, Su
from greetd import Greetd
from login_enrolment import AHEAD, ENGLISH, KEY_IN_GROUPS, OFFER, PASSWORD, REQUIRE, Enrolment
from self_service import RECOVERY_CODE, policy, status  # noqa: F401  (a fixture)
from under_test import BINARIES, Ours

pytestmark = pytest.mark.promised_by("ours")

# Everything that is writable in the private copy of the machine.
WRITABLE = ["/run", "/tmp", "/var", "/etc", "/dev/shm"]
MARKER = pathlib.Path("/run/pam_otp-tests/shell")


def service_lines(under_test, service):
    ours = under_test.line()
    lines = ["auth required pam_unix.so nodelay", f"auth {ours}", f"account {ours}", "account required pam_unix.so"]
    path = pathlib.Path("/etc/pam.d", service)
    path.write_text("\n".join([*lines, "session required pam_permit.so", ""]))


# ------------------------------------------------------------------------------------------- the programs that may enrol


class Login(doors.Door):
    """login, as getty starts it: as root, at a terminal. The account's shell prints who is logged in, and ends."""

    service = "login"
    refusal = "Login incorrect"
    refusal_status = 1

    def visit(self, account, prompts=()):
        MARKER.write_text(f"#!/bin/sh\n{doors.COMMAND}\n")
        MARKER.chmod(0o755)
        subprocess.run(["usermod", "--shell", MARKER, account.name], check=True, capture_output=True)
        return doors.Visit(self, account, ["/bin/login", account.name], prompts)

    def becomes(self, account):
        return account.name


class Doas(doors.Door):
    """The account itself asks doas for root."""

    service = "doas"
    refusal = "doas: Authentication failed"
    refusal_status = 1

    def visit(self, account, prompts=()):
        program = BINARIES / "doas"
        shutil.chown(program, 0, 0)
        program.chmod(0o4755)
        config = pathlib.Path("/etc/doas.conf")
        config.write_text(f"permit {account.name}\n")
        config.chmod(0o600)
        question = f"doas ({account.name}@{os.uname().nodename}) password: "
        command = account.running(str(program), "/bin/sh", "-c", doors.COMMAND)
        return doors.Visit(self, account, command, [question, *prompts])

    def becomes(self, account):
        return "root"


class Shell(Su):
    """su -l."""

    service = "su-l"

    def visit(self, account, prompts=()):
        command = self.caller.running("/usr/bin/su", "-l", account.name, "-c", doors.COMMAND)
        return doors.Visit(self, account, command, prompts)


@pytest.fixture
def required(policy, clock, journal):  # noqa: F811
    policy(REQUIRE)


@pytest.fixture
def verbose_server(machine_clock, journal):
    with sshd.Sshd("LogLevel DEBUG3") as server:
        yield server


@pytest.fixture(params=["sshd", "su", "su-l", "login", "doas"])
def program(request, every_door, verbose_server):
    """Each program that may enrol, with the most verbose log that it can write."""
    return {
        "sshd": Ssh(verbose_server, sshd.HOST), "su": every_door["su"], "su-l": Shell(every_door["su"].caller),
        "login": Login(), "doas": Doas(),
    }[request.param]


def shown_in(screen):
    """The key, the URI's secret and the recovery codes, as they were shown and in other forms."""
    key = KEY_IN_GROUPS.search(screen)[0]
    recovery_codes = re.findall(RECOVERY_CODE, screen)
    assert len(recovery_codes) == 10 and f"secret={key.replace(' ', '')}" in screen
    return [key, key.replace(" ", ""), *recovery_codes, *(code.replace("-", "") for code in recovery_codes)]


def keepers_of(secrets):
    """The files that contain one of the secrets, except for the record itself."""
    found = []
    for place in WRITABLE:
        for directory, _, names in os.walk(place):
            if pathlib.Path(directory).is_relative_to(Ours.state_directory):
                continue
            for name in names:
                path = pathlib.Path(directory, name)
                try:
                    if not path.is_file() or path.is_symlink():
                        continue
                    content = path.read_bytes().lower()
                except OSError:
                    continue  # gone meanwhile
                found += [str(path) for secret in secrets if secret.lower().encode() in content]
    return found


def assert_nothing_is_kept(journal, screen):
    secrets = shown_in(screen)
    assert keepers_of(secrets) == []
    logged = "\n".join(journal.lines()).lower()
    assert not [secret for secret in secrets if secret.lower() in logged]
    # Proves that the search finds a secret.
    planted = pathlib.Path("/tmp/planted")
    planted.write_text(f"... {secrets[-1]} ...")
    assert keepers_of(secrets) == [str(planted)]
    planted.unlink()


def test_programs_that_enrol_keep_nothing_of_what_they_show(program, bobby, clock, required, journal, under_test):
    service_lines(under_test, program.service)
    login = enrol_at(program, bobby, clock)
    if program.service == "sshd":
        assert "debug3: PAM: " in sshd.LOG.read_text(errors="replace"), "the log is verbose"
    assert_nothing_is_kept(journal, login.screen)
    assert journal.names(bobby.name)[-1] == "otp.change" and status(bobby)["enrolled"]


def enrol_at(program, account, clock):
    """Like `enrol`, at a program that asks for the password in its own words."""
    class Here(Enrolment):
        def _right_answer(self):
            if self.question.endswith(" password: "):
                return self.account.password
            return super()._right_answer()

    with Here(program, account, clock) as login:
        login.result = login.finish()
    return login


def test_greetd_keeps_nothing_of_what_it_shows(bobby, clock, required, journal, under_test):
    service_lines(under_test, "greetd")
    screen = []

    def answer(question, told):
        screen.append(told + question)
        if question == ENGLISH.new_code:
            secret = KEY_IN_GROUPS.search(told)[0].replace(" ", "")
            bobby.codes = codes.Codes(secret, clock)
            return bobby.codes.now()
        return {PASSWORD: bobby.password, ENGLISH.begin: "", ENGLISH.are_kept: ENGLISH.kept}[question]

    with Greetd() as greetd:
        may_start, told = greetd.login(bobby, answer)
        assert may_start, told
        assert_nothing_is_kept(journal, told)
        clock.advance(30)
        asked = []

        def answer_again(question, told):
            asked.append(question)
            return bobby.password if question == PASSWORD else bobby.codes.now()

        assert greetd.login(bobby, answer_again)[0] and asked == [PASSWORD, ENGLISH.code]


# -------------------------------------------------------------------------------------------------- all other programs

OTHERS = ["cockpit", "sudo-i", "polkit-1", "vsftpd", "remote", "runuser", "sshd2", "gdm-password", "xscreensaver"]


class AsRoot(doors.Pamtester):
    """A program that is root, talks to people, and may give itself any service name. It goes on as root."""

    def __init__(self, service):
        self.service = service

    def becomes(self, account):
        return "root"

    def visit(self, account, prompts=()):
        script = f'/usr/bin/pamtester {self.service} "$1" authenticate acct_mgmt && {doors.COMMAND}'
        return doors.Visit(self, account, ["/bin/sh", "-c", script, "sh", account.name], prompts)


@pytest.fixture(params=OTHERS)
def other(request, under_test, clock, journal):
    service_lines(under_test, request.param)
    yield AsRoot(request.param)
    pathlib.Path("/etc/pam.d", request.param).unlink()


@pytest.mark.parametrize("at_login", [REQUIRE, OFFER], ids=["require", "offer"])
def test_other_programs_enrol_nobody_and_the_log_says_where_users_can(other, bobby, policy, journal, at_login):  # noqa: F811
    policy(at_login)
    outcome = other.attempt(bobby, bobby.password, "123456", prompts=ENGLISH.questions)
    assert outcome.refused and outcome.prompts == [PASSWORD, ENGLISH.code] and "otpauth" not in outcome.transcript
    (warning,) = [event for event in journal.events(bobby.name) if event["event"] == "otp.policy"]
    assert "over ssh" in warning["reason"] and "otp-enroll" in warning["reason"]


@pytest.mark.parametrize("at_login", [REQUIRE, OFFER], ids=["require", "offer"])
def test_other_programs_admit_before_the_deadline_and_show_nothing(other, bobby, policy, journal, at_login):  # noqa: F811
    policy(at_login, AHEAD)
    with other.visit(bobby, prompts=ENGLISH.questions) as visit:
        assert visit.prompt() == PASSWORD
        visit.reply(bobby.password)
        assert visit.prompt() is None and "otpauth" not in visit._text
    assert [event["event"] for event in journal.events(bobby.name)].count("otp.policy") == 1


@pytest.mark.parametrize("other", ["sudo-i", "gdm-password"], indirect=True)
def test_other_program_enrols_where_its_section_says_so(other, bobby, policy, clock, journal):  # noqa: F811
    policy(f'[service.{other.service}]\nat_login = "require"\n')
    with Enrolment(other, bobby, clock) as login:
        login.finish()
        shown_in(login.screen)
    assert journal.names(bobby.name)[-2:] == ["otp.changing", "otp.change"] and status(bobby)["enrolled"]


@pytest.mark.parametrize("other", ["vsftpd"], indirect=True)
@pytest.mark.parametrize("section", ['at_login = "off"', 'qr = "none"', ""])
def test_other_program_enrols_nobody_if_its_section_does_not_say_so(other, bobby, policy, section):  # noqa: F811
    policy(REQUIRE, f"[service.{other.service}]\n{section}\n[service.neighbour]\nat_login = \"require\"\n")
    outcome = other.attempt(bobby, bobby.password, "123456", prompts=ENGLISH.questions)
    assert outcome.refused and outcome.prompts == [PASSWORD, ENGLISH.code] and "otpauth" not in outcome.transcript


def test_enrolled_user_notices_nothing_at_other_programs(other, alice, policy, journal):  # noqa: F811
    policy(REQUIRE)
    with other.visit(alice) as visit:
        assert visit.prompt() == PASSWORD
        visit.reply(alice.password)
        assert visit.prompt() == ENGLISH.code
        visit.reply(alice.codes.now())
        assert visit.prompt() is None
    assert journal.names(alice.name) == ["otp.accept"]
