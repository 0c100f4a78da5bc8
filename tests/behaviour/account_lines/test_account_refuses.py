"""In the account phase too, a policy, a line or a record that cannot be read or understood refuses the login."""

import os
import pathlib
import re
import shutil

import pytest

from account_doors import account_door, account_doors, key, knock, side_door  # noqa: F401  (fixtures)
from policy_file import policy, stack  # noqa: F401
from under_test import Ours

pytestmark = pytest.mark.promised_by("ours")


def unavailable(journal, account):
    """The reason in the last log line, which must say that nothing could be decided."""
    event = journal.events(account.name)[-1]
    assert event["event"] == "otp.unavailable", event
    return event["reason"]


# ---------------------------------------------------------------------------------------------------------- the policy

MISTAKES = {
    "no TOML": "[enforce]\nthis is [ not toml",
    "unknown key": "[enforce]\ngruops = []",
    "unknown section": "[enforce]\n[enforcement]",
    "month that is none": '[enforce]\nfrom = "2027-13-01"',
    "day that is none": '[enforce]\nfrom = "2027-02-30"',
    "day of a leap year that is none": '[enforce]\nfrom = "2027-02-29"',
    "day in words": '[enforce]\nfrom = "tomorrow"',
    "day in numbers": "[enforce]\nfrom = 20270201",
    "time that is none": '[enforce]\nfrom = "2027-02-01T25:00:00Z"',
    "time without a day": '[enforce]\nfrom = "09:00:00"',
    "day with a tail": '[enforce]\nfrom = "2027-02-01 or so"',
    "grace without a unit": '[enforce]\ngrace = "7"',
    "grace below nothing": '[enforce]\ngrace = "-7d"',
    "groups that are no list": '[enforce]\ngroups = "staff"',
    "groups that are no text": "[enforce]\ngroups = [true]",
    "exempt users that are no list": '[enforce]\nexempt_users = "root"',
    "exempt groups that are no list": "[enforce]\nexempt_groups = 0",
    "group without a name": '[enforce]\ngroups = [""]',
    "group with a blank too many": '[enforce]\ngroups = ["staff "]',
    "exempt user without a name": '[enforce]\nexempt_users = [""]',
    "everybody exempt": '[enforce]\nexempt_users = ["*"]',
    "every group exempt": '[enforce]\nexempt_groups = ["*"]',
    "at_login that is none": '[enroll]\nat_login = "maybe"',
    "at_login that is no text": "[enroll]\nat_login = true",
    "qr that is none": '[enroll]\nqr = "sixel"',
    "network that is none": '[trust]\nnetworks = ["10.0.0.0/33"]',
    "network by name": '[trust]\nnetworks = ["localhost"]',
    "remember without a unit": '[trust]\nremember = "8"',
}


@pytest.mark.parametrize("text", MISTAKES.values(), ids=MISTAKES)
def test_policy_with_a_mistake_admits_nobody_and_the_log_names_the_line(key, alice, bobby, policy, stack, journal, text):
    stack("nullok")
    policy(text)
    for account in (alice, bobby):
        assert key.attempt(account).refused
        reason = unavailable(journal, account)
        assert "pam_otp.conf" in reason and re.search(r"\bline 2\b|:2\b", reason), reason


@pytest.mark.parametrize("text", [MISTAKES["no TOML"], MISTAKES["day that is none"]])
def test_policy_with_a_mistake_refuses_at_every_door_in_the_auth_phase(
    account_door, alice, bobby, policy, journal, text
):
    policy(text)
    for account in (alice, bobby):
        assert knock(account_door, account, account.codes and account.codes.now() or "123456").refused
        assert "line 2" in unavailable(journal, account)
        assert journal.events(account.name)[-1]["tag"].endswith(":auth")


def test_policy_with_a_mistake_refuses_where_only_an_account_line_runs(side_door, alice, bobby, policy, journal):
    policy(MISTAKES["unknown key"])
    for account in (alice, bobby):
        outcome = side_door.attempt(account)
        assert outcome.refused and outcome.says("could not be checked"), outcome
        assert "unknown key" in unavailable(journal, account)


@pytest.mark.parametrize("mode", [0o666, 0o664])
def test_policy_that_other_users_can_write_refuses(side_door, alice, bobby, policy, journal, mode):
    policy("[enforce]\ngroups = []", mode=mode)
    for account in (alice, bobby):
        assert side_door.attempt(account).refused
        assert unavailable(journal, account)


def test_policy_owned_by_another_user_refuses(side_door, alice, policy, journal):
    policy("[enforce]\ngroups = []")
    os.chown("/etc/security/pam_otp.conf", 12345, 0)
    assert side_door.attempt(alice).refused
    assert unavailable(journal, alice)


def test_corrected_policy_admits_again(key, alice, policy):
    policy(MISTAKES["no TOML"])
    assert key.attempt(alice).refused
    policy("[enforce]\ngroups = []")
    assert key.attempt(alice).admitted


# ------------------------------------------------------------------------------------------------------------ the line

ARGUMENTS = [
    "nulok", "nullok=yes", "conf=relative.conf", "lang=xx", "state_dir=relative", "grace_period=soon", "grace_period=-1",
    "nullok nonsense",
]


