"""`otp-admin policy show` foretells what a login then does: one function decides both, and here real logins are compared
with it, policy by policy. `otp-admin report` must say the same.

The door is `su`, in which users can set up authenticators. All services of the machine have the same lines.
"""

import itertools
import json
import re

import pytest

from account_doors import account_doors  # noqa: F401  (a fixture)
from login_enrolment import ENGLISH
from policy_file import PASSWORD, policy, stack  # noqa: F401  (fixtures)

pytestmark = pytest.mark.promised_by("ours")

# How the sentence goes on after "bobby would", and what a login then does.
FORETOLD = [
    (r"be asked for a code$", "asks, and a good code lets in"),
    (r"be refused: locked until ", "asks, and refuses as locked"),
    (r"be refused: no authenticator, ", "asks, and whatever is typed is wrong"),
    (r"be let in without a code until ", "lets in"),
    (r"be let in without a code \(", "lets in"),
    (r"be offered to set up an authenticator in the login, ", "offers"),
    (r"set up an authenticator in the login$", "sets up"),
]
DEMANDS = {
    "nobody must": "groups = []",
    "exempt user": 'exempt_users = ["USER"]',
    "from next month": 'from = "2027-02-01"',
    "grace": 'grace = "14d"',
    "everybody must": "",
}
LINES = {
    "sure": ["required OURS", "required pam_unix.so"],
    "missing": ["required pam_unix.so"],
    "led around": ["sufficient pam_unix.so", "required OURS"],
}
AT_LOGIN = ["off", "offer", "require"]


# The words of the report for these.
REPORTED = {
    "asked": "asks, and a good code lets in", "locked": "asks, and refuses as locked", "let-in": "lets in", "let-in-until": "lets in",
    "refused": "asks, and whatever is typed is wrong", "offered": "offers", "sets-up": "sets up",
}


def foretold(under_test, account, *options):
    """The login that the first line of `policy show` foretells; the report must say the same."""
    shown = meaning(account, under_test.admin("policy", "show", account.name, *options).splitlines()[0])
    assert reported(under_test, account, *options) == shown
    return shown


def reported(under_test, account, *options):
    """The login that the user's row of the report foretells."""
    report = json.loads(under_test.admin("report", "--json", *options))
    (row,) = [row for row in report["users"] if row["user"] == account.name]
    return REPORTED[row["login"]]


def foretold_among_all(under_test, account, service):
    """The login that the line about a service foretells, in the output about all services; `None` if there is no such line."""
    lines = under_test.admin("policy", "show", account.name).splitlines()
    about = [line.split("  ", 1)[1].strip() for line in lines if line.startswith(f"at {service}  ")]
    return meaning(account, about[0]) if about else None


def meaning(account, sentence):
    prefix = f"{account.name} would "
    assert sentence.startswith(prefix), sentence
    (found,) = [what for words, what in FORETOLD if re.match(words, sentence.removeprefix(prefix))]
    return found


def comes_to(door, account, code):
    """What a login does."""
    with door.visit(account, prompts=ENGLISH.questions) as visit:
        asked = False
        while (prompt := visit.prompt()) is not None:
            if prompt == ENGLISH.begin_or_later:
                return "offers"
            if prompt == ENGLISH.begin:
                return "sets up"
            asked |= prompt == ENGLISH.code
            visit.reply(account.password if "assword" in prompt else code)
        outcome = visit.ended()
    if not asked:
        assert outcome.admitted, outcome
        return "lets in"
    if outcome.admitted:
        return "asks, and a good code lets in"
    return "asks, and refuses as locked" if outcome.says("locked") else "asks, and whatever is typed is wrong"


@pytest.fixture
def su(account_doors, stack, clock):
    return account_doors["su"]


def write(policy, stack, under_test, account, demand, at_login, account_line, auth=PASSWORD):
    policy("[enforce]\n" + DEMANDS[demand].replace("USER", account.name), f'[enroll]\nat_login = "{at_login}"\n')
    ours = under_test.line().removeprefix("required ")
    stack(auth=[auth, under_test.line()], account=[line.replace("OURS", ours) for line in LINES[account_line]])


