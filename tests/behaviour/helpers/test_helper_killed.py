"""The helper, or the user's program that asked it, ends or stops at any of its system calls: no free guess, no code
accepted twice, nothing left behind, and nobody waits longer than the lock may be held.

strace runs as root on the user's behalf, so that the helper keeps its group; a user's own tracer would take it away.
"""

import pwd
import signal
import time

import pytest

import doors
import traced
from application import AUTH_ERR, AUTHINFO_UNAVAIL, SUCCESS, Application, program, service  # noqa: F401
from clock import wait_until
from helper import VERDICTS, Denied, check
from locking import MINUTE
from traced_helper import helpers, traced_helper

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("service")]

FILES = ["credential.toml", "state"]
FEWEST_POINTS = 20


@pytest.fixture
def logins(program, alice, clock, under_test, journal):
    return Logins(program, alice, clock, under_test, journal)


class Logins:
    """Alice's logins over a helper that is killed or hindered, and ordinary logins after them."""

    def __init__(self, program, alice, clock, under_test, journal):
        self._program = program
        self._journal = journal
        self._under_test = under_test
        self.alice = alice
        self.alice_uid = pwd.getpwnam(alice.name).pw_uid
        self.clock = clock
        self.left = []

    def kept(self):
        return traced.Kept(self.alice, self._under_test.state_directory)

    def helper(self, reply, inject=None):
        with traced_helper(self._under_test.helper, self.alice, inject) as running:
            running.ask(check(self.alice, reply))
            return running.run()

    def attempts_logged(self):
        return sum(f'otp.attempt caller_uid="{self.alice_uid}"' in line for line in self._journal.lines())

    def ordinary(self, reply):
        with Application(self._program, self.alice) as application:
            return application.login(self.alice, reply).code

    def works_again_at_once(self):
        assert traced.files_of(self.alice, self._under_test.state_directory) == FILES
        self.clock.advance(MINUTE)
        assert self.ordinary(self.alice.codes.now()) == SUCCESS
        self.clock.advance(MINUTE)

    def killed_at_each_call(self, reply_of):
        """Kills a helper at each of its calls from the question on; yields the reply and what it left behind: nothing, a
        failure, or a used code."""
        undisturbed = self.helper(reply_of())
        assert undisturbed.words[0] in VERDICTS
        self.works_again_at_once()
        synced = False
        for call in undisturbed.from_the_question_on:
            reply, before, logged = reply_of(), self.kept(), self.attempts_logged()
            records = len(self._journal.records(self.alice.name))
            run = self.helper(reply, call.kills())
            left = self.kept().since(before)
            # No attempt is counted that is not logged.
            assert left == "nothing" or self.attempts_logged() == logged + 1
            # Each attempt has one record in the log, whether or not its outcome was still written.
            assert len(self._journal.records(self.alice.name)) - records == self.attempts_logged() - logged
            # Killed before fdatasync, the helper has said nothing yet; afterwards it may have.
            assert run.answer == b"" or synced
            assert run.status == -signal.SIGKILL
            synced = synced or call.name == "fdatasync"
            self.left.append(left)
            yield reply, left
            self.works_again_at_once()

    def report(self, record_property, capsys, what):
        record_property("points", len(self.left))
        order = ["nothing", "failure", "used"]
        with capsys.disabled():
            counts = ", ".join(f"{self.left.count(one)} left {one}" for one in order)
            print(f"\n{what}: the helper killed at {len(self.left)} calls: {counts}")
        assert len(self.left) > FEWEST_POINTS
        # Every kill after the first that left a written attempt leaves one too; and a failure is written before a code is
        # used up.
        assert self.left == sorted(self.left, key=order.index)
        assert set(self.left) == set(order if what == "right code" else order[:2])


# ---------------------------------------------------------------------------------------------------------------- killed


def test_killing_the_helper_with_a_wrong_code_never_buys_a_free_guess(logins, record_property, capsys):
    for _, left in logins.killed_at_each_call(logins.alice.codes.wrong):
        assert logins.kept().failures == (1 if left == "failure" else 0)
    logins.report(record_property, capsys, "wrong code")


