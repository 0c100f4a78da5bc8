"""Logins that set up no authenticator: nobody proved who they are, nobody can be asked, or somebody else was faster."""

import pathlib

import pytest

import sshd
from doors import Ssh, Su, Sudo
from login_enrolment import (  # noqa: F401  (fixtures among them)
    AHEAD, ENGLISH, OFFER, PASSWORD, REQUIRE, UNTIL_THEN, Enrolment, both_lines, enrol, kept_on_disk, lines, talking_door,
)
from self_service import NOBODY_MUST, Root, Talk, policy, record  # noqa: F401  (a fixture)
from together import together

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("both_lines", "required")]

AT_LOGIN = pytest.mark.parametrize("at_login", [REQUIRE, OFFER], ids=["require", "offer"])


@pytest.fixture
def required(policy):  # noqa: F811
    """The default of this file; a test may set another policy."""
    policy(REQUIRE)


class ShutSsh(Ssh):
    """sshd ends the connection if the account phase refuses a user who passed by a key or the method "password"."""

    refusal = r"Connection closed by|Permission denied \("


class SudoWithoutQuestion(Sudo):
    """sudo that asks for no password, and so never runs the auth phase."""

    refusal = "sudo: .*(account|Permission denied)"


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    path = tmp_path_factory.mktemp("key") / "id_ed25519"
    sshd.make_key(path)
    return path


@pytest.fixture
def with_key(server, every_door, key, bobby):
    """`with_key(METHODS)` returns the door for somebody who holds bobby's private key."""
    public_key = pathlib.Path(f"{key}.pub").read_text()
    bobby.write_private_file(f"{bobby.home}/.ssh/authorized_keys", public_key)
    return lambda methods, at=server: ShutSsh(at, sshd.HOST, methods=methods, identity=key)


def refused_as_not_enrolled(journal, account, told="not-enrolled"):
    """Asserts that the log has the refusal and the message shown; returns whether the account phase logged it."""
    last = journal.events(account.name)[-1]
    assert (last["event"], last["result"], last["message"]) == ("otp.notenrolled", "refused", told)
    return last["tag"].endswith(":account")


# ------------------------------------------------------------------------------------------- nobody proved who they are


@AT_LOGIN
def test_public_key_alone_is_refused_and_sets_nothing_up(with_key, bobby, policy, journal, at_login):  # noqa: F811
    policy(at_login)
    before = kept_on_disk()
    outcome = with_key("publickey").attempt(bobby)
    assert outcome.refused and outcome.says("no authenticator yet")
    assert refused_as_not_enrolled(journal, bobby) and kept_on_disk() == before


@AT_LOGIN
def test_public_key_alone_is_let_in_before_the_deadline(with_key, bobby, policy, journal, at_login):  # noqa: F811
    policy(at_login, AHEAD)
    assert with_key("publickey").attempt(bobby).admitted
    assert journal.events(bobby.name)[-1]["days_left"] == "17"


def test_public_key_after_a_wrong_password_sets_nothing_up(with_key, bobby, journal):
    """What the first method began is gone at the second."""
    outcome = with_key("keyboard-interactive,publickey").attempt(bobby, "not" + bobby.password)
    assert outcome.refused and outcome.prompts == [PASSWORD]
    assert refused_as_not_enrolled(journal, bobby)


@pytest.mark.parametrize("control", ["requisite", "required"])
def test_wrong_password_sets_nothing_up(talking_door, bobby, lines, under_test, control):  # noqa: F811
    lines(auth=[f"{control} pam_unix.so nodelay", under_test.line()])
    before = kept_on_disk()
    outcome = talking_door.attempt(bobby, "not" + bobby.password)
    assert outcome.refused and outcome.prompts == [PASSWORD]
    assert "otpauth" not in outcome.transcript and kept_on_disk() == before


def test_wrong_password_shows_nothing_about_enrolment(ssh, bobby, alice, lines, under_test):  # noqa: F811
    lines(auth=["requisite pam_unix.so nodelay", under_test.line()])
    assert ssh.attempt(bobby, "wrong password").transcript == ssh.attempt(alice, "wrong password").transcript


