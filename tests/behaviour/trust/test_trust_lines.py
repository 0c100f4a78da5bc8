"""Lines in /etc/pam.d and trust: `grace_period`, and the stacks that ask once for password and code."""

import pytest

import accounts
from application import AUTHINFO_UNAVAIL, SUCCESS, application, program  # noqa: F401  (fixtures)
from together import together
from places import (  # noqa: F401  (fixtures among them)
    ANOTHER_SERVICE, CODE, ELSEWHERE, HERE, PASSWORD, code_alone, logins, policy, remember, stack, trust, trust_file, trust_section,
)

pytestmark = pytest.mark.promised_by("ours")

FIRST = "required pam_unix.so nodelay"
ONE_REPLY = "Password & verification code: "


# --------------------------------------------------------------------------------------------------------- grace_period


@pytest.fixture
def line(stack, under_test):
    """`line(ARGUMENTS)` writes our auth line, after the password, and our account line, both with these arguments."""
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


def test_grace_period_of_zero_remembers_nothing_whatever_the_policy_says(alice, logins, line, remember, clock, under_test):
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


def test_grace_period_of_ssh_runs_in_real_seconds(ssh, alice, line, clock):
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
def test_grace_period_that_is_not_a_number_of_seconds_admits_nobody(alice, application, logins, line, journal, clock, argument):
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


# ------------------------------------------------------------------------------------------------------- trust alone


@pytest.fixture(params=["network", "place"])
def somewhere_trusted(alice, logins, policy, request):
    """Alice is trusted HERE, in each of two ways."""
    policy(trust_section([HERE]) if request.param == "network" else trust_section(remember="8h"))
    if request.param == "place":
        logins.proves(alice)


@pytest.mark.parametrize("around", [
    [], ["required pam_deny.so"], ["optional pam_deny.so"], ["optional pam_env.so"], ["required pam_nologin.so"],
    ["optional pam_faildelay.so delay=1"], ["requisite pam_deny.so", "required pam_permit.so"],
], ids=str)
@pytest.mark.parametrize("control", ["required", "sufficient", "[success=1 default=ignore]"])
def test_trust_alone_admits_nobody(somewhere_trusted, alice, application, stack, under_test, control, around):
    """If no other module succeeds, ours does not either, and it skips no line that refuses."""
    stack(under_test.line(control=control), *around)
    application.start(alice, rhost=HERE)
    assert application.authenticate().code != SUCCESS
    application.end()


# ------------------------------------------------------------------------------------------------------------- one reply


def splitting(under_test, arguments=""):
    """The first line splits the reply, the last one looks at the code."""
    first, last = under_test.line(f"split {arguments}".strip()), under_test.line(arguments)
    return [first, "requisite pam_unix.so try_first_pass nodelay", last]


def forwarding(under_test, arguments=""):
    """One line asks, and hands the password on."""
    return [under_test.line(f"forward_pass {arguments}".strip()), "required pam_unix.so try_first_pass nodelay"]


def from_a_trusted_network(policy, **_):
    policy(trust_section(["127.0.0.1", HERE]))


def at_a_remembered_place(policy, ssh, alice, **_):
    policy(trust_section(remember="8h"))
    outcome = ssh.attempt(alice, alice.password + alice.codes.now())
    assert outcome.admitted and outcome.prompts == [ONE_REPLY]


@pytest.fixture(params=[splitting, forwarding], ids=lambda lines: lines.__name__)
def one_reply(stack, under_test, request):
    """Each stack that asks one question; the value is the function that makes its lines."""
    stack(*request.param(under_test))
    return request.param


@pytest.fixture(params=[from_a_trusted_network, at_a_remembered_place], ids=lambda trusted: trusted.__name__)
def trusted(one_reply, policy, ssh, alice, request):
    """Each way of being trusted."""
    request.param(policy=policy, ssh=ssh, alice=alice)


def test_password_alone_is_enough_with_trust(trusted, one_reply, ssh, alice, journal):
    outcome = ssh.attempt(alice, alice.password)
    assert outcome.admitted and outcome.prompts == [ONE_REPLY]
    assert set(journal.names(alice.name)) <= {"otp.accept", "otp.trusted"}


