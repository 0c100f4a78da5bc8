"""Who must have a second factor: groups by name and by number, and exempt users and groups.

`bobby` has no authenticator, so his admission shows what is demanded of him. Every door and both phases ask the policy the
same question, whose answers are in a table in pam_otp/src/account/tests/demand.rs. Here the account line meets the groups of
a real machine, and each door meets each outcome.
"""


import pytest

import groups
from account_doors import account_door, account_doors, account_line, in_without_a_code, knock, side_door  # noqa: F401
from application import program  # noqa: F401
from groups import others, staff  # noqa: F401
from policy_file import PASSWORD, policy, stack  # noqa: F401
from policy_file import enforce

pytestmark = pytest.mark.promised_by("ours")

# Group lists that include bobby, and group lists that do not.
HOLDS = {
    "primary group by name": lambda bobby, staff, others: [groups.primary(bobby).name],
    "primary group by number": lambda bobby, staff, others: [groups.primary(bobby).number],
    "supplementary group by name": lambda bobby, staff, others: [staff.name],
    "supplementary group by number": lambda bobby, staff, others: [staff.number],
    "the last of several": lambda bobby, staff, others: [others.name, others.number, staff.name],
}
HOLDS_NOT = {
    "no group at all": lambda bobby, staff, others: [],
    "other group by name": lambda bobby, staff, others: [others.name],
    "other group by number": lambda bobby, staff, others: [others.number],
    "several others": lambda bobby, staff, others: [others.name, "root", "0"],
}


# ------------------------------------------------------------------------------------------------------------- demanded


def test_groups_of_a_real_machine_demand_and_exempt_by_name_and_by_number(account_line, bobby, staff, others, policy):
    for ways, holds in ((HOLDS, True), (HOLDS_NOT, False)):
        for way, names in ways.items():
            named = names(bobby, staff, others)
            for keys, admitted in (
                ({"groups": named}, not holds),
                ({"groups": ["*"], "exempt_groups": named}, holds),
                ({"exempt_groups": named}, holds),
            ):
                policy(enforce(**keys))
                assert in_without_a_code(account_line, bobby) == admitted, (way, keys)


def test_member_is_refused_at_every_door_as_for_a_wrong_code(account_door, alice, bobby, staff, policy):
    groups.join(alice, staff)
    policy(enforce(groups=[staff.name]))
    refused = account_door.attempt(bobby, bobby.password, "123456")
    assert refused.refused
    assert refused.transcript == account_door.attempt(alice, alice.password, alice.codes.wrong()).transcript


def test_user_outside_the_group_is_admitted_at_every_door(account_door, bobby, others, policy, journal):
    policy(enforce(groups=[others.name]))
    outcome = account_door.attempt(bobby, bobby.password)
    assert outcome.admitted and len(outcome.prompts) == 1
    assert [event["result"] for event in journal.events(bobby.name)] == ["excused"]


def test_user_outside_the_group_still_needs_the_password(account_door, bobby, others, policy):
    policy(enforce(groups=[others.name]))
    assert account_door.attempt(bobby, "not" + bobby.password).refused


def test_user_who_has_left_the_group_is_admitted_at_once(account_line, bobby, staff, policy):
    policy(enforce(groups=[staff.name]))
    assert not in_without_a_code(account_line, bobby)
    groups.leave(bobby, staff)
    assert in_without_a_code(account_line, bobby)


def test_member_of_very_many_groups_is_found_in_the_last_one(account_line, bobby, policy):
    *_, last = [groups.create("many", bobby) for _ in range(300)]
    for name in (last.name, last.number):
        policy(enforce(groups=[name]))
        assert not in_without_a_code(account_line, bobby)
        policy(enforce(exempt_groups=[name]))
        assert in_without_a_code(account_line, bobby)


def test_member_of_a_very_large_group_is_found(account_line, bobby, policy):
    """The group's line is far longer than the buffer of the first look-up."""
    large = groups.create("large", *(f"member{number}" for number in range(20_000)), bobby)
    for name in (large.name, large.number):
        policy(enforce(groups=[name]))
        assert not in_without_a_code(account_line, bobby)
        policy(enforce(exempt_groups=[name]))
        assert in_without_a_code(account_line, bobby)


# --------------------------------------------------------------------------------------------------------------- exempt


def test_name_in_another_letter_case_exempts_nobody(account_line, bobby, staff, policy):
    policy(enforce(exempt_users=[bobby.name.upper()], exempt_groups=[staff.name.upper()]))
    assert not in_without_a_code(account_line, bobby)


def test_exempt_user_is_admitted_at_every_door_without_a_question(account_door, bobby, policy):
    policy(enforce(exempt_users=[bobby.name]))
    outcome = account_door.attempt(bobby, bobby.password)
    assert outcome.admitted and len(outcome.prompts) == 1


@pytest.mark.parametrize("account_door, excuse", [
    ("sshd", "exempt user"), ("sudo", "exempt group"), ("su", "nobody must"), ("pamtester", "nullok"),
], indirect=["account_door"])
def test_enrolled_user_who_needs_no_authenticator_is_still_asked_for_the_code(account_door, alice, policy, stack, excuse):
    stack("nullok" if excuse == "nullok" else "")
    policy({
        "exempt user": enforce(exempt_users=[alice.name]), "exempt group": enforce(exempt_groups=[alice.name]),
        "nobody must": enforce(groups=[]), "nullok": "",
    }[excuse])
    assert account_door.attempt(alice, alice.password, alice.codes.wrong()).refused
    assert account_door.attempt(alice, alice.password, alice.codes.now()).admitted


# --------------------------------------------------------------------------------------------------------------- nullok


@pytest.mark.parametrize("auth, account, admitted", [("nullok", "nullok", True), ("nullok", "", False)])
def test_nullok_counts_for_its_own_line(
    account_door, bobby, under_test, stack, auth, account, admitted
):
    stack(auth=[PASSWORD, under_test.line(auth)], account=[under_test.line(account), "required pam_unix.so"])
    outcome = knock(account_door, bobby)
    assert outcome.admitted == admitted, outcome


def test_nullok_of_an_auth_line_that_did_not_run_does_not_count(side_door, bobby, under_test, stack):
    stack(auth=[PASSWORD, under_test.line("nullok")])
    assert side_door.attempt(bobby).refused