@pytest.mark.parametrize(
    "demand, at_login, account_line", list(itertools.product(DEMANDS, AT_LOGIN, LINES)), ids=lambda value: value.replace(" ", "-")
)
def test_login_without_an_authenticator_is_as_foretold(su, bobby, policy, stack, under_test, demand, at_login, account_line):
    write(policy, stack, under_test, bobby, demand, at_login, account_line)
    assert comes_to(su, bobby, "123456") == foretold(under_test, bobby)


@pytest.mark.parametrize("at_login", ["offer", "require"])
@pytest.mark.parametrize("demand", ["grace", "everybody must"])
@pytest.mark.parametrize("account_line", ["sure", "led around"])
def test_login_is_as_foretold_where_our_module_is_the_only_one(su, bobby, policy, stack, under_test, demand, at_login, account_line):
    """Such a service admits everybody whom our module admits, so `show` must not promise that users enrol there."""
    write(policy, stack, under_test, bobby, demand, at_login, account_line, auth="required pam_permit.so")
    assert comes_to(su, bobby, "123456") == foretold(under_test, bobby)


@pytest.mark.parametrize("demand", ["exempt user", "everybody must"])
def test_login_with_an_authenticator_is_as_foretold(su, alice, policy, stack, under_test, demand):
    write(policy, stack, under_test, alice, demand, "require", "sure")
    assert foretold(under_test, alice) == "asks, and a good code lets in"
    assert comes_to(su, alice, alice.codes.now()) == foretold(under_test, alice)
    for _ in range(4):
        assert comes_to(su, alice, alice.codes.wrong()) == "asks, and whatever is typed is wrong"
    comes_to(su, alice, alice.codes.wrong())
    assert foretold(under_test, alice) == "asks, and refuses as locked"
    assert comes_to(su, alice, alice.codes.wrong()) == "asks, and refuses as locked"


SECTIONS = {
    "exempt group": ("", 'exempt_groups = ["USER"]'),
    "another exempt group": ("", 'exempt_groups = ["daemon"]'),
    "exempt group taken away": ('[enforce]\nexempt_groups = ["USER"]\n', "exempt_groups = []"),
    "exempt group left": ('[enforce]\nexempt_groups = ["USER"]\n', 'qr = "none"'),
    "enrols": ("", 'at_login = "require"'),
    "offers": ('[enforce]\nfrom = "2027-02-01"\n', 'at_login = "offer"'),
    "does not enrol": ('[enroll]\nat_login = "require"\n', 'at_login = "off"'),
}


@pytest.mark.parametrize("named", ["su", "sshd", "su-l"])
@pytest.mark.parametrize("rule", SECTIONS, ids=lambda value: value.replace(" ", "-"))
def test_login_at_a_service_that_the_policy_names_is_as_foretold(su, bobby, policy, stack, under_test, rule, named):
    """The section applies to logins of its own service, and to no others."""
    general, section = (text.replace("USER", bobby.name) for text in SECTIONS[rule])
    policy(general, f"[service.{named}]\n{section}\n")
    stack()
    found = comes_to(su, bobby, "123456")
    assert found == foretold(under_test, bobby, "--service", "su")
    if named == "su":
        assert found == foretold_among_all(under_test, bobby, "su")
    else:
        assert found == foretold(under_test, bobby)


def test_sections_make_a_difference(su, bobby, policy, stack, under_test):
    """Without this, the test above would prove nothing about the sections."""
    for general, section in SECTIONS.values():
        if section.startswith(("qr", 'exempt_groups = ["daemon"]')):
            continue
        general, section = (text.replace("USER", bobby.name) for text in (general, section))
        policy(general, f"[service.su]\n{section}\n")
        stack()
        assert foretold(under_test, bobby, "--service", "su") != foretold(under_test, bobby, "--service", "sshd"), section