def test_one_reply_with_a_wrong_password_is_refused_with_trust(trusted, one_reply, ssh, alice):
    outcome = ssh.attempt(alice, "not" + alice.password)
    assert outcome.refused and outcome.prompts == [ONE_REPLY]


def test_one_reply_at_another_place_needs_password_and_code(trusted, logins, alice, clock):
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
    answer = logins.login(alice, alice.password)
    assert (answer.code, answer.asked) == (SUCCESS, [ONE_REPLY])
    clock.advance(1)
    assert logins.login(alice, alice.password).code != SUCCESS
    answer = logins.login(alice, alice.password + alice.codes.now())
    assert (answer.code, answer.asked) == (SUCCESS, [ONE_REPLY])


def test_one_reply_with_any_code_admits_with_trust_and_the_password_is_handed_on_without_it(
    trusted, one_reply, ssh, alice, journal, policy
):
    """A code that has just worked, the same once more, a wrong one and a recovery code. None is used up or counted."""
    before = journal.names(alice.name)
    for code in (alice.codes.now(), alice.codes.now(), alice.codes.wrong(), alice.recovery_codes[0]):
        outcome = ssh.attempt(alice, alice.password + code)
        assert outcome.admitted and outcome.prompts == [ONE_REPLY]
        assert ssh.attempt(alice, "not" + alice.password + code).refused
    names = journal.names(alice.name)[len(before):]
    # With `split` a wrong password ends the login before the line that trusts.
    assert names == ["otp.trusted"] * (4 if one_reply is splitting else 8)
    policy("")
    assert ssh.attempt(alice, alice.password + alice.recovery_codes[0]).admitted


@pytest.fixture(params=["use_first_pass", "try_first_pass"])
def split(stack, under_test, request):
    """The stack of pam_otp-setup(7), and the one that its earlier versions recommended."""
    stack(under_test.line("split"), f"requisite pam_unix.so {request.param} nodelay", under_test.line())


@pytest.fixture(params=[from_a_trusted_network, at_a_remembered_place], ids=lambda trusted: trusted.__name__)
def split_and_trusted(split, policy, ssh, alice, request):
    request.param(policy=policy, ssh=ssh, alice=alice)


def test_split_reply_with_any_code_admits_with_trust_and_no_code_is_looked_at(split_and_trusted, ssh, alice, journal, policy):
    """A code that has just worked, the same once more, a wrong one and a recovery code. None is used up or counted."""
    before = journal.names(alice.name)
    replies = [alice.password + code for code in (
        alice.codes.now(), alice.codes.now(), alice.codes.wrong(), alice.recovery_codes[0])]
    for reply in replies:
        outcome = ssh.attempt(alice, reply)
        assert outcome.admitted and outcome.prompts == [ONE_REPLY]
    assert journal.names(alice.name) == [*before, *["otp.trusted"] * len(replies)]
    policy("")
    assert ssh.attempt(alice, replies[-1]).admitted


def test_split_reply_with_a_wrong_password_is_refused_with_trust_whatever_the_code(split_and_trusted, ssh, alice, journal):
    before = journal.names(alice.name)
    replies = ["not" + alice.password + alice.codes.now(), alice.codes.now(), alice.codes.wrong(), ""]
    assert all(outcome.refused for outcome in together([lambda reply=reply: ssh.attempt(alice, reply) for reply in replies]))
    assert journal.names(alice.name) == before


@pytest.mark.parametrize("ending", ["900101", "-0123-4567-89ab-cdef"])
def test_password_that_ends_like_a_code_needs_any_code_after_it_with_trust(split, ssh, enrol, trust, ending):
    """The module does not check that code: this would tell right codes from wrong ones, without counting."""
    alice = enrol("alice", password="correct horse" + ending)
    trust("127.0.0.1")
    assert ssh.attempt(alice, alice.password).refused
    assert ssh.attempt(alice, alice.password + alice.codes.wrong()).admitted
    assert ssh.attempt(alice, alice.password + alice.codes.now()).admitted


