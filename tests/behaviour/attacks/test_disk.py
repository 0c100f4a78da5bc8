"""A full disk, and a disk that takes no writes."""

import pytest

from application import AUTH_ERR, AUTHINFO_UNAVAIL, MAXTRIES, SUCCESS, application, program, service  # noqa: F401
from policy_file import policy  # noqa: F401  (a fixture)
from small_disk import SmallDisk, kinds_that_this_machine_has
from together import together

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("service")]


@pytest.fixture(params=kinds_that_this_machine_has())
def disk(request, under_test):
    """A small disk that holds all records for the length of a test."""
    with SmallDisk(request.param, under_test.state_directory) as mounted:
        yield mounted


@pytest.fixture
def alice(disk, enrol):
    """Enrolled on the small disk."""
    return enrol("alice")


@pytest.fixture
def full_disk(disk, alice):
    disk.fill()
    return disk


def test_logins_work_when_the_disk_is_full(full_disk, application, alice, clock):
    for _ in range(20):
        code = alice.codes.now()
        assert application.login(alice, code).code == SUCCESS
        assert application.login(alice, code).code == AUTH_ERR
        clock.advance(30)


def test_failures_are_counted_and_lock_when_the_disk_is_full(full_disk, application, alice, clock, under_test, journal):
    for _ in range(5):
        assert application.login(alice, alice.codes.wrong()).code == AUTH_ERR
    assert application.login(alice, alice.codes.now()).code == MAXTRIES
    assert journal.names(alice.name) == [*["otp.reject"] * 4, "otp.lock", "otp.locked"]
    clock.advance(15 * 60 + 1)
    assert application.login(alice, alice.codes.now()).code == SUCCESS


def test_recovery_codes_work_when_the_disk_is_full(full_disk, application, alice):
    for recovery_code in alice.recovery_codes:
        assert application.login(alice, recovery_code).code == SUCCESS
        assert application.login(alice, recovery_code).code == AUTH_ERR


def test_full_disk_costs_the_code_by_mail_and_not_the_login(full_disk, application, alice, clock, policy, journal):  # noqa: F811
    """A mail that cannot be counted on disk is not sent."""
    policy('[recovery]\nemail = true\n[mail]\naddress = "{user}@example.org"\nsmtp = "smtp://127.0.0.1:1"')
    for _ in range(6):
        answer = application.login(alice, "email", alice.codes.now())
        assert answer.code == SUCCESS and "No email could be sent." in " ".join(answer.told)
        clock.advance(30)
    told = [line for line in journal.lines() if f'otp.mail user="{alice.name}"' in line]
    assert len(told) == 6 and all("not sent: " in line and "otp-mail[" not in line for line in told)


def test_recovery_code_opens_a_lock_when_the_disk_is_full(full_disk, application, alice):
    application.crowd(5, alice, alice.codes.wrong())
    assert application.login(alice, alice.codes.now()).code == MAXTRIES
    assert application.login(alice, alice.recovery_codes[0]).code == SUCCESS
    assert application.login(alice, alice.codes.now()).code == SUCCESS


def test_one_code_admits_exactly_one_of_many_when_the_disk_is_full(full_disk, application, alice):
    assert application.crowd(16, alice, alice.codes.now()).count(SUCCESS) == 1


def test_ssh_logins_work_when_the_disk_is_full(full_disk, ssh, alice):
    assert ssh.attempt(alice, alice.password, alice.codes.now()).admitted
    assert ssh.attempt(alice, alice.password, alice.codes.now()).refused


def test_nobody_gets_in_while_the_disk_is_read_only_and_the_next_login_works(disk, application, alice, journal):
    disk.make_read_only()
    for reply in (alice.codes.now(), alice.codes.wrong(), alice.recovery_codes[0]):
        answer = application.login(alice, reply)
        assert answer.code == AUTHINFO_UNAVAIL
        assert "could not be checked" in answer.told[0]
        assert journal.names(alice.name)[-1] == "otp.unavailable"
        assert "state" in journal.events(alice.name)[-1]["reason"]
        assert "ReadWritePaths=/var/lib/pam_otp" in journal.events(alice.name)[-1]["reason"]
    disk.make_writable()
    assert application.login(alice, alice.codes.now()).code == SUCCESS
    assert application.login(alice, alice.recovery_codes[0]).code == SUCCESS


def test_nobody_is_excused_while_the_disk_is_read_only(disk, application, alice, service, under_test):
    service(under_test.line("nullok"), "required pam_permit.so")
    disk.make_read_only()
    assert application.login(alice, alice.codes.now()).code == AUTHINFO_UNAVAIL


def test_ssh_user_is_told_when_the_disk_is_read_only(disk, ssh, alice, journal):
    disk.make_read_only()
    outcomes = together([lambda: ssh.attempt(alice, alice.password, alice.codes.now())] * 3)
    assert all("could not be checked" in outcome.messages for outcome in outcomes if outcome.refused)
    assert all(outcome.refused for outcome in outcomes)
    assert journal.names(alice.name) == ["otp.unavailable"] * 3
    disk.make_writable()
    assert ssh.attempt(alice, alice.password, alice.codes.now()).admitted
