"""One person, one account: a second name of the same user id leads to the same record, by every way in.

sudo looks its caller up by user id, so an alias is the canonical user there from the start; sshd and su pass the alias on.
"""

import pathlib
import re
import subprocess

import pytest

import accounts
import codes
import self_service
from account_doors import account_doors, in_without_a_code, knock  # noqa: F401  (a fixture)
from login_enrolment import ENGLISH, REQUIRE, enrol as enrol_in_login
from policy_file import PASSWORD, policy, protect_with_account  # noqa: F401  (a fixture)
from under_test import BINARIES, Ours

pytestmark = pytest.mark.promised_by("ours")

AHEAD = '[enforce]\nfrom = "2027-02-01"\n'
# Module arguments and policies, each of which treats users without an authenticator better than the default does.
LENIENT = {
    "nullok": ("nullok", ""),
    "deadline ahead": ("", AHEAD),
    "grace": ("", '[enforce]\ngrace = "7d"\n'),
    "at_login": ("", REQUIRE),
    "nobody must": ("", "[enforce]\ngroups = []\n"),
}


def protect_all(under_test, arguments=""):
    """Puts both lines into every service. unix_chkpwd checks no password by an alias, so pamtester's service does without
    pam_unix."""
    ours = under_test.line(arguments)
    protect_with_account([PASSWORD, ours], [ours, "required pam_permit.so"])
    service = pathlib.Path("/etc/pam.d/pamtester")
    service.write_text(service.read_text().replace(f"auth {PASSWORD}", "auth required pam_permit.so"))


@pytest.fixture(params=LENIENT.values(), ids=LENIENT)
def lenient(under_test, policy, request):  # noqa: F811
    arguments, text = request.param
    policy(text)
    protect_all(under_test, arguments)


@pytest.fixture(params=["sshd", "sudo", "su", "pamtester"])
def way(account_doors, clock, request):  # noqa: F811
    return account_doors[request.param]


@pytest.fixture
def ally(alice):
    """Alice by her other name; the authenticator is alice's."""
    return accounts.alias_of(alice)


def record_names():
    return sorted(entry.name for entry in Ours.state_directory.iterdir())


# --------------------------------------------------------------------------------------------------- enrolled users


def test_alias_of_an_enrolled_user_is_asked_for_the_code_of_that_user(way, ally, lenient):
    outcome = knock(way, ally, ally.codes.wrong())
    assert outcome.refused and any("code" in asked for asked in outcome.prompts), outcome
    assert "otpauth" not in outcome.transcript
    assert knock(way, ally, ally.codes.now()).admitted


def test_code_is_accepted_once_over_both_names(way, alice, ally, under_test):
    protect_all(under_test)
    code = alice.codes.now()
    assert knock(way, ally, code).admitted
    assert knock(way, alice, code).refused
    assert knock(way, ally, code).refused


def test_lock_counts_and_holds_over_both_names(way, alice, ally, under_test, ssh):
    protect_all(under_test)
    for who in (alice, ally, alice, ally, ally):
        assert knock(way, who, alice.codes.wrong()).refused
    for who in (alice, ally):
        assert knock(way, who, alice.codes.now()).refused
    assert self_service.status(alice)["locked"]
    assert alice.name in record_names() and ally.name not in record_names()


def test_log_has_the_name_as_given_and_the_canonical_name(ssh, alice, ally, journal):
    assert ssh.attempt(ally, ally.password, ally.codes.now()).admitted
    (event,) = journal.events(ally.name)
    assert (event["event"], event["account"]) == ("otp.accept", alice.name)
    assert ssh.attempt(alice, alice.password, alice.codes.wrong()).refused
    (event,) = journal.events(alice.name)
    assert "account" not in event


# ----------------------------------------------------------------------------------- users without an authenticator


def test_alias_that_enrols_in_a_login_enrols_the_canonical_user(ssh, bobby, clock, under_test, policy):  # noqa: F811
    protect_all(under_test)
    policy(REQUIRE)
    alias = accounts.alias_of(bobby)
    login = enrol_in_login(ssh, alias, clock)
    assert f":{bobby.name}?" in login.uri.replace("%3A", ":"), "the label names the canonical user"
    assert bobby.name in record_names() and alias.name not in record_names()
    clock.advance(30)
    outcome = knock(ssh, bobby, alias.codes.now())
    assert outcome.admitted and ENGLISH.code in outcome.prompts


def test_otp_enroll_run_by_an_alias_is_about_the_canonical_user(alice, ally, clock):
    assert self_service.status(ally) == self_service.status(alice)
    before = self_service.record(alice)
    self_service.change(ally, alice.codes.wrong(), "recovery-codes")
    assert self_service.record(alice)["credential.toml"] == before["credential.toml"], "nothing changes without a code of hers"
    assert ally.name not in record_names()


def test_otp_enroll_run_by_an_alias_enrols_the_canonical_user(ssh, bobby, clock, under_test):
    alias = accounts.alias_of(bobby)
    bobby.codes, _ = self_service.enrol(alias, clock)
    assert bobby.name in record_names() and alias.name not in record_names()
    clock.advance(30)
    assert ssh.attempt(alias, alias.password, bobby.codes.now()).admitted


def test_root_may_give_either_name(alice, ally, under_test):
    assert self_service.status(alice)["enrolled"]
    shown = [under_test.admin("show", who.name) for who in (alice, ally)]
    assert shown[0] == shown[1] and alice.name in shown[0]
    under_test.admin("reset", ally.name)
    assert not self_service.status(alice)["enrolled"]