def test_killing_the_helper_with_the_right_code_never_lets_the_code_in_twice(logins, record_property, capsys):
    for code, left in logins.killed_at_each_call(logins.alice.codes.now):
        assert logins.ordinary(code) == (AUTH_ERR if left == "used" else SUCCESS)
    logins.report(record_property, capsys, "right code")


@pytest.mark.parametrize("call", ["flock", "pwrite64", "fdatasync"])
def test_login_whose_helper_is_killed_is_refused_and_says_so(logins, program, journal, call):
    """Only the helper makes these calls; the module waits for its answer."""
    for reply in (logins.alice.codes.now(), logins.alice.codes.wrong(), logins.alice.recovery_codes[0]):
        login = traced.login(program, logins.alice, reply, inject=f"{call}:signal=KILL", user=logins.alice)
        assert login.code == AUTHINFO_UNAVAIL
        assert len(login.told) == 1 and "could not be checked" in login.told[0]
        assert journal.records(logins.alice.name)[-1] == "otp.unavailable"
        assert journal.names(logins.alice.name)[-1] == "otp.unavailable"
        logins.works_again_at_once()


def test_killing_the_program_that_asks_never_buys_a_free_guess(logins, program, record_property, capsys):
    """The helper goes on without the program, and counts the attempt or not; but nobody has seen a verdict that does not
    count."""
    wrong, alice = logins.alice.codes.wrong(), logins.alice
    undisturbed = traced.login(program, alice, wrong, user=alice, follow=False)
    logins.works_again_at_once()
    names = [call.name for call in undisturbed.inside]
    asking = undisturbed.inside[names.index("socketpair") :]
    assert len(asking) > 10
    seen = []
    for call in asking:
        login = traced.login(program, alice, wrong, inject=call.kills(), user=alice, follow=False)
        if not login.killed:
            # This time the helper had ended by itself before it was killed.
            assert call.name in ("kill", "wait4", "waitid"), call
            logins.works_again_at_once()
            continue
        wait_until(lambda: not helpers(), "end of the helper")
        seen.append((logins.kept().failures, login.verdict_seen))
        logins.works_again_at_once()
    record_property("points", len(seen))
    with capsys.disabled():
        counted = sum(failures for failures, _ in seen)
        print(f"\nwrong code: the program killed at {len(seen)} calls while it asks, {counted} of them counted")
    assert set(seen) <= {(0, False), (1, False), (1, True)}
    assert {failures for failures, _ in seen} == {0, 1}


# --------------------------------------------------------------------------------------------------------------- stopped

STOPS = ["flock", "pwrite64", "fdatasync"]


@pytest.mark.parametrize("call", STOPS)
def test_stopped_helper_is_continued_and_keeps_nobody_out(logins, enrol, under_test, call):
    """The helper is stopped just before the call, when it has the lock or is about to take it. Only its own caller notices."""
    alice, carol = logins.alice, enrol("carol")
    with traced_helper(under_test.helper, alice, f"{call}:signal=STOP:when=1") as stopped:
        stopped.ask(check(alice, alice.codes.wrong()))
        wait_until(lambda: stopped.reached(call), f"helper at {call}")
        begin = time.monotonic()
        with Application(logins._program, carol) as application:
            assert application.login(carol, carol.codes.now()).code == SUCCESS
        logins.clock.advance(MINUTE)
        assert logins.ordinary(alice.codes.now()) == SUCCESS
        assert time.monotonic() - begin < doors.TIMEOUT_SECONDS
        run = stopped.run()
    assert run.words[0] == "rejected"
    logins.works_again_at_once()


def test_helper_stopped_before_its_answer_has_released_the_lock(logins, under_test):
    alice = logins.alice
    calls = logins.helper(alice.codes.wrong()).calls
    answer = next(call for call in calls if call.name == "write" and call.arguments.startswith("1<"))
    with traced_helper(under_test.helper, alice, f"write:signal=STOP:when={answer.number}") as stopped:
        stopped.ask(check(alice, alice.codes.wrong()))
        wait_until(lambda: logins.kept().failures == 2, "attempt that is counted")
        logins.clock.advance(MINUTE)
        assert logins.ordinary(alice.codes.now()) == SUCCESS
        assert stopped.run().status == -signal.SIGKILL


