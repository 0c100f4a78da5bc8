"""A change whose helper ends or stops at any call from the word `keep` on, or has that call fail: the record is wholly the
old one or wholly the new one, leftovers disturb nobody, and nobody waits longer than the lock may be held.

Authentication is not what is tested here: the stack admits everybody, so that a try takes no second.
"""

import os
import pathlib
import pwd
import shutil
import signal
import time

import pytest

import doors
import traced
from clock import wait_until
from helper import (SERVICE_OF_CHANGES, Helper, Session, TracedSession, check, enrol_by_hand, message, picture,
                    stack_of_changes)

pytestmark = [pytest.mark.promised_by("ours")]

FILES = ["credential.toml", "state"]
POLICY = pathlib.Path("/etc/security/pam_otp.conf")
# The calls that matter in a change: all of them are tried. Of the others, which examine something or set a timer, every
# fifth is.
CHANGING = {"mkdirat", "openat", "unlinkat", "fchown", "fchmod", "write", "fsync", "renameat", "renameat2", "flock", "sendto"}


@pytest.fixture(autouse=True)
def yes():
    before = stack_of_changes("auth required pam_permit.so", "account required pam_permit.so")
    POLICY.write_text("[enroll]\nmax_authenticators = 3\n[enforce]\ngroups = []\n")
    yield
    pathlib.Path(SERVICE_OF_CHANGES).write_text(before)
    POLICY.unlink()


class Case:
    """One kind of change to one account, repeated from the same record."""

    def __init__(self, what, account, clock, under_test, tmp_path):
        self.what, self.account, self.clock, self.program = what, account, clock, under_test.helper
        self.records = under_test.state_directory
        self.directory = self.records / account.name
        self.copy = pathlib.Path(tmp_path, "copy")
        self.old, self.old_codes = None, []
        self.second = None
        if what != "enrol":
            enrol_by_hand(self.program, account, clock, "phone")
            self.old, self.old_codes = account.codes, account.recovery_codes
        if what == "remove":
            with Session(self.program, account, clock, "add", "tablet") as session:
                session.up_to("codes")
                self.second = session.device
                assert session.keep() == ["kept"]
        if what != "enrol":
            clock.advance(30)
            # Two failures and a used recovery code, which a failed change must leave as they are.
            assert self.verdict(self.old_codes[9]) == "recovered"
            for _ in range(2):
                assert self.verdict(self.old.wrong()) == "rejected"
            shutil.copytree(self.directory, self.copy, copy_function=shutil.copy2)
        self.start = clock.now
        self.request = {"enrol": ("enrol", "new"), "replace": ("enrol", "new"), "add": ("add", "new"),
                        "remove": ("remove", "tablet"), "remove last": ("remove", ""), "codes": ("recovery-codes",)}[what]

    def again(self):
        """Restores the record that the case began with."""
        self.clock.set(self.start)
        shutil.rmtree(self.directory, ignore_errors=True)
        if self.what == "enrol":
            # The first enrolment on the machine makes the mark.
            (self.records / ".enrolled").unlink(missing_ok=True)
        if self.copy.exists():
            self.directory.mkdir(mode=0o700)
            for file in self.copy.iterdir():
                shutil.copy2(file, self.directory)
            owner, group = pwd.getpwnam(self.account.name).pw_uid, self.records.stat().st_gid
            for path, mode in ((self.directory, 0o2770), (self.directory / FILES[0], 0o640), (self.directory / FILES[1], 0o660)):
                os.chown(path, owner, group)
                path.chmod(mode)

    def verdict(self, reply):
        with Helper(self.program, self.account) as helper:
            return helper.ask(check(self.account, reply))[0]

    def change(self, inject=None):
        """Returns the answer, the calls from `keep` on, and the status; `device` and `codes` are then those that it showed."""
        with TracedSession(self.program, self.account, self.clock, *self.request[:1], *self.request[1:], inject=inject) as talk:
            talk.up_to("codes")
            came = talk.kept()
            self.device, self.codes = talk.device, talk.recovery_codes
            return came

    def ordinary(self):
        with Session(self.program, self.account, self.clock, *self.request) as talk:
            talk.up_to("codes")
            self.device, self.codes = talk.device, talk.recovery_codes
            return talk.keep()

    def stands(self):
        """`old` or `new`, as far as the record and all codes agree; anything else is an error."""
        self.clock.advance(30)
        with Helper(self.program, self.account) as helper:
            (enrolled,) = helper.ask(message("is-enrolled", self.account.name))
        enrolled = enrolled == "enrolled"
        if self.what == "enrol" and not enrolled or self.what == "remove last" and not enrolled:
            # Not one byte of a credential is left, and no code of either kind opens anything.
            assert not (self.directory / FILES[0]).exists()
            for reply in filter(None, [self.device and self.device.now(), *self.codes[:1], *self.old_codes[:1]]):
                assert self.verdict(reply) == "not-enrolled"
            return "old" if self.what == "enrol" else "new"
        assert enrolled
        assert traced.files_of(self.account, self.records)[-2:] == FILES
        # Read before any attempt changes it.
        before = traced.Kept(self.account, self.records)
        works = {name: self.opens(name, device and device.now()) for name, device in
                 (("old", self.old), ("new", self.device), ("second", self.second))}
        opens = {name: self.opens(name, codes and codes[0]) for name, codes in (("old", self.old_codes), ("new", self.codes))}
        stands = {
            "enrol": {"new": (False, True, False, False, True)},
            "replace": {"old": (True, False, False, True, False), "new": (False, True, False, False, True)},
            "add": {"old": (True, False, False, True, False), "new": (True, True, False, True, False)},
            "remove": {"old": (True, False, True, True, False), "new": (True, False, False, True, False)},
            "remove last": {"old": (True, False, False, True, False)},
            "codes": {"old": (True, False, False, True, False), "new": (True, False, False, False, True)},
        }[self.what]
        found = (*works.values(), *opens.values())
        (which,) = [which for which, expected in stands.items() if expected == found] or [found]
        assert which in ("old", "new"), (self.what, dict(works=works, opens=opens))
        # A replacement begins with no failures: see below.
        if self.what not in ("enrol", "replace"):
            assert before.failures == 2
        if self.old_codes:
            assert self.verdict(self.old_codes[9]) != "recovered"
        self.before = before
        return which

    def opens(self, name, reply):
        return bool(reply) and self.verdict(reply) in ("accepted", "recovered")


