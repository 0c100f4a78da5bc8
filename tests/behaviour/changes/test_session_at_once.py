"""Two processes that change the same account at the same moment, or a login meanwhile: one of them is told, and nothing is
undone."""

import pathlib
import threading

import pytest

import traced
from helper import SERVICE_OF_CHANGES, Helper, Session, check, enrol_by_hand, message, stack_of_changes
from together import together

pytestmark = [pytest.mark.promised_by("ours")]

ROUNDS = 20
MEANWHILE = ["refused", "changed-meanwhile"]
POLICY = pathlib.Path("/etc/security/pam_otp.conf")


@pytest.fixture(autouse=True)
def yes():
    """A stack that admits everybody, since authentication is not what is tested here."""
    before = stack_of_changes("auth required pam_permit.so", "account required pam_permit.so")
    POLICY.write_text("[enroll]\nmax_authenticators = 4\n[enforce]\ngroups = []\n")
    yield
    pathlib.Path(SERVICE_OF_CHANGES).write_text(before)
    POLICY.unlink()


@pytest.fixture
def session(under_test, journal, clock):
    """`session(ACCOUNT, VERB, ...)` returns a dialogue that waits for its last word."""
    return lambda account, verb, *words: Session(under_test.helper, account, clock, verb, *words).up_to("codes")


@pytest.fixture
def verdict(under_test, journal):
    def ask(account, reply):
        with Helper(under_test.helper, account) as helper:
            return helper.ask(check(account, reply))[0]

    return ask


def at_a_barrier(*calls):
    """Makes all the calls at the same moment; returns what came of each."""
    barrier = threading.Barrier(len(calls))

    def wait_and(call):
        barrier.wait()
        return call()

    return together([lambda call=call: wait_and(call) for call in calls])


def status(under_test, account):
    with Helper(under_test.helper, account) as helper:
        return helper.ask(message("status", account.name))


def devices(words):
    """The names of the devices in a status."""
    return words[8 : 8 + 3 * int(words[7]) : 3]


def keep_both(first, second):
    with first, second:
        return at_a_barrier(first.keep, second.keep)


def the_kept_one(talks, answers):
    assert sorted(answers) == [["kept"], MEANWHILE]
    kept = answers.index(["kept"])
    return talks[kept], talks[1 - kept]


def test_one_of_two_first_enrolments_at_once_is_kept_and_works(session, bobby, clock, under_test, verdict):
    for _ in range(ROUNDS):
        talks = session(bobby, "enrol", "one"), session(bobby, "enrol", "two")
        kept, other = the_kept_one(talks, keep_both(*talks))
        clock.advance(30)
        assert verdict(bobby, other.device.now()) == verdict(bobby, other.recovery_codes[0]) == "rejected"
        assert verdict(bobby, kept.device.now()) == "accepted"
        assert verdict(bobby, kept.recovery_codes[0]) == "recovered"
        under_test.reset(bobby)


@pytest.mark.parametrize("verbs", [("enrol", "enrol"), ("add", "add"), ("enrol", "add")])
def test_one_of_two_new_authenticators_at_once_is_kept_and_works(session, erin, clock, verdict, verbs):
    for at in range(ROUNDS):
        talks = session(erin, verbs[0], f"a{at % 7}"), session(erin, verbs[1], f"b{at % 7}")
        kept, other = the_kept_one(talks, keep_both(*talks))
        clock.advance(30)
        assert verdict(erin, other.device.now()) == "rejected"
        assert verdict(erin, kept.device.now()) == "accepted"
        if verbs[talks.index(kept)] == "add":
            with session(erin, "remove", f"{'ab'[talks.index(kept)]}{at % 7}") as talk:
                assert talk.keep() == ["kept"]
    if verbs == ("add", "add"):
        clock.advance(30)
        assert verdict(erin, erin.codes.now()) == "accepted"


def test_one_of_many_replacements_at_once_is_kept(session, erin, clock, verdict):
    for _ in range(3):
        talks = [session(erin, "enrol", "new") for _ in range(16)]
        answers = at_a_barrier(*(talk.keep for talk in talks))
        assert sorted(answers) == [["kept"]] + [MEANWHILE] * 15
        clock.advance(30)
        assert verdict(erin, talks[answers.index(["kept"])].device.now()) == "accepted"
        for talk in talks:
            talk.__exit__()


def test_one_of_two_new_sets_of_recovery_codes_at_once_is_kept(session, erin, clock, verdict):
    for _ in range(ROUNDS):
        talks = session(erin, "recovery-codes"), session(erin, "recovery-codes")
        kept, other = the_kept_one(talks, keep_both(*talks))
        assert verdict(erin, other.recovery_codes[0]) == "rejected"
        assert verdict(erin, kept.recovery_codes[0]) == "recovered"
        assert verdict(erin, kept.recovery_codes[0]) != "recovered"


