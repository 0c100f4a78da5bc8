"""Whatever way users start a dialogue, and whatever they do to its processes: nobody passes without proof, the record stays
whole, and nobody else is kept out.
"""

import contextlib
import os
import pathlib
import re
import resource
import signal
import subprocess

import pytest

import traced
from clock import wait_until
from helper import Helper, Session, TracedSession, check, message
from intruders import as_user
from locking import held_up
from processes import children
from starts import STARTS

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("password_first")]

POLICY = pathlib.Path("/etc/security/pam_otp.conf")
ALL_ENDS = {None, "not-authenticated", "unavailable", "refused", "denied"}


@pytest.fixture
def credential(under_test):
    return lambda account: (under_test.state_directory / account.name / "credential.toml").read_bytes()


def verdict(under_test, account, reply):
    with Helper(under_test.helper, account) as helper:
        return helper.ask(check(account, reply))[0]


def play(talk, *replies):
    """Sends all replies, whether it is their turn or not, and reads to the end; returns the kinds of the turns."""
    for reply in replies:
        talk.say(*reply)
    return talk.end()[0]


# -------------------------------------------------------------------------------------------------------- ways to start it

MORE_STARTS = {
    **STARTS,
    "children ignored": {"prepare": lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN)},
    "children blocked": {"prepare": lambda: signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])},
    **{f"{count} descriptors": {"limits": {resource.RLIMIT_NOFILE: count}} for count in range(9, 20)},
    **{f"{size} MB of memory": {"limits": {resource.RLIMIT_AS: size << 20}} for size in (20, 24, 28, 32, 48, 64)},
    "no core": {"limits": {resource.RLIMIT_CORE: 0}}, "two timers": {"limits": {resource.RLIMIT_SIGPENDING: 2}},
    "one timer": {"limits": {resource.RLIMIT_SIGPENDING: 1}},
    **{f"no file larger than {size}": {"limits": {resource.RLIMIT_FSIZE: size}} for size in (4096, 300, 1000)},
}


@pytest.mark.parametrize("how", MORE_STARTS)
def test_no_way_to_start_a_dialogue_skips_a_question_or_harms_a_record(erin, under_test, clock, credential, how):
    before = credential(erin)
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        with Session(under_test.helper, erin, clock, "recovery-codes", **MORE_STARTS[how]) as talk:
            said = play(talk, ("reply", "no password at all"), ("reply", erin.codes.now()), ("keep",))
            assert not {"codes", "kept"} & set(said), said
    assert credential(erin) == before
    # With the right replies the change is made or not made; nothing in between.
    new, answer = None, []
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        with Session(under_test.helper, erin, clock, "enrol", "new", **MORE_STARTS[how]) as talk:
            if "1" in how and "closed" in how:
                # The helper has no connection, and waits.
                talk.connection.settimeout(2)
            answer = talk.turn() == "begun" and ["begun"]
            if answer:
                for reply in (erin.password, erin.codes.now()):
                    if talk.turn() not in ("ask", "ask-hidden"):
                        break
                    talk.say("reply", reply)
                else:
                    if talk.turn() == "offer":
                        talk.say("code", talk.device.now())
                        if talk.turn() == "checked" and talk.turn() == "codes":
                            answer = talk.keep()
                            new = talk
    clock.advance(60)
    changed = credential(erin) != before
    assert changed == (answer == ["kept"]) or (changed and answer == [])
    old_works = verdict(under_test, erin, erin.codes.now()) == "accepted"
    new_works = bool(new) and verdict(under_test, erin, new.device.now()) == "accepted"
    assert (old_works, new_works) == (not changed, changed)
    # Leftovers hinder nobody.
    clock.advance(60)
    if changed:
        erin.codes = new.device
    with Session(under_test.helper, erin, clock, "recovery-codes") as talk:
        talk.up_to("codes")
        assert talk.keep() == ["kept"]
    assert traced.files_of(erin, under_test.state_directory) == ["credential.toml", "state"]