@pytest.mark.parametrize("others", [[], ["required pam_permit.so"], ["optional pam_echo.so"]], ids=["none", "permit", "echo"])
def test_nobody_enrols_where_no_module_identifies_the_user(
    talking_door, bobby, lines, under_test, journal, others  # noqa: F811
):
    lines(auth=[*others, under_test.line()])
    before = kept_on_disk()
    outcome = talking_door.attempt(bobby, "123456")
    assert outcome.refused and "otpauth" not in outcome.transcript and kept_on_disk() == before
    assert "finds out who the user is" in journal.events(bobby.name)[0]["reason"]


def test_public_key_and_our_module_alone_enrol_nobody(bobby, clock, with_key, lines, under_test):  # noqa: F811
    """PAM does not know of the key that sshd has checked."""
    lines(auth=[under_test.line()])
    with sshd.Sshd("AuthenticationMethods publickey,keyboard-interactive") as server:
        outcome = with_key("publickey,keyboard-interactive", server).attempt(bobby, "123456")
    assert outcome.refused and "otpauth" not in outcome.transcript


def test_public_key_and_password_enrol(bobby, clock, with_key):
    with sshd.Sshd("AuthenticationMethods publickey,keyboard-interactive") as server:
        enrol(with_key("publickey,keyboard-interactive", server), bobby, clock)


def test_auth_line_that_was_not_reached_sets_nothing_up(talking_door, bobby, lines, under_test, journal):  # noqa: F811
    lines(auth=["sufficient pam_unix.so nodelay", under_test.line()])
    outcome = talking_door.attempt(bobby, bobby.password)
    assert outcome.refused and "otpauth" not in outcome.transcript
    assert refused_as_not_enrolled(journal, bobby)


def test_root_who_becomes_a_user_sets_nothing_up_for_them(bobby, lines, under_test, journal):  # noqa: F811
    lines(auth=["sufficient pam_rootok.so", "required pam_unix.so nodelay", under_test.line()])
    outcome = Su(Root()).attempt(bobby)
    assert outcome.refused and "no authenticator yet" in outcome.messages and "otpauth" not in outcome.transcript
    assert refused_as_not_enrolled(journal, bobby)


def test_sudo_without_a_password_sets_nothing_up(every_door, clock, bobby, journal):
    sudoers = pathlib.Path("/etc/sudoers")
    before = sudoers.read_text()
    sudoers.write_text(before.replace("ALL=(ALL:ALL) ALL", "ALL=(ALL:ALL) NOPASSWD: ALL"))
    try:
        outcome = SudoWithoutQuestion().attempt(bobby)
    finally:
        sudoers.write_text(before)
    assert outcome.refused and "otpauth" not in outcome.transcript
    assert refused_as_not_enrolled(journal, bobby, every_door["sudo"].logged("not-enrolled"))


@AT_LOGIN
def test_program_that_asks_for_silence_sets_nothing_up(every_door, clock, bobby, policy, at_login):  # noqa: F811
    """sudo shows no message of PAM's, so users could scan nothing."""
    policy(at_login)
    outcome = every_door["sudo"].attempt(bobby, bobby.password, "123456")
    assert outcome.refused and outcome.prompts[1:] == [ENGLISH.code]


def test_program_that_is_not_root_sets_nothing_up(every_door, clock, bobby, journal):
    """It asks this user for a code as it asks every user; no code is right."""
    outcome = every_door["pamtester"].attempt(bobby, bobby.password, "123456")
    assert outcome.refused and outcome.prompts == [PASSWORD, ENGLISH.code]
    assert journal.events(bobby.name)[-1]["result"] == "refused"


# ----------------------------------------------------------------------------------------------- policy demands nothing


@pytest.mark.parametrize("text", [NOBODY_MUST, '[enforce]\nexempt_users = ["{}"]\n'], ids=["nobody must", "exempt"])
def test_user_who_needs_no_authenticator_is_not_asked(talking_door, bobby, policy, text):  # noqa: F811
    policy(REQUIRE, text.format(bobby.name))
    before = kept_on_disk()
    outcome = talking_door.attempt(bobby, bobby.password)
    assert outcome.admitted and outcome.prompts == [PASSWORD] and kept_on_disk() == before


def test_login_sets_nothing_up_with_at_login_off(talking_door, bobby, policy):  # noqa: F811
    policy("")
    outcome = talking_door.attempt(bobby, bobby.password, "123456")
    assert outcome.refused and outcome.prompts == [PASSWORD, ENGLISH.code]


def test_enrolled_user_is_asked_for_the_code(door, alice):
    assert door.attempt(alice, alice.password, alice.codes.now()).admitted


