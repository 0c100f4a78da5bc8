"""What the lines in /etc/pam.d make of trust: `grace_period`, and the stacks that ask once for password and code."""

import pytest

from application import AUTHINFO_UNAVAIL, SUCCESS, application, program  # noqa: F401  (fixtures)
from places import (  # noqa: F401  (fixtures among them)
    CODE, ELSEWHERE, HERE, PASSWORD, logins, policy, remember, stack, trust, trust_file, trust_section,
)

pytestmark = pytest.mark.promised_by("ours")

FIRST = "required pam_unix.so nodelay"
ONE_REPLY = "Password & verification code: "


# --------------------------------------------------------------------------------------------------------- grace_period


@pytest.fixture
def line(stack, under_test):
    """`line(ARGUMENTS)`: ours with them, after the password and as the account line."""
    return lambda arguments: stack(FIRST, under_test.line(arguments), account=under_test.line(arguments))


@pytest.mark.parametrize("text", ["", trust_section(), trust_section(remember="8h"), trust_section(remember="10s")])
def test_grace_period_is_how_long_a_code_is_remembered_whatever_the_policy_says(alice, logins, line, policy, clock, text):
    policy(text)
    line("grace_period=60")
    logins.proves(alice)
    clock.advance(59)
    assert not logins.asks(alice) and logins.asks(alice, rhost=ELSEWHERE)
    clock.advance(1)
    assert logins.asks(alice)


def test_grace_period_of_nothing_remembers_nothing_whatever_the_policy_says(alice, logins, line, remember, clock, under_test):
    remember("8h")
    line("grace_period=0")
    logins.proves(alice)
    assert logins.asks(alice)
    assert not trust_file(alice, under_test).exists()
    line("")
    clock.advance(30)
    logins.proves(alice)
    line("grace_period=0")
    assert logins.asks(alice)


def test_grace_period_of_ssh_is_in_real_seconds(ssh, alice, line, clock):
    line("grace_period=28800")
    assert ssh.attempt(alice, alice.password, alice.codes.now()).admitted
    clock.advance(28799)
    assert ssh.attempt(alice, alice.password).prompts == [PASSWORD]
    clock.advance(1)
    assert ssh.attempt(alice, alice.password, alice.codes.now()).admitted


@pytest.mark.parametrize("argument", [
    "grace_period", "grace_period=", "grace_period=8h", "grace_period=-1", "grace_period=+60", "grace_period=1.5",
    "grace_period=0x3c", "[grace_period= 60]", "grace_period=٦٠", "grace_period=" + "9" * 30, "graceperiod=60",
])
def test_grace_period_that_is_no_number_of_seconds_lets_nobody_in(alice, application, logins, line, journal, clock, argument):
    line("grace_period=60")
    logins.proves(alice)
    line(f"debug {argument}")
    clock.advance(30)
    for rhost in (HERE, None):
        assert application.login(alice, alice.password, alice.codes.now(), rhost=rhost).code == AUTHINFO_UNAVAIL
        assert "argument 2" in journal.events(alice.name)[-1]["reason"]
    application.start(alice)
    assert application.acct_mgmt().code != SUCCESS
    application.end()


# ------------------------------------------------------------------------------------------------------------ no yes


@pytest.fixture(params=["network", "place"])
def somewhere_trusted(alice, logins, policy, request):
    """Alice is trusted HERE, in either way."""
    policy(trust_section([HERE]) if request.param == "network" else trust_section(remember="8h"))
    if request.param == "place":
        logins.proves(alice)


@pytest.mark.parametrize("around", [
    [], ["required pam_deny.so"], ["optional pam_deny.so"], ["optional pam_env.so"], ["required pam_nologin.so"],
    ["optional pam_faildelay.so delay=1"], ["requisite pam_deny.so", "required pam_permit.so"],
], ids=str)
@pytest.mark.parametrize("control", ["required", "sufficient", "[success=1 default=ignore]"])
def test_trust_alone_lets_nobody_in(somewhere_trusted, alice, application, stack, under_test, control, around):
    """Where nobody else says yes: ours says none, and skips no line that says no."""
    stack(under_test.line(control=control), *around)
    application.start(alice, rhost=HERE)
    assert application.authenticate().code != SUCCESS
    application.end()


# ------------------------------------------------------------------------------------------------------------- one reply


def splitting(under_test, arguments=""):
    """The first line takes the reply apart, the last one looks at the code."""
    first, last = under_test.line(f"split {arguments}".strip()), under_test.line(arguments)
    return [first, "requisite pam_unix.so try_first_pass nodelay", last]


def forwarding(under_test, arguments=""):
    """One line asks and hands the password on."""
    return [under_test.line(f"forward_pass {arguments}".strip()), "required pam_unix.so try_first_pass nodelay"]


