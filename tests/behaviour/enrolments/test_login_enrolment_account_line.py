"""The account line sets up the authenticator, so libpam must be sure to reach it. Where an earlier line may bypass it, a
code is asked for and refused."""

import pathlib

import pytest

from login_enrolment import AHEAD, ENGLISH, OFFER, PASSWORD, REQUIRE, enrol, kept_on_disk, lines  # noqa: F401  (a fixture)
from self_service import policy  # noqa: F401  (a fixture)

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("required")]

UNIX = "required pam_unix.so"
JUMPING = ["[success=1 new_authtok_reqd=done default=ignore] pam_unix.so", "requisite pam_deny.so", "required pam_permit.so"]
INCLUDED = pathlib.Path("/etc/pam.d/included")

# The account lines of a service. OURS is our module; lines that begin with a colon go into the included file.
UNSURE = {
    "missing": [UNIX],
    "missing, and nothing else": ["required pam_permit.so"],
    "only in a comment": [UNIX, "required pam_permit.so # OURS"],
    "sufficient before": ["sufficient pam_unix.so", "required OURS"],
    "sufficient before, with others between": ["sufficient pam_permit.so", UNIX, "required OURS"],
    "success=done before": ["[success=done default=bad] pam_unix.so", "required OURS"],
    "new_authtok_reqd=done before": ["[success=ok new_authtok_reqd=done default=bad] pam_unix.so", "required OURS"],
    "default=done before": ["[success=ok default=done] pam_unix.so", "required OURS"],
    "success=1 before": ["[success=1 default=ignore] pam_permit.so", "required OURS", UNIX],
    "default=2 before": ["[default=2] pam_permit.so", UNIX, "required OURS", UNIX],
    "below common-account": [*JUMPING, "required OURS"],
    "sufficient in an include": ["include included", "required OURS", ":sufficient pam_permit.so"],
    "sufficient in an @include": ["@include included", "required OURS", ":sufficient pam_permit.so"],
    "sufficient in an @INCLUDE": ["@INCLUDE included", "required OURS", ":sufficient pam_permit.so"],
    "jump in an include": ["include included", "required OURS", *(f":{line}" for line in JUMPING)],
    "led around in its include": ["include included", UNIX, ":sufficient pam_permit.so", ":required OURS"],
    "led around in its substack": ["substack included", UNIX, ":sufficient pam_permit.so", ":required OURS"],
    "jumped over as a substack": ["[success=1 default=ignore] pam_permit.so", "substack included", UNIX, ":required OURS"],
    "optional": ["optional OURS", UNIX],
    "sufficient": ["sufficient OURS", UNIX],
    "default=ignore": ["[success=ok default=ignore] OURS", UNIX],
    "perm_denied=ignore": ["[success=ok perm_denied=ignore default=bad] OURS", UNIX],
    # libpam continues a line that ends in a backslash over comments and empty lines; a backslash before a comment does
    # not count.
    "part of another line, over a comment": ["required pam_permit.so \\\n# a comment", "required OURS"],
    "part of another line, over nothing": ["required pam_permit.so \\\n", "required OURS"],
    "below what only looks continued": ["required pam_permit.so \\ # more", "sufficient pam_permit.so", "required OURS"],
    "over two lines, which not every libpam joins alike": ["required \\\n  OURS", UNIX],
    "reset after it": ["required OURS", "[default=reset] pam_permit.so", "required pam_permit.so"],
}
SURE = {
    "success=done": ["[success=done default=bad] OURS", UNIX],
    "success=ignore": ["[success=ignore default=bad] OURS", UNIX],
    "required": ["required OURS", UNIX],
    "requisite": ["requisite OURS", UNIX],
    "default=bad": ["[success=ok new_authtok_reqd=ok ignore=ignore default=bad] OURS", UNIX],
    "default=die": ["[success=ok default=die] OURS", UNIX],
    "above common-account": ["required OURS", *JUMPING],
    "below required lines": ["required pam_permit.so", UNIX, "required OURS"],
    "by @include": ["@include included", UNIX, ":required OURS"],
    "by include": ["include included", UNIX, ":required OURS"],
    "by substack": ["substack included", UNIX, ":required OURS"],
    "in small and capital letters": ["REQUIRED OURS", UNIX],
    "below an optional line": ["optional pam_unix.so", "required OURS", UNIX],
}


