"""Each attempt leaves one log entry, under a stable name, with values that a program can read."""

import pytest

from accounts import stranger
from locking import fail

pytestmark = pytest.mark.promised_by("ours")


def test_each_outcome_of_an_attempt_has_its_log_entry(ssh, alice, journal, clock):
    used = alice.codes.now()
    ssh.attempt(alice, alice.password, used)
    ssh.attempt(alice, alice.password, used)
    ssh.attempt(alice, alice.password, alice.recovery_codes[0])
    fail(ssh, alice, 4)
    assert journal.names(alice.name) == ["otp.accept", "otp.replay", "otp.recovery", *["otp.reject"] * 4]
    fail(ssh, alice, 1)
    fail(ssh, alice, 1)
    assert journal.names(alice.name)[7:] == ["otp.lock", "otp.locked"]


def test_log_entry_names_user_service_and_address(every_door, alice, journal, clock):
    every_door["sshd"].attempt(alice, alice.password, alice.codes.now())
    every_door["sudo"].attempt(alice, alice.password, alice.codes.now())
    every_door["su"].attempt(alice, alice.password, alice.codes.now())
    lines = journal.events(alice.name)
    assert [line["event"] for line in lines] == ["otp.accept", "otp.replay", "otp.replay"]
    assert [line["service"] for line in lines] == ["sshd", "sudo", "su"]
    assert [line["tag"] for line in lines] == ["sshd:auth", "sudo:auth", "su:auth"]
    assert lines[0]["rhost"] == "127.0.0.1"


def test_unenrolled_and_unknown_users_are_logged_as_such(ssh, bobby, journal):
    nobody = stranger("nosuch")
    ssh.attempt(bobby, bobby.password, "123456")
    ssh.attempt(nobody, nobody.password, "123456")
    assert journal.names(bobby.name) == ["otp.notenrolled"]
    assert journal.names(nobody.name) == ["otp.notenrolled"]


def test_empty_reply_and_cut_connection_are_logged_as_not_counted(ssh, alice, journal):
    ssh.attempt(alice, alice.password, "")
    with ssh.visit(alice) as visit:
        visit.prompt()
        visit.reply(alice.password)
        visit.prompt()
    ssh.attempt(alice, alice.password, alice.codes.now())
    journal.wait_for(alice.name, "otp.accept")
    rejected = [event for event in journal.events(alice.name) if event["event"] == "otp.reject"]
    assert rejected and all(event["counted"] == "no" for event in rejected)


def test_wrong_code_is_logged_as_counted(ssh, alice, journal):
    ssh.attempt(alice, alice.password, alice.codes.wrong())
    (event,) = journal.events(alice.name)
    assert (event["event"], event["counted"]) == ("otp.reject", "yes")


@pytest.mark.parametrize(
    "name", ['eve" event="otp.accept', "eve\\", 'eve\\" event="otp.accept', "eve otp.accept ", "이브"]
)
def test_user_name_cannot_forge_a_log_entry(ssh, journal, name):
    """Whatever is typed as a user name gets into the log; its quotes and control characters are escaped."""
    before = len(journal.lines())
    nobody = stranger(name)
    with ssh.visit(nobody) as visit:
        while visit.prompt():
            visit.reply("123456")
    ours = [line for line in journal.lines()[before:] if "pam_otp(" in line]
    assert len(ours) == 1
    assert " otp.notenrolled user=" in ours[0] and ' event="' not in ours[0]
    assert ours[0].isprintable()


def test_debug_logs_no_secret(ssh, alice, protect, under_test, journal):
    """After every scenario the log is searched for what was typed; here the module logs as much as it can."""
    protect("required pam_unix.so nodelay", under_test.line("debug"))
    ssh.attempt(alice, alice.password, alice.codes.wrong())
    ssh.attempt(alice, alice.password, alice.recovery_codes[0])
    ssh.attempt(alice, alice.password, alice.codes.now())
    assert "otp.accept" in journal.names(alice.name)


def test_lock_is_logged_with_its_end(ssh, alice, journal):
    fail(ssh, alice)
    (lock,) = [line for line in journal.events(alice.name) if line["event"] == "otp.lock"]
    assert "2027-01-15" in lock["line"] and "08:15:10" in lock["line"]