@pytest.mark.parametrize("how", ["no processes", "children ignored", "6 descriptors", "12 descriptors", "no timers"])
def test_no_way_to_start_a_dialogue_makes_a_wrong_code_pass(erin, under_test, clock, credential, how):
    before = credential(erin)
    with Session(under_test.helper, erin, clock, "recovery-codes", **MORE_STARTS[how]) as talk:
        said = play(talk, ("reply", erin.password), ("reply", erin.codes.wrong()), ("keep",))
        assert not {"codes", "kept"} & set(said), said
    assert credential(erin) == before


# --------------------------------------------------------------------------------------------------------- its children


@pytest.fixture
def slow_password(erin):
    """A password hash so slow that unix_chkpwd can be caught at work."""
    subprocess.run(["chpasswd", "-c", "SHA512", "-s", "900000"], input=f"{erin.name}:{erin.password}\n", text=True, check=True,
                   capture_output=True)
    return erin


ENDS = ["KILL", "TERM", "SEGV", "ALRM", "USR1", "HUP", "INT", "PIPE"]


@pytest.mark.parametrize("number", ENDS)
def test_killed_password_check_does_not_pass(slow_password, under_test, clock, credential, number):
    before = credential(slow_password)
    with Session(under_test.helper, slow_password, clock, "recovery-codes") as talk:
        talk.up_to("ask")
        talk.say("reply", slow_password.password)
        (child,) = wait_until(lambda: children(talk.pid, "unix_chkpwd"), "password check")
        as_user(slow_password, f"kill -{number} {child}")
        assert talk.turn() in ALL_ENDS | {"tell", "ask-hidden"}
        said = play(talk, ("keep",))
        # A check that ignores the signal goes on, and then the code is asked for.
        assert not {"codes", "kept", "offer"} & set(said)
    assert credential(slow_password) == before


def test_stopped_password_check_does_not_pass_and_keeps_nobody_waiting(slow_password, carol, under_test, clock, credential):
    before = credential(slow_password)
    with Session(under_test.helper, slow_password, clock, "recovery-codes") as talk:
        talk.up_to("ask")
        talk.say("reply", slow_password.password)
        (child,) = wait_until(lambda: children(talk.pid, "unix_chkpwd"), "password check")
        as_user(slow_password, f"kill -STOP {child}")
        talk.say("keep")
        clock.advance(30)
        for account in (carol, slow_password):
            assert verdict(under_test, account, account.codes.now()) == "accepted"
        talk.connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            talk.turn()
        as_user(slow_password, f"kill -KILL {child}")
        talk.connection.settimeout(30)
        assert talk.turn() in ALL_ENDS
    assert credential(slow_password) == before


@pytest.mark.parametrize("number", ["KILL", "TERM", "STOP"])
def test_killed_or_stopped_inner_helper_does_not_pass(erin, under_test, clock, credential, number):
    before = credential(erin)
    with Session(under_test.helper, erin, clock, "recovery-codes") as talk:
        talk.up_to("ask-code")
        with held_up(erin, under_test):
            talk.say("reply", erin.codes.now())
            (child,) = wait_until(lambda: children(talk.pid, "otp-helper"), "inner helper")
            as_user(erin, f"kill -{number} {child}")
            if number == "TERM":
                # It waits for the lock, and takes the signal in between.
                wait_until(lambda: child not in children(talk.pid, "otp-helper"), "end of it")
        while talk.turn() == "tell":
            pass
        assert talk.words()[0] == "not-authenticated"
    assert credential(erin) == before


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("stage", ["ask", "ask-code", "offer", "codes"])
def test_dialogue_killed_in_the_middle_changes_nothing(erin, under_test, clock, credential, stage, number):
    before = credential(erin)
    with Session(under_test.helper, erin, clock, "enrol", "new") as talk:
        talk.up_to(stage)
        os.kill(talk.pid, number)
        talk.say("keep")
        assert talk.turn() is None
    assert credential(erin) == before
    assert traced.files_of(erin, under_test.state_directory) == ["credential.toml", "state"]


# ---------------------------------------------------------------------------------------------------------------- the time