@pytest.mark.parametrize("policy_text, arguments", [
    (trust_section(["127.0.0.1"]), ""), ("", "nullok"), ("[enforce]\ngroups = []\n", ""), ('[enforce]\nfrom = "2030-01-01"\n', ""),
], ids=["network", "nullok", "nobody must", "not yet"])
@pytest.mark.parametrize("lines_of", [splitting, forwarding], ids=lambda lines: lines.__name__)
def test_password_that_ends_like_a_code_stays_whole_without_an_authenticator(
    stack, ssh, clock, journal, policy, under_test, lines_of, policy_text, arguments
):
    bobby = accounts.create("bobby", "correct horse900101")
    policy(policy_text)
    for first_pass in ("use_first_pass", "try_first_pass"):
        if lines_of is forwarding and first_pass == "use_first_pass":
            continue  # The first line asks nobody who cannot have a code.
        lines = [line.replace("try_first_pass", first_pass) for line in lines_of(under_test, arguments)]
        stack(*lines, account=under_test.line(arguments))
        outcome = ssh.attempt(bobby, bobby.password)
        assert outcome.admitted and outcome.prompts == [ONE_REPLY if lines_of is splitting else PASSWORD]
        assert ssh.attempt(bobby, "not" + bobby.password).refused


def test_one_split_reply_admits_many_connections_after_the_first(split, application, ssh, alice, remember, journal):
    """lftp and mail programs open connections like this: each sends the reply that has worked."""
    remember("8h")
    reply = alice.password + alice.codes.now()
    assert application.login(alice, reply, rhost=HERE).code == SUCCESS
    assert application.crowd(16, alice, reply, rhost=HERE) == [SUCCESS] * 16
    assert sorted(journal.names(alice.name)) == ["otp.accept", *["otp.trusted"] * 16]
    assert SUCCESS not in application.crowd(4, alice, "not" + reply, rhost=HERE)
    assert SUCCESS not in application.crowd(4, alice, reply, rhost=ELSEWHERE)
    assert ssh.attempt(alice, reply).refused


@pytest.mark.parametrize("reply_lines", [splitting, forwarding], ids=lambda lines: lines.__name__)
def test_one_reply_at_the_same_moment_admits_all_connections_from_one_place(
    reply_lines, stack, under_test, application, ssh, alice, remember, clock, journal
):
    """No connection finds the code used, but the trust that it has earned not yet there."""
    stack(*reply_lines(under_test))
    remember("8h")
    for turn in range(4):
        rhost = f"192.0.2.{10 + turn}"
        reply = alice.password + alice.codes.now()
        assert application.crowd(16, alice, reply, rhost=rhost) == [SUCCESS] * 16
        assert journal.names(alice.name).count("otp.accept") == turn + 1, "the code is accepted once"
        # The trust holds only there, at that service, and with the password.
        assert SUCCESS not in application.crowd(4, alice, reply, rhost=ELSEWHERE)
        assert SUCCESS not in application.crowd(4, alice, reply, rhost=rhost, service=ANOTHER_SERVICE)
        assert SUCCESS not in application.crowd(4, alice, "not" + reply, rhost=rhost)
        clock.advance(30)
    assert set(journal.names(alice.name)) == {"otp.accept", "otp.trusted", "otp.replay"}


def test_code_at_the_same_moment_admits_all_logins_that_were_asked_for_it(stack, under_test, application, alice, remember, clock, journal):
    """No slow module comes before ours, so all logins reach the account together."""
    stack(*code_alone(under_test.line()))
    remember("8h")
    for turn in range(4):
        code = alice.codes.now()
        assert application.crowd(16, alice, code, rhost=f"192.0.2.{10 + turn}") == [SUCCESS] * 16
        assert journal.names(alice.name).count("otp.accept") == turn + 1, "the code is accepted once"
        clock.advance(30)