# ------------------------------------------------------------------------------------------------------------ policy


def test_demand_on_the_group_of_an_alias_holds_for_logins_by_the_alias(ssh, bobby, under_test, policy):  # noqa: F811
    """useradd has created a group of the alias's own, to which the canonical name does not belong."""
    protect_all(under_test)
    alias = accounts.alias_of(bobby)
    policy(f'[enforce]\ngroups = ["{alias.name}"]\n')
    assert not in_without_a_code(ssh, alias)
    assert in_without_a_code(ssh, bobby)


def test_exempt_alias_is_exempt_only_if_the_canonical_user_is(ssh, bobby, under_test, policy):  # noqa: F811
    protect_all(under_test)
    alias = accounts.alias_of(bobby)
    policy(f'[enforce]\nexempt_users = ["{alias.name}"]\n')
    assert not in_without_a_code(ssh, alias)
    said = under_test.admin("policy", "check", "--force")
    assert f"'{alias.name}' is another name of {bobby.name}" in said
    policy(f'[enforce]\nexempt_users = ["{alias.name}", "{bobby.name}"]\n')
    assert in_without_a_code(ssh, alias)
    assert "another name" not in under_test.admin("policy", "check", "--force")
    assert f"{alias.name} is another name of {bobby.name}" in under_test.admin("policy", "show", alias.name)


# --------------------------------------------------------------------------------- a user list that contradicts itself


def test_contradictory_user_list_admits_nobody_without_a_question(ssh, bobby, under_test, journal, lenient):
    """bobby's user id leads to a name with another user id, so nobody can say whose records are his."""
    passwd = pathlib.Path("/etc/passwd")
    before = passwd.read_text()
    entry = next(line for line in before.splitlines() if line.startswith(f"{bobby.name}:"))
    number = entry.split(":")[2]
    ghosts = [re.sub(rf"^{bobby.name}:x:{number}:", f"ghost:x:{uid}:", entry) for uid in ("61234", number)]
    try:
        passwd.write_text("\n".join(ghosts) + "\n" + before)
        assert knock(ssh, bobby).refused
    finally:
        passwd.write_text(before)
    (event,) = [one for one in journal.events(bobby.name) if one["event"] == "otp.unavailable"]
    assert number in event["reason"] and "ghost" in event["reason"]


# --------------------------------------------------------------- records that an older version kept under a second name


@pytest.fixture
def old_record(bobby, under_test, clock):
    """Bobby's record as an older version left it: in a directory of the alias's name, which its credential also names.
    Returns the alias."""
    alias = accounts.alias_of(bobby)
    bobby.codes = alias.codes = codes.Codes(under_test.enrol(bobby), clock)
    credential = Ours.state_directory / bobby.name / "credential.toml"
    credential.write_text(credential.read_text().replace(f'"{bobby.name}"', f'"{alias.name}"'))
    (Ours.state_directory / bobby.name).rename(Ours.state_directory / alias.name)
    return alias


def test_record_under_an_alias_is_reported_and_can_be_moved(bobby, old_record, under_test, ssh):
    alias = old_record
    listed = under_test.admin("list")
    assert f"otp-admin move {alias.name} {bobby.name}" in listed and f"otp-admin reset {alias.name}" in listed
    shown = subprocess.run([BINARIES / "otp-admin", "show", alias.name], capture_output=True, text=True)
    assert shown.returncode == 1 and f"otp-admin move {alias.name} {bobby.name}" in shown.stderr
    assert ssh.attempt(alias, alias.password, bobby.codes.now()).refused, "the record admits nobody"
    under_test.admin("move", alias.name, bobby.name)
    assert alias.name not in record_names()
    assert ssh.attempt(alias, alias.password, bobby.codes.now()).admitted


def permissions(under_test):
    """Runs the script that the packages run at every installation."""
    subprocess.run(
        [BINARIES / "permissions", Ours.state_directory, Ours.helper], check=True, capture_output=True,
        env={"PATH": f"{BINARIES}:/usr/sbin:/usr/bin:/sbin:/bin"},
    )


def test_upgrade_moves_a_record_under_an_alias_to_its_canonical_user(bobby, old_record, under_test, ssh):
    permissions(under_test)
    assert old_record.name not in record_names()
    assert ssh.attempt(old_record, bobby.password, bobby.codes.now()).admitted


def test_upgrade_leaves_the_canonical_users_record_alone(alice, ally, under_test, ssh):
    stray = Ours.state_directory / ally.name
    subprocess.run(["cp", "-a", Ours.state_directory / alice.name, stray], check=True)
    credential = stray / "credential.toml"
    credential.write_text(credential.read_text().replace(f'"{alice.name}"', f'"{ally.name}"'))
    before = self_service.record(alice)
    permissions(under_test)
    assert self_service.record(alice) == before and stray.exists()
    assert ally.name in under_test.admin("list")
    assert "another name of" in under_test.admin("list")


def test_reset_of_an_alias_with_a_record_leaves_the_canonical_users(alice, ally, under_test):
    stray = Ours.state_directory / ally.name
    stray.mkdir(mode=0o2770)
    (stray / "credential.toml").write_text("left by an older version")
    under_test.admin("reset", ally.name)
    assert not stray.exists()
    assert self_service.status(alice)["enrolled"]