TEN_MINUTES, AT_FIRST = r"it_value=\{tv_sec=600,", r"it_value=\{tv_sec=10,"


def times(talk):
    return [call for call in talk.calls() if call.name == "timer_settime"]


def timers(pid):
    text = pathlib.Path(f"/proc/{pid}/timers").read_text()
    return re.findall(r"^signal: (\d+)", text, re.MULTILINE), re.findall(r"^ClockID: (\d+)", text, re.MULTILINE)


@pytest.mark.parametrize("stage", ["ask", "ask-code", "offer", "codes"])
def test_one_timer_that_kills_is_armed_at_each_stage(erin, under_test, clock, stage):
    with Session(under_test.helper, erin, clock, "enrol", "new") as talk:
        talk.up_to(stage)
        # SIGKILL, by the monotonic clock, which nobody can set.
        assert timers(talk.pid) == ([str(int(signal.SIGKILL))], ["1"])


def test_time_is_extended_once_and_before_the_first_word(erin, under_test, clock):
    with TracedSession(under_test.helper, erin, clock, "enrol", "new") as talk:
        talk.up_to("codes")
        long = [call for call in times(talk) if re.search(TEN_MINUTES, call.arguments)]
        assert len(long) == 1 and re.search(AT_FIRST, times(talk)[0].arguments)
        # It is the timer that was there from the beginning.
        assert long[0].arguments.split(",")[0] == times(talk)[0].arguments.split(",")[0]
        names = [(call.name, call.arguments) for call in talk.calls()]
        first_word = next(at for at, (name, arguments) in enumerate(names) if name == "write" and "begun" in arguments)
        assert names.index(("timer_settime", long[0].arguments)) < first_word


@pytest.mark.parametrize("fields", [
    ("check", "{}", "", "000000"), ("status", "{}"), ("enrol", "root", "new"), ("recovery-codes", "nosuch"),
    ("remove", "{}", "nosuch"), ("enrol", "{}", ""), ("replace", "{}", "new"), ("remove", "{}", ""),
])
def test_time_is_extended_only_for_a_change_that_may_begin(erin, under_test, clock, fields):
    """The last request is refused by policy, which demands an authenticator of everybody."""
    request = message(*(field.format(erin.name) for field in fields))
    with TracedSession(under_test.helper, erin, clock, request) as talk:
        assert talk.turn() in (None, "rejected", "status", "denied", "refused")
        assert len(times(talk)) >= 1
        assert not [call for call in times(talk) if re.search(TEN_MINUTES, call.arguments)]


@pytest.mark.parametrize("verb", ["is-enrolled", "standing"])
def test_time_is_extended_while_a_user_types_a_code_in_a_login(erin, under_test, clock, verb):
    """The helper extends it after the answer, when it holds no lock."""
    with TracedSession(under_test.helper, erin, clock, message(verb, erin.name)) as talk:
        assert talk.turn() in ("enrolled", "standing")
        wait_until(lambda: [call for call in times(talk) if re.search(TEN_MINUTES, call.arguments)], "longer time")


def test_dialogue_without_its_timer_does_not_begin(erin, under_test, clock):
    with TracedSession(under_test.helper, erin, clock, "enrol", "new") as talk:
        talk.up_to("ask")
        (long,) = [call for call in times(talk) if re.search(TEN_MINUTES, call.arguments)]
    with TracedSession(under_test.helper, erin, clock, "enrol", "new", inject=long.fails("EINVAL")) as talk:
        assert talk.turn() == "unavailable"


# --------------------------------------------------------------------------------------------------------------- the group


@pytest.mark.parametrize("call", ["setresgid", "clone"])
def test_stack_does_not_run_if_the_group_cannot_be_given_up_or_no_process_started(erin, under_test, clock, credential, call):
    before = credential(erin)
    with TracedSession(under_test.helper, erin, clock, "recovery-codes", inject=f"{call}:error=EPERM", follow=True) as talk:
        assert talk.turn() == "begun"
        assert talk.turn() == "unavailable", "no question"
    assert credential(erin) == before