CASES = ["enrol", "replace", "add", "remove", "remove last", "codes"]


@pytest.fixture(params=CASES)
def case(request, bobby, clock, under_test, tmp_path):
    return Case(request.param, bobby, clock, under_test, tmp_path)


def some(calls, offset=0):
    return [call for at, call in enumerate(calls) if call.name in CHANGING or at % 5 == offset]


def test_change_killed_at_any_call_leaves_wholly_the_old_record_or_wholly_the_new_one(case, record_property, capsys):
    case.again()
    words, calls, status = case.change()
    assert status == 0 and words == ["kept-none" if case.what == "remove last" else "kept"], words
    assert case.stands() == "new"
    points = some(calls)
    assert len(points) > 12
    seen = []
    for call in points:
        case.again()
        words, _, status = case.change(call.kills())
        assert status == -signal.SIGKILL, call
        seen.append(case.stands())
        # A change that was reported is on disk.
        assert not words or seen[-1] == "new"
        # Leftovers disturb neither the next change nor, after it, anybody else.
        if case.what not in ("add", "remove", "remove last") or seen[-1] == "old":
            case.clock.advance(30)
            assert case.ordinary() == ["kept-none" if case.what == "remove last" else "kept"]
            if case.what != "remove last":
                assert traced.files_of(case.account, case.records) == FILES
    with capsys.disabled():
        print(f"\n{case.what}: killed at {len(seen)} calls, {seen.count('new')} of them after it was kept")
    record_property("points", len(seen))
    # Every kill after the first that left the new record leaves it too; and there were kills on both sides.
    assert seen == sorted(seen, key=["old", "new"].index) and set(seen) == {"old", "new"}


def test_failed_replacement_leaves_the_count_of_failures(bobby, clock, under_test, tmp_path):
    """Killed before each of its renames: the old authenticator stays, and so do its failures."""
    case = Case("replace", bobby, clock, under_test, tmp_path)
    _, calls, _ = case.change()
    for call in (call for call in calls if call.name.startswith("renameat")):
        case.again()
        case.change(call.kills())
        assert case.stands() == "old"
        assert case.before.failures == 2, call


