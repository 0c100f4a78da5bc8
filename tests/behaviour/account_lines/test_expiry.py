"""Expired passwords and accounts, with our account line before pam_unix's and after it: expiry bypasses neither line."""

import subprocess

import pytest

from account_doors import account_doors, key, knock, side_door  # noqa: F401  (fixtures)
from locking import fail
from policy_file import policy, stack  # noqa: F401

pytestmark = pytest.mark.promised_by("ours")

# pam_unix's account lines: those of a plain service, and those of Debian's common-account.
PLAIN = ["required pam_unix.so"]
DEBIAN = ["[success=1 new_authtok_reqd=done default=ignore] pam_unix.so", "requisite pam_deny.so", "required pam_permit.so"]
EXPIRED = {
    "password to be changed": ["-d", "0"], "password too old": ["-d", "2026-01-01", "-M", "30"],
    "password too old for good": ["-d", "2026-01-01", "-M", "30", "-I", "10"], "account": ["-E", "2027-01-01"],
}


def expire(account, how):
    subprocess.run(["chage", *EXPIRED[how], account.name], check=True, capture_output=True)


@pytest.mark.parametrize("how", EXPIRED)
@pytest.mark.parametrize("others", [PLAIN, DEBIAN], ids=["plain", "Debian"])
def test_expiry_admits_nobody_without_a_second_factor(side_door, bobby, stack, under_test, how, others):
    stack(account=[under_test.line(), *others])
    expire(bobby, how)
    outcome = side_door.attempt(bobby)
    assert outcome.refused and outcome.says("no authenticator"), outcome


@pytest.mark.parametrize("how", EXPIRED)
@pytest.mark.parametrize("name", ["key", "su of root"])
def test_expiry_admits_nobody_where_our_line_follows_a_plain_one(
    account_doors, clock, bobby, stack, under_test, how, name
):
    """Not for sudo without a password: it ignores pam_unix's complaint, and PAM reports only the first complaint."""
    stack(account=[*PLAIN, under_test.line()])
    expire(bobby, how)
    assert account_doors[name].attempt(bobby).refused


@pytest.mark.parametrize("how", EXPIRED)
@pytest.mark.parametrize("at_login", ["off", "require"])
def test_account_line_that_expiry_bypasses_is_not_relied_upon(
    account_doors, clock, bobby, stack, policy, under_test, journal, how, at_login
):
    """Debian's line ends the account lines when the password has expired, so a later line of ours is never reached."""
    stack(account=[*DEBIAN, under_test.line()])
    policy(f'[enroll]\nat_login = "{at_login}"')
    expire(bobby, how)
    outcome = knock(account_doors["sshd"], bobby)
    assert outcome.refused and outcome.prompts[1:] == [under_test.code_prompt], outcome


@pytest.mark.parametrize("how", EXPIRED)
@pytest.mark.parametrize("others", [PLAIN, DEBIAN], ids=["plain", "Debian"])
def test_our_line_does_not_hide_expiry(key, alice, stack, under_test, how, others):
    """For us an enrolled user's key is enough; for pam_unix it is not. sshd lets users change the password only at a
    terminal."""
    stack(account=[under_test.line(), *others])
    assert key.attempt(alice).admitted
    expire(alice, how)
    assert "admitted" not in shown(key, alice)


def shown(door, account):
    """What the screen shows at the end; sshd can refuse here in more than one way."""
    with door.visit(account) as visit:
        visit.prompt()
        return visit._text


@pytest.mark.parametrize("how", EXPIRED)
@pytest.mark.parametrize("others", [PLAIN, DEBIAN], ids=["plain", "Debian"])
def test_expiry_does_not_hide_the_lock(account_doors, key, alice, stack, under_test, how, others):
    fail(account_doors["sshd"], alice)
    stack(account=[under_test.line(), *others])
    expire(alice, how)
    outcome = key.attempt(alice)
    assert outcome.refused and outcome.says("locked until"), outcome


@pytest.mark.parametrize("how", EXPIRED)
def test_expired_user_is_refused_before_the_deadline(key, bobby, stack, policy, how):
    policy('[enforce]\nfrom = "2027-02-01"')
    assert key.attempt(bobby).admitted
    expire(bobby, how)
    assert "admitted" not in shown(key, bobby)