def test_login_during_the_removal_of_its_authenticator_is_decided_one_way_or_the_other(session, erin, clock, verdict):
    for _ in range(ROUNDS):
        with session(erin, "add", "tablet") as talk:
            tablet = talk.device
            assert talk.keep() == ["kept"]
        clock.advance(30)
        with session(erin, "remove", "tablet") as talk:
            code = tablet.now()
            answer, login = at_a_barrier(talk.keep, lambda: verdict(erin, code))
        assert answer == ["kept"] and login in ("accepted", "rejected")
        clock.advance(30)
        assert verdict(erin, tablet.now()) == "rejected"
        assert verdict(erin, erin.codes.now()) == "accepted"


def test_removal_of_the_last_authenticator_and_a_replacement_at_once_leave_one_outcome(session, erin, clock, under_test, verdict):
    for _ in range(ROUNDS):
        gone, new = session(erin, "remove", ""), session(erin, "enrol", "phone")
        answers = keep_both(gone, new)
        assert answers in ([["kept-none"], MEANWHILE], [MEANWHILE, ["kept"]])
        clock.advance(30)
        if answers[0] == ["kept-none"]:
            assert verdict(erin, new.device.now()) == "not-enrolled"
            # The later one may have created the directory again; it is empty.
            directory = under_test.state_directory / erin.name
            assert not directory.exists() or list(directory.iterdir()) == []
            enrol_by_hand(under_test.helper, erin, clock)
        else:
            assert verdict(erin, new.device.now()) == "accepted"


def test_recovery_code_used_while_new_ones_are_issued_admits_at_most_once(session, erin, under_test, verdict):
    codes = erin.recovery_codes
    for _ in range(ROUNDS):
        with session(erin, "recovery-codes") as talk:
            answer, login = at_a_barrier(talk.keep, lambda: verdict(erin, codes[0]))
        assert answer == ["kept"] and login in ("recovered", "rejected")
        assert verdict(erin, codes[0]) == verdict(erin, codes[1]) == "rejected"
        assert status(under_test, erin)[1] == "10"
        codes = talk.recovery_codes
        assert verdict(erin, codes[9]) == "recovered"


@pytest.mark.parametrize("verb, words", [("add", ("tablet",)), ("remove", ("tablet",))])
def test_codes_used_between_the_start_and_the_end_of_a_change_stay_used(session, erin, clock, under_test, verdict, verb, words):
    """A code of an authenticator that stays, a recovery code, a failure."""
    if verb == "remove":
        with session(erin, "add", "tablet") as talk:
            assert talk.keep() == ["kept"]
    clock.advance(30)
    with session(erin, verb, *words) as talk:
        code = erin.codes.now()
        assert verdict(erin, code) == "accepted"
        assert verdict(erin, erin.recovery_codes[3]) == "recovered"
        assert verdict(erin, erin.codes.wrong()) == "rejected"
        assert talk.keep() == ["kept"]
    assert traced.Kept(erin, under_test.state_directory).failures == 1
    assert verdict(erin, code) == "replayed"
    assert verdict(erin, erin.recovery_codes[3]) == "replayed"


@pytest.mark.parametrize("verb, words", [("add", ("new",)), ("enrol", ("new",)), ("remove", ("",)), ("recovery-codes", ())])
def test_lock_between_the_start_and_the_end_of_a_change_refuses_it(session, erin, under_test, verdict, clock, verb, words):
    """Otherwise the change would give an attacker a fresh count of failures."""
    with session(erin, verb, *words) as talk:
        for _ in range(5):
            verdict(erin, erin.codes.wrong())
        assert traced.Kept(erin, under_test.state_directory).locked
        assert talk.keep() == ["refused", "locked", "opens"]
    assert traced.Kept(erin, under_test.state_directory).locked
    clock.advance(30)
    assert verdict(erin, erin.codes.now()) == "locked"


def test_lock_at_the_same_moment_as_a_change_comes_before_or_after_it(session, erin, under_test, verdict, clock):
    for _ in range(ROUNDS):
        for _ in range(4):
            assert verdict(erin, erin.codes.wrong()) == "rejected"
        with session(erin, "enrol", "new") as talk:
            wrong = erin.codes.wrong()
            answer, login = at_a_barrier(talk.keep, lambda: verdict(erin, wrong))
        locked = traced.Kept(erin, under_test.state_directory).locked
        assert (answer, login, locked) in (
            (["kept"], "rejected-and-locked", True), (["refused", "locked", "opens"], "rejected-and-locked", True))
        if answer == ["kept"]:
            erin.codes = talk.device
        under_test.unlock(erin)


def test_change_by_the_administrator_meanwhile_is_not_undone(session, erin, under_test, clock, verdict):
    with session(erin, "add", "new") as added, session(erin, "recovery-codes") as renewed, session(erin, "enrol", "new") as put:
        under_test.reset(erin)
        assert added.keep() == renewed.keep() == put.keep() == MEANWHILE
    assert not (under_test.state_directory / erin.name / "credential.toml").exists()
    with session(erin, "enrol", "phone") as first:
        under_test.enrol(erin)
        assert first.keep() == MEANWHILE