@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_account_line_with_a_mistake_admits_nobody(key, alice, bobby, stack, under_test, journal, arguments):
    stack(account=[under_test.line(arguments), "required pam_unix.so"])
    for account in (alice, bobby):
        outcome = key.attempt(account)
        assert outcome.refused and outcome.says("could not be checked"), outcome
        position = len(arguments.split())
        assert f"argument {position}" in unavailable(journal, account)


def test_account_line_with_a_mistake_refuses_at_every_door(account_door, alice, stack, under_test, journal):
    stack(account=[under_test.line("nulok"), "required pam_unix.so"])
    assert account_door.attempt(alice, alice.password, alice.codes.now()).refused
    assert "argument 1" in unavailable(journal, alice)


def test_account_line_with_a_mistake_refuses_where_no_auth_line_runs(side_door, alice, stack, under_test, journal):
    stack(account=[under_test.line("nulok"), "required pam_unix.so"])
    assert side_door.attempt(alice).refused
    assert "argument 1" in unavailable(journal, alice)


@pytest.mark.parametrize("arguments", [
    "forward_pass", "use_first_pass", "split", "echo_verification_code", "debug", "[authtok_prompt=Six: ]",
])
def test_arguments_of_the_auth_line_are_harmless_on_the_account_line(key, alice, bobby, stack, arguments, under_test):
    """For administrators who write the same arguments on both lines. These have an effect only on the auth line."""
    stack(account=[under_test.line(arguments), "required pam_unix.so"])
    assert key.attempt(alice).admitted
    assert key.attempt(bobby).refused


def test_conf_on_the_account_line_selects_its_policy(key, bobby, stack, under_test):
    path = pathlib.Path("/etc/security/other.conf")
    path.write_text("[enforce]\ngroups = []\n")
    path.chmod(0o644)
    stack(account=[under_test.line(f"conf={path}"), "required pam_unix.so"])
    assert key.attempt(bobby).admitted


# ------------------------------------------------------------------------------------------------------------ the store


def directory(account):
    return Ours.state_directory / account.name


def damaged(name, content):
    def damage(account):
        (directory(account) / name).write_bytes(content)

    return damage


def cut(name):
    def damage(account):
        path = directory(account) / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return damage


def a_file(account):
    shutil.rmtree(directory(account))
    directory(account).touch(mode=0o600)


def missing(name):
    return lambda account: (directory(account) / name).unlink()


def a_directory(name):
    def damage(account):
        (directory(account) / name).unlink()
        (directory(account) / name).mkdir()

    return damage


def somebody_elses(name):
    return lambda account: os.chown(directory(account) / name, 12345, 12345)


def writable(name):
    return lambda account: (directory(account) / name).chmod(0o666)


CREDENTIAL = "credential.toml"
STORE = {
    **{f"{name} {what}": damage(name) for name in (CREDENTIAL, "state") for what, damage in {
        "cut": cut, "is a directory": a_directory, "somebody else's": somebody_elses, "others may write": writable,
    }.items()},
    "credential empty": damaged(CREDENTIAL, b""), "state empty": damaged("state", b""),
    "credential text": damaged(CREDENTIAL, b"hello\n"), "state zeros": damaged("state", bytes(4096)),
    "state missing": missing("state"), "directory is a file": a_file,
}


@pytest.mark.parametrize("damage", STORE.values(), ids=STORE)
def test_unreadable_record_admits_nobody(key, alice, journal, damage):
    damage(alice)
    outcome = key.attempt(alice)
    assert outcome.refused and outcome.says("could not be checked"), outcome
    assert unavailable(journal, alice)


@pytest.mark.parametrize("excuse", ["exempt user", "nobody must", "day to come", "nullok"])
def test_unreadable_record_is_not_taken_for_a_missing_one(key, alice, policy, stack, journal, excuse):
    """A user without a record would be admitted here."""
    STORE[f"{CREDENTIAL} cut"](alice)
    stack("nullok" if excuse == "nullok" else "")
    policy({
        "exempt user": f'[enforce]\nexempt_users = ["{alice.name}"]', "nobody must": "[enforce]\ngroups = []",
        "day to come": '[enforce]\nfrom = "2027-02-01"', "nullok": "",
    }[excuse])
    assert key.attempt(alice).refused
    assert unavailable(journal, alice)


@pytest.mark.parametrize("damage", [STORE[f"{CREDENTIAL} cut"], STORE["state zeros"]], ids=["credential cut", "state zeros"])
def test_unreadable_record_refuses_where_only_an_account_line_runs(side_door, alice, journal, damage):
    damage(alice)
    assert side_door.attempt(alice).refused
    assert unavailable(journal, alice)


def test_file_at_the_path_of_a_users_directory_refuses_even_before_the_deadline(key, bobby, policy, journal):
    policy('[enforce]\nfrom = "2027-02-01"')
    directory(bobby).touch(mode=0o600)
    assert key.attempt(bobby).refused
    assert unavailable(journal, bobby)


@pytest.mark.parametrize("arguments", ["", "nullok"])
def test_missing_store_refuses(side_door, alice, bobby, stack, under_test, journal, arguments):
    stack(account=[under_test.line(f"state_dir=/var/lib/nowhere {arguments}"), "required pam_unix.so"])
    for account in (alice, bobby):
        assert side_door.attempt(account).refused
        assert unavailable(journal, account)