def test_used_code_admits_a_login_that_was_asked_before_the_trust_was_earned(stack, ssh, alice, remember, under_test, journal):
    remember("8h")
    with ssh.visit(alice) as first, ssh.visit(alice) as second, ssh.visit(alice) as third, ssh.visit(alice) as fourth:
        code = alice.codes.now()
        for visit in (first, second, third, fourth):
            assert visit.prompt() == PASSWORD
            visit.reply(alice.password)
            assert visit.prompt() == CODE
        first.reply(code)
        assert first.outcome().admitted
        second.reply(code)
        assert second.outcome().admitted
        third.reply(alice.codes.wrong())
        assert third.outcome().refused
        under_test.unlock(alice)
        fourth.reply(code)
        assert fourth.outcome().refused
    assert journal.names(alice.name) == ["otp.accept", "otp.trusted", "otp.reject", "otp.replay"]


def test_one_reply_at_the_same_moment_admits_one_connection_where_nothing_is_remembered(
    split, stack, under_test, application, ssh, alice, policy, remember, clock
):
    for how_long in ("0", "8h"):
        for rhost in (HERE, None):
            if (how_long, rhost) != ("8h", HERE):
                policy(trust_section(remember=how_long))
                reply = alice.password + alice.codes.now()
                assert application.crowd(16, alice, reply, rhost=rhost).count(SUCCESS) == 1
                clock.advance(30)


def test_recovery_code_at_the_same_moment_admits_one_connection(split, application, ssh, alice, remember):
    remember("8h")
    reply = alice.password + alice.recovery_codes[0]
    assert application.crowd(16, alice, reply, rhost=HERE).count(SUCCESS) == 1


def test_split_reply_with_a_wrong_password_and_a_good_code_is_not_remembered(stack, logins, alice, remember, under_test):
    """The code was not looked at."""
    stack(*splitting(under_test))
    remember("8h")
    assert logins.login(alice, "not" + alice.password + alice.codes.now()).code != SUCCESS
    answer = logins.login(alice, alice.password + alice.codes.now())
    assert (answer.code, answer.asked) == (SUCCESS, [ONE_REPLY])


@pytest.mark.parametrize("code", ["none", "wrong", "right"])
@pytest.mark.parametrize("reply_lines", [splitting, forwarding], ids=lambda lines: lines.__name__)
def test_code_is_checked_if_the_remembered_time_ends_during_the_login(ssh, alice, stack, policy, under_test, clock, reply_lines, code):
    policy(trust_section(remember="60s"))
    stack(*reply_lines(under_test))
    assert ssh.attempt(alice, alice.password + alice.codes.now()).admitted
    clock.advance(59)
    with ssh.visit(alice) as visit:
        assert visit.prompt() == ONE_REPLY
        clock.advance(1)
        visit.reply(alice.password + {"none": "", "wrong": alice.codes.wrong(), "right": alice.codes.now()}[code])
        if reply_lines is forwarding and code != "right":
            # Nothing was handed on, so the line below asks; the refusal stands.
            assert visit.prompt() == PASSWORD
            visit.reply(alice.password)
        assert visit.outcome().admitted == (code == "right")


@pytest.mark.parametrize("lines", ["forward_pass", "split"])
def test_password_line_that_may_not_ask_admits_nobody_without_a_password(ssh, alice, stack, trust, under_test, lines):
    """`use_first_pass` then has no password to use."""
    trust("127.0.0.1")
    last = [under_test.line()] if lines == "split" else []
    stack(under_test.line(lines), "required pam_unix.so use_first_pass nodelay", *last)
    assert ssh.attempt(alice, "").refused


@pytest.mark.parametrize("argument", ["try_first_pass", "use_first_pass"])
def test_password_asked_for_earlier_is_not_taken_for_a_code(ssh, alice, stack, trust, under_test, journal, argument):
    trust("127.0.0.1")
    stack(FIRST, under_test.line(argument))
    outcome = ssh.attempt(alice, alice.password)
    assert outcome.admitted and outcome.prompts == [PASSWORD]
    assert journal.names(alice.name) == ["otp.trusted"]