# --------------------------------------------------------------------------------------------------- nobody can be asked


@pytest.fixture(scope="module")
def password_server(machine_clock, journal):
    class PasswordSshd(sshd.Sshd):
        def __init__(self):
            super().__init__()
            # sshd takes the first of several values of a keyword.
            self._config.write_text("PasswordAuthentication yes\n" + self._config.read_text())

    with PasswordSshd() as running:
        yield running


@pytest.fixture
def password_method(password_server, every_door, clock):
    """The door of clients that send the password at once, so nothing more can be asked."""
    return ShutSsh(password_server, sshd.HOST, methods="password")


@AT_LOGIN
def test_password_method_is_refused_after_the_deadline_and_says_why(
    password_method, bobby, policy, clock, journal, at_login  # noqa: F811
):
    policy(at_login, AHEAD)
    clock.advance(UNTIL_THEN)
    before = kept_on_disk()
    outcome = password_method.attempt(bobby, bobby.password, prompts=["'s password: "])
    assert outcome.refused and "authenticator" in outcome.messages and "otpauth" not in outcome.transcript
    assert kept_on_disk() == before and journal.events(bobby.name)[-1]["tag"] == "sshd:account"


@AT_LOGIN
def test_password_method_is_admitted_before_the_deadline(password_method, bobby, policy, journal, at_login):  # noqa: F811
    policy(at_login, AHEAD)
    outcome = password_method.attempt(bobby, bobby.password, prompts=["'s password: "])
    assert outcome.admitted and outcome.says("2027-02-01") and outcome.says("17 days left")
    assert journal.events(bobby.name)[-1]["days_left"] == "17"


# ---------------------------------------------------------------------------------------------- somebody else was faster


@pytest.mark.parametrize("second_door", ["sshd", "su"])
def test_first_of_two_simultaneous_logins_to_finish_counts(ssh, every_door, bobby, clock, journal, second_door):
    with Enrolment(ssh, bobby, clock) as first, Enrolment(every_door[second_door], bobby, clock) as second:
        first.up_to(ENGLISH.are_kept)
        second.up_to(ENGLISH.are_kept)
        second.finish()
        first.go_on()
        outcome = first.outcome()
    assert outcome.refused and "set up for this account in the meantime" in outcome.messages
    assert [event["event"] for event in journal.events(bobby.name)].count("otp.change") == 1
    clock.advance(30)
    assert ssh.attempt(bobby, bobby.password, first.device.now()).refused
    assert ssh.attempt(bobby, bobby.password, second.device.now()).admitted
    assert ssh.attempt(bobby, bobby.password, second.recovery_codes[0]).admitted


def test_one_of_many_logins_at_the_same_moment_counts(ssh, bobby, clock):
    logins = [Enrolment(ssh, bobby, clock).up_to(ENGLISH.are_kept) for _ in range(4)]
    together([login.go_on for login in logins])
    counted = [login.outcome().admitted for login in logins]
    assert counted.count(True) == 1
    clock.advance(30)
    codes = [login.recovery_codes[0] for login in logins]
    outcomes = together([lambda code=code: ssh.attempt(bobby, bobby.password, code) for code in codes])
    assert [outcome.admitted for outcome in outcomes] == counted
    assert ssh.attempt(bobby, bobby.password, logins[counted.index(True)].device.now()).admitted


def by_administrator(account, under_test, clock):
    return under_test.enrol(account)


def by_the_user(account, under_test, clock):
    talk = Talk(account)
    secret = talk.new_device(clock)._secret
    talk.keep_codes()
    assert talk.end() == 0, talk.screen
    return secret


@pytest.mark.parametrize("place", [ENGLISH.begin, ENGLISH.new_code, ENGLISH.are_kept], ids=["begin", "code", "kept"])
@pytest.mark.parametrize("way", [by_administrator, by_the_user])
def test_user_enrolled_meanwhile_keeps_that_authenticator(talking_door, bobby, clock, under_test, way, place):
    with Enrolment(talking_door, bobby, clock).up_to(place) as login:
        secret = way(bobby, under_test, clock)
        before = record(bobby)
        while login.question:
            login.go_on()
        outcome = login.outcome()
    assert outcome.refused and "set up for this account in the meantime" in outcome.messages
    assert record(bobby) == before and secret in before["credential.toml"].decode()