@pytest.mark.parametrize("error", ["EIO", "ENOSPC", "EDQUOT"])
def test_change_with_a_failing_call_is_refused_or_done(case, error):
    """Calls that write are failed with each error, half of the others with one error."""
    words, calls, _ = case.change()
    assert words[0].startswith("kept")
    errors = ["EIO", "ENOSPC", "EDQUOT"]
    writing = {"mkdirat", "write", "fsync", "renameat", "renameat2", "fchmod", "fchown"}
    calls = [call for at, call in enumerate(calls) if call.name in writing or at % 6 == 2 * errors.index(error)]
    for call in calls:
        case.again()
        words, _, status = case.change(call.fails(error))
        assert words[:1] in ([], ["kept"], ["kept-none"], ["unavailable"], ["refused"]), (call, words)
        stands = case.stands()
        if words[:1] in (["kept"], ["kept-none"]):
            assert stands == "new", call
        # An error after the last rename (the directory could not be synced) leaves the new record; never half of it.
        if words[:1] == ["refused"]:
            assert stands == "old", call


# --------------------------------------------------------------------------------------------------------------- stopped


def test_helper_stopped_with_the_lock_is_continued_and_keeps_nobody_out(
    bobby, carol, clock, under_test, tmp_path
):
    case = Case("replace", bobby, clock, under_test, tmp_path)
    with TracedSession(case.program, bobby, clock, "enrol", "new", inject="renameat:signal=STOP:when=1") as talk:
        talk.up_to("codes")
        talk.say("keep")
        wait_until(lambda: talk.reached("renameat"), "helper before its rename")
        with Helper(case.program, carol) as helper:
            assert helper.ask(check(carol, carol.codes.now()))[0] == "accepted"
        assert talk.turn() == "kept"
    clock.advance(30)
    assert case.ordinary() == ["kept"]


@pytest.mark.parametrize("stage", ["offer", "codes"])
def test_helper_stopped_at_a_question_keeps_nobody_waiting(bobby, carol, clock, under_test, tmp_path, stage):
    case = Case("replace", bobby, clock, under_test, tmp_path)
    stopped = []
    try:
        for _ in range(5):
            stopped.append(Session(case.program, bobby, clock, "enrol", "new"))
            stopped[-1].up_to(stage)
            os.kill(stopped[-1].pid, signal.SIGSTOP)
        begin = time.monotonic()
        for account in (carol, bobby):
            with Helper(case.program, account) as helper:
                assert helper.ask(check(account, account.codes.now()))[0] == "accepted"
        clock.advance(30)
        assert case.ordinary() == ["kept"]
        assert time.monotonic() - begin < 3
        # The dialogues that go on now find that the record has changed.
        for talk in stopped:
            os.kill(talk.pid, signal.SIGCONT)
            if stage == "offer":
                talk.say("code", talk.device.now())
                assert [talk.turn(), talk.turn()] == ["checked", "codes"]
            assert talk.keep() == ["refused", "changed-meanwhile"]
    finally:
        for talk in stopped:
            talk.__exit__()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGALRM, signal.SIGUSR1, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE,
                                    signal.SIGCHLD, signal.SIGURG, signal.SIGCONT, signal.SIGTSTP, signal.SIGRTMIN])
@pytest.mark.parametrize("stage", ["ask", "offer", "codes"])
def test_signal_to_a_waiting_helper_ends_it_or_does_nothing(alice, clock, under_test, stage, number):
    """A signal never moves the dialogue a step further: with the next word it is where it was, or it has ended."""
    stack_of_changes("auth required pam_unix.so nodelay", "account required pam_unix.so")
    before = picture(under_test.state_directory)
    with Session(under_test.helper, alice, clock, "enrol", "new") as talk:
        assert talk.turn() == "begun" and talk.turn() == "ask-hidden"
        if stage != "ask":
            talk.say("reply", alice.password)
            talk.until("offer")
        if stage == "codes":
            talk.say("code", talk.device.now())
            assert [talk.turn(), talk.turn()] == ["checked", "codes"]
        os.kill(talk.pid, number)
        os.kill(talk.pid, signal.SIGCONT)
        if stage == "ask":
            talk.say("reply", "no password at all")
            assert talk.turn() in (None, "not-authenticated", "tell")
        elif stage == "offer":
            talk.say("code", talk.device.wrong())
            assert talk.turn() is None or talk.words()[:3] == ["checked", "no-match", "2"]
        else:
            talk.say("code", talk.device.now())
            assert talk.turn() is None
    assert picture(under_test.state_directory) == before
