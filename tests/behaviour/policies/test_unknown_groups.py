"""Groups of the policy that do not exist, or that the name service cannot look up: nobody is admitted because of that.

A group that must have a second factor then counts as containing everybody, and an exempt group as containing nobody. A
table in pam_otp/src/account/tests/demand.rs has what policy makes of such groups. Here the account line meets a real name
service that fails in each possible way, and each door meets one way.
"""

import subprocess

import pytest

import groups
from account_doors import account_door, account_doors, account_line, in_without_a_code  # noqa: F401  (fixtures)
from application import program  # noqa: F401
from groups import FAILING, ask_for_groups, failing_services, others, staff  # noqa: F401
from policy_file import policy, stack  # noqa: F401
from policy_file import enforce

pytestmark = pytest.mark.promised_by("ours")

NOWHERE = {"name": "nosuchgroup", "number": "4242424", "number beyond all numbers": "99999999999"}
WAYS = ["name", "number"]


def reasons(journal, account):
    """The logged reasons for which the policy could not be followed exactly."""
    return [event["reason"] for event in journal.events(account.name) if event["event"] == "otp.policy"]


# -------------------------------------------------------------------------------------------- groups that do not exist


@pytest.mark.parametrize("list_of", ["groups", "exempt_groups"])
def test_missing_group_demands_and_exempts_nobody(account_line, bobby, policy, journal, list_of):
    for name in NOWHERE.values():
        policy(enforce(**{list_of: [name]}))
        assert not in_without_a_code(account_line, bobby), name
        assert f"group {name} " in reasons(journal, bobby)[-1]


def test_missing_group_is_a_warning_that_names_it(account_door, bobby, policy, journal):
    policy(enforce(groups=["nosuchgroup"]))
    assert not in_without_a_code(account_door, bobby)
    assert any("nosuchgroup" in reason and "looked up" in reason for reason in reasons(journal, bobby))


def test_existing_groups_cause_no_log_entry(account_door, bobby, staff, others, policy, journal):
    policy(enforce(groups=[others.name, others.number], exempt_groups=[others.name]))
    assert in_without_a_code(account_door, bobby)
    assert reasons(journal, bobby) == []


def test_sure_exemption_holds_beside_a_missing_group(account_line, bobby, staff, policy):
    policy(enforce(groups=["nosuchgroup"], exempt_groups=["nosuchgroup", staff.name]))
    assert in_without_a_code(account_line, bobby)
    policy(enforce(groups=["nosuchgroup"], exempt_groups=["nosuchgroup"], exempt_users=[bobby.name]))
    assert in_without_a_code(account_line, bobby)


def test_group_counts_as_soon_as_it_exists(account_line, bobby, policy):
    policy(enforce(groups=["latecomers70"]))
    assert not in_without_a_code(account_line, bobby)
    with groups.GROUP_FILE.open("a") as file:
        file.write("latecomers70:x:69070:\n")
    try:
        assert in_without_a_code(account_line, bobby)
    finally:
        groups.GROUP_FILE.write_text(groups.GROUP_FILE.read_text().replace("latecomers70:x:69070:\n", ""))


# -------------------------------------------------------------------------------------------- a name service that fails


@pytest.fixture(params=FAILING)
def failing(request, ask_for_groups):
    """Name services that cannot look up groups, failing in each possible way. Users can be looked up."""
    ask_for_groups(request.param)
    return request.param


def test_failing_service_does_fail(failing, staff, bobby):
    for key in (staff.name, staff.number):
        assert subprocess.run(["getent", "group", key], capture_output=True).returncode == 2
    assert subprocess.run(["getent", "passwd", bobby.name], capture_output=True).returncode == 0


def test_demand_holds_for_everybody_while_groups_cannot_be_looked_up(account_line, failing, bobby, staff, others, policy):
    for group in (staff, others):
        for way in WAYS:
            policy(enforce(groups=[getattr(group, way)]))
            assert not in_without_a_code(account_line, bobby), (group.name, way)


def test_nobody_is_exempt_while_groups_cannot_be_looked_up(account_line, failing, bobby, staff, policy, journal):
    for way in WAYS:
        policy(enforce(groups=["*"], exempt_groups=[getattr(staff, way)]))
        assert not in_without_a_code(account_line, bobby), way
        assert getattr(staff, way) in reasons(journal, bobby)[-1]


def test_primary_group_needs_no_look_up(account_line, bobby, ask_for_groups, policy):
    """The list of users contains its number."""
    own = groups.primary(bobby)
    ask_for_groups("otpdown")
    policy(enforce(groups=[own.number]))
    assert not in_without_a_code(account_line, bobby)
    policy(enforce(groups=["*"], exempt_groups=[own.number]))
    assert in_without_a_code(account_line, bobby)


def test_enrolled_user_is_admitted_with_a_code_while_groups_cannot_be_looked_up(account_doors, clock, failing, alice, policy):
    policy(enforce(groups=["staff"], exempt_groups=["managers"]))
    assert account_doors["sshd"].attempt(alice, alice.password, alice.codes.now()).admitted
    clock.advance(30)
    assert account_doors["sshd"].attempt(alice, alice.password, alice.codes.wrong()).refused


def test_user_exempt_by_name_is_admitted_while_groups_cannot_be_looked_up(account_line, failing, bobby, policy):
    policy(enforce(groups=["staff"], exempt_groups=["managers"], exempt_users=[bobby.name]))
    assert in_without_a_code(account_line, bobby)


def test_local_group_counts_while_a_directory_after_it_is_down(
    account_door, account_line, bobby, staff, ask_for_groups, policy
):
    ask_for_groups("files", "otpdown")
    for door, way in ((account_door, "name"), (account_line, "name"), (account_line, "number")):
        policy(enforce(groups=[getattr(staff, way)]))
        assert not in_without_a_code(door, bobby)
        policy(enforce(groups=["*"], exempt_groups=[getattr(staff, way)]))
        assert in_without_a_code(door, bobby)


@pytest.mark.parametrize("service", FAILING)
def test_group_of_a_directory_that_is_down_contains_everybody(
    account_doors, account_line, clock, bobby, ask_for_groups, policy, service
):
    """The group is not a local one, and the service that may know it does not answer."""
    ask_for_groups("files", service)
    for way in WAYS:
        for keys in ({"groups": [NOWHERE[way]]}, {"groups": ["*"], "exempt_groups": [NOWHERE[way]]}):
            policy(enforce(**keys))
            assert not in_without_a_code(account_line, bobby), (way, keys)
    for door in ("sshd", "key"):
        assert not in_without_a_code(account_doors[door], bobby)


def test_failure_is_over_when_the_service_answers_again(account_doors, stack, clock, bobby, others, ask_for_groups, policy):
    policy(enforce(groups=[others.name]))
    ask_for_groups("otpdown")
    assert not in_without_a_code(account_doors["key"], bobby)
    ask_for_groups("files")
    assert in_without_a_code(account_doors["key"], bobby)