@pytest.fixture
def required(policy):  # noqa: F811
    """The default of this file; a test may set another policy."""
    policy(REQUIRE)


@pytest.fixture
def account_lines(lines, under_test):  # noqa: F811
    """`account_lines(LIST)` writes the lines of one row of the tables above."""

    def write(table):
        table = [line.replace("OURS", under_test.module) for line in table]
        INCLUDED.write_text("".join(f"account {line[1:]}\n" for line in table if line.startswith(":")))
        lines(account=[line for line in table if not line.startswith(":")])

    yield write
    INCLUDED.unlink(missing_ok=True)


@pytest.mark.parametrize("table", UNSURE.values(), ids=[name.replace(" ", "-") for name in UNSURE])
def test_without_a_sure_account_line_nobody_is_admitted(every_door, clock, bobby, journal, account_lines, table):
    account_lines(table)
    before = kept_on_disk()
    outcome = every_door["su"].attempt(bobby, bobby.password, "123456", prompts=ENGLISH.questions)
    assert outcome.refused and outcome.prompts == [PASSWORD, ENGLISH.code]
    (warning,) = [event for event in journal.events(bobby.name) if event["event"] == "otp.policy"]
    assert "account" in warning["reason"] and warning["tag"] == "su:auth"
    assert kept_on_disk() == before


@pytest.mark.parametrize("table", SURE.values(), ids=[name.replace(" ", "-") for name in SURE])
def test_sure_account_line_sets_up_the_authenticator(every_door, clock, bobby, journal, account_lines, table):
    account_lines(table)
    enrol(every_door["su"], bobby, clock)
    assert "otp.policy" not in journal.names(bobby.name)


@pytest.mark.parametrize("name", ["missing", "sufficient before", "optional"])
def test_sshd_admits_nobody_without_a_sure_account_line_either(ssh, bobby, journal, account_lines, name):
    account_lines(UNSURE[name])
    outcome = ssh.attempt(bobby, bobby.password, "123456")
    assert outcome.refused and outcome.prompts == [PASSWORD, ENGLISH.code]
    (warning,) = [event for event in journal.events(bobby.name) if event["event"] == "otp.policy"]
    assert warning["tag"] == "sshd:auth"


@pytest.mark.parametrize("name", ["by @include", "by include"])
def test_sshd_finds_the_account_line_in_an_include(ssh, bobby, clock, account_lines, name):
    account_lines(SURE[name])
    enrol(ssh, bobby, clock)


def test_missing_and_bypassed_lines_have_different_reasons(every_door, clock, bobby, journal, account_lines):
    reasons = []
    for name in ("missing", "sufficient before"):
        account_lines(UNSURE[name])
        every_door["su"].attempt(bobby, bobby.password, "123456")
        reasons += [event["reason"] for event in journal.events(bobby.name) if event["event"] == "otp.policy"]
    assert len(set(reasons)) == 2


def test_unenrolled_user_sees_the_same_as_after_a_wrong_code(ssh, alice, bobby, account_lines):
    account_lines(UNSURE["missing"])
    wrong = ssh.attempt(alice, alice.password, alice.codes.wrong())
    assert ssh.attempt(bobby, bobby.password, "123456").transcript == wrong.transcript


def test_enrolled_user_notices_no_difference(every_door, alice, account_lines, journal, clock):
    account_lines(UNSURE["missing"])
    assert every_door["su"].attempt(alice, alice.password, alice.codes.now()).admitted
    assert "otp.policy" not in journal.names(alice.name)


def test_missing_line_keeps_nobody_out_before_the_deadline(every_door, clock, bobby, policy, account_lines):  # noqa: F811
    policy(OFFER, AHEAD)
    account_lines(UNSURE["missing"])
    outcome = every_door["su"].attempt(bobby, bobby.password)
    assert outcome.admitted and outcome.prompts == [PASSWORD]