def from_a_trusted_network(policy, **_):
    policy(trust_section(["127.0.0.1", HERE]))


def at_a_remembered_place(policy, ssh, alice, **_):
    policy(trust_section(remember="8h"))
    outcome = ssh.attempt(alice, alice.password + alice.codes.now())
    assert outcome.admitted and outcome.prompts == [ONE_REPLY]


@pytest.fixture(params=[splitting, forwarding], ids=lambda lines: lines.__name__)
def one_reply(stack, under_test, request):
    """One stack after the other that asks one question; the function that makes its lines."""
    stack(*request.param(under_test))
    return request.param


@pytest.fixture(params=[from_a_trusted_network, at_a_remembered_place], ids=lambda trusted: trusted.__name__)
def trusted(one_reply, policy, ssh, alice, request):
    """Either way of being trusted."""
    request.param(policy=policy, ssh=ssh, alice=alice)


def test_one_question_is_then_for_the_password_alone(trusted, ssh, alice, journal):
    outcome = ssh.attempt(alice, alice.password)
    assert outcome.admitted and outcome.prompts == [PASSWORD]
    assert set(journal.names(alice.name)) <= {"otp.accept", "otp.trusted"}


def test_one_reply_with_a_wrong_password_is_then_refused(trusted, ssh, alice):
    outcome = ssh.attempt(alice, "not" + alice.password)
    assert outcome.refused and outcome.prompts == [PASSWORD]


def test_one_reply_at_another_place_is_password_and_code(trusted, logins, alice, clock):
    clock.advance(30)
    assert logins.login(alice, alice.password, rhost=ELSEWHERE).code != SUCCESS
    answer = logins.login(alice, alice.password + alice.codes.now(), rhost=ELSEWHERE)
    assert (answer.code, answer.asked) == (SUCCESS, [ONE_REPLY])


def test_one_reply_with_a_wrong_code_is_not_remembered(one_reply, logins, alice, remember):
    remember("8h")
    assert logins.login(alice, alice.password + alice.codes.wrong()).code != SUCCESS
    answer = logins.login(alice, alice.password + alice.codes.now())
    assert (answer.code, answer.asked) == (SUCCESS, [ONE_REPLY])


def test_one_reply_is_remembered_for_the_grace_period(one_reply, stack, logins, alice, clock, under_test):
    stack(*one_reply(under_test, "grace_period=60"))
    answer = logins.login(alice, alice.password + alice.codes.now())
    assert (answer.code, answer.asked) == (SUCCESS, [ONE_REPLY])
    clock.advance(59)
    assert not logins.asks(alice)
    clock.advance(1)
    answer = logins.login(alice, alice.password + alice.codes.now())
    assert (answer.code, answer.asked) == (SUCCESS, [ONE_REPLY])


def test_split_reply_with_a_wrong_password_and_a_good_code_is_not_remembered(stack, logins, alice, remember, under_test):
    """Nobody looked at the code."""
    stack(*splitting(under_test))
    remember("8h")
    assert logins.login(alice, "not" + alice.password + alice.codes.now()).code != SUCCESS
    answer = logins.login(alice, alice.password + alice.codes.now())
    assert (answer.code, answer.asked) == (SUCCESS, [ONE_REPLY])


def test_time_that_ends_between_the_lines_of_one_login_has_the_code_asked_for(ssh, alice, stack, policy, under_test, clock):
    policy(trust_section(remember="60s"))
    stack(*splitting(under_test))
    assert ssh.attempt(alice, alice.password + alice.codes.now()).admitted
    clock.advance(59)
    with ssh.visit(alice) as visit:
        assert visit.prompt() == PASSWORD
        clock.advance(1)
        visit.reply(alice.password)
        assert visit.prompt() == CODE
        visit.reply(alice.codes.wrong())
        assert visit.outcome().refused


@pytest.mark.parametrize("lines", ["forward_pass", "split"])
def test_password_line_that_may_not_ask_lets_nobody_in_without_a_password(ssh, alice, stack, trust, under_test, lines):
    """`use_first_pass` has then nothing to use."""
    trust("127.0.0.1")
    last = [under_test.line()] if lines == "split" else []
    stack(under_test.line(lines), "required pam_unix.so use_first_pass nodelay", *last)
    assert ssh.attempt(alice).refused


@pytest.mark.parametrize("argument", ["try_first_pass", "use_first_pass"])
def test_password_that_was_asked_before_is_not_taken_for_a_code(ssh, alice, stack, trust, under_test, journal, argument):
    trust("127.0.0.1")
    stack(FIRST, under_test.line(argument))
    outcome = ssh.attempt(alice, alice.password)
    assert outcome.admitted and outcome.prompts == [PASSWORD]
    assert journal.names(alice.name) == ["otp.trusted"]
