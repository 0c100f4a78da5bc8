"""login at a console (shadow's, as on Debian 12): the time that login.defs gives for password and code, and what is reported."""

import pathlib
import re

import pexpect
import pytest

import doors

pytestmark = pytest.mark.promised_by("ours")

DEFS = pathlib.Path("/etc/login.defs")


@pytest.fixture
def three_seconds():
    before = DEFS.read_text()
    assert re.search(r"(?m)^LOGIN_TIMEOUT\s+60$", before), "pam_otp-setup(7) says so of Debian"
    DEFS.write_text(re.sub(r"(?m)^LOGIN_TIMEOUT.*\n", "", before) + "LOGIN_TIMEOUT 3\n")
    yield
    DEFS.write_text(before)


def test_login_not_done_in_time_ends_at_the_code_and_counts_nothing(alice, three_seconds, under_test, journal):
    lines = ["auth required pam_unix.so nodelay", f"auth {under_test.line()}", "account required pam_unix.so",
             "session required pam_permit.so", ""]
    pathlib.Path("/etc/pam.d/login").write_text("\n".join(lines))
    login = pexpect.spawn("/bin/login", [alice.name], encoding="utf-8", timeout=doors.TIMEOUT_SECONDS)
    doors.TYPED.append(alice.password)
    login.expect_exact("Password: ")
    login.sendline(alice.password)
    # A slow machine may not reach the question for the code.
    login.expect_exact("Login timed out after 3 seconds")
    login.expect(pexpect.EOF)
    login.wait()
    login.close()
    assert set(journal.names(alice.name)) <= {"otp.unavailable"}


@pytest.fixture
def one_try():
    before = DEFS.read_text()
    DEFS.write_text(re.sub(r"(?m)^LOGIN_RETRIES.*\n|^FAIL_DELAY.*\n", "", before) + "LOGIN_RETRIES 1\nFAIL_DELAY 0\n")
    yield
    DEFS.write_text(before)


def test_login_does_not_report_a_wrong_password_after_the_code(alice, one_try, under_test, journal):
    lines = [f"auth {under_test.line()}", "auth required pam_unix.so nodelay", "account required pam_unix.so",
             "session required pam_permit.so", ""]
    pathlib.Path("/etc/pam.d/login").write_text("\n".join(lines))
    login = pexpect.spawn("/bin/login", [alice.name], encoding="utf-8", timeout=doors.TIMEOUT_SECONDS)
    for question, reply in (("Verification code: ", alice.codes.now()), ("Password: ", f"not {alice.password}")):
        doors.TYPED.append(reply)
        login.expect_exact(question)
        login.sendline(reply)
    login.expect(["Maximum number of tries exceeded", "Login incorrect"])
    login.expect(pexpect.EOF)
    login.wait()
    login.close()
    assert journal.names(alice.name) == ["otp.accept"], "otherwise pam_otp(8) must say that login reports otp.onefactor"