def test_user_who_keeps_stopping_helpers_locks_nobody_else_out(logins, enrol, under_test):
    carol = enrol("carol")
    stopped = [traced_helper(under_test.helper, logins.alice, "fdatasync:signal=STOP:when=1") for _ in range(8)]
    try:
        for each in stopped:
            each.ask(check(logins.alice, logins.alice.codes.wrong()))
        for _ in range(3):
            with Application(logins._program, carol) as application:
                assert application.login(carol, carol.codes.now()).code == SUCCESS
            logins.clock.advance(30)
    finally:
        for each in stopped:
            each.__exit__()


# -------------------------------------------------------------------------------------------------------- calls that fail


@pytest.mark.parametrize("error", ["EIO", "EINTR"])
def test_no_failing_call_gets_a_wrong_code_accepted_or_judged_without_being_counted(logins, error):
    wrong = logins.alice.codes.wrong()
    calls = logins.helper(wrong).from_the_question_on
    logins.works_again_at_once()
    for call in calls:
        run = logins.helper(wrong, call.fails(error))
        # "denied": if the list of users cannot be read, the account counts as another user's.
        assert run.words[:1] in ([], ["rejected"], ["unavailable"], ["denied"]), f"{call} failed with {error}: {run.words}"
        if run.words[:1] == ["rejected"]:
            assert logins.kept().failures == 1
        logins.works_again_at_once()


def test_no_failing_call_admits_a_right_code_without_using_it_up_on_disk(logins):
    calls = logins.helper(logins.alice.codes.now()).from_the_question_on
    logins.works_again_at_once()
    for call in calls:
        run = logins.helper(logins.alice.codes.now(), call.fails("EIO"))
        if run.words[:1] == ["accepted"]:
            assert logins.kept().last_step == str(logins.clock.now // 30)
            assert run.done_well("pwrite64") == 2 and run.done_well("fdatasync") == 1, call
        logins.works_again_at_once()


@pytest.mark.parametrize("call", ["prctl", "prlimit64", "timer_create", "timer_settime", "close_range", "chdir"])
def test_helper_that_cannot_become_harmless_judges_nothing(logins, journal, call):
    denied, before = Denied(journal), logins.kept()
    run = logins.helper(logins.alice.codes.now(), f"{call}:error=EPERM")
    assert any(each.name == call and each.result.startswith("-1 EPERM") for each in run.calls)
    assert run.words == []
    assert logins.kept() == before
    assert len(denied.lines()) == 1


# -------------------------------------------------------------------------------------------------------------- its calls


@pytest.mark.parametrize("kind", ["right", "wrong", "recovery"])
def test_log_entry_comes_before_the_attempt_and_the_answer_after_the_state_is_on_disk(logins, under_test, kind):
    alice = logins.alice
    reply = {"right": alice.codes.now(), "wrong": alice.codes.wrong(), "recovery": alice.recovery_codes[0]}[kind]
    run = logins.helper(reply)
    state = f"{under_test.state_directory}/{alice.name}/state"
    order = [call for call in run.calls if call.name in ("pwrite64", "fdatasync", "write", "sendto", "sendmsg", "writev")]
    assert "otp-helper" in order[0].arguments
    done = [(call.name, call.file) for call in order[1:4]]
    assert done == [("pwrite64", state), ("pwrite64", state), ("fdatasync", state)]
    # The log entry of the outcome, and only then the answer.
    assert "otp-helper" in order[4].arguments and "otp.attempt" not in order[4].arguments
    assert order[5].arguments.startswith("1<") and run.words[0] in VERDICTS
    assert len(order) == 6


def test_helper_is_harmless_before_it_touches_anything_of_the_callers(logins):
    run = logins.helper(logins.alice.codes.wrong())
    before = {call.name for call in run.calls[: run.question]}
    assert {"prctl", "prlimit64", "timer_create", "timer_settime", "umask", "close_range", "chdir"} <= before
