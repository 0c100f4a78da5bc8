"""A fault at any system call of a login, an enrolment, a removal or an unlocking: no free guess, no code accepted twice, no
user locked out for good, no torn record; and the log says what happened.

Every user who is refused gets in again by waiting or with a right code. Each case begins with the same record at the same
moment, so the codes are the same too. `tests/faults` runs all cases. A full run of the tests takes only the most important
ones: the calls that create a record, protect it from others, and report that it exists.
"""

import base64
import contextlib
import os
import pathlib
import pwd
import re
import subprocess

import pytest

import doors
import faults
from application import (  # noqa: F401  (fixtures among them)
    AUTH_ERR, AUTHINFO_UNAVAIL, MAXTRIES, PERM_DENIED, SERVICE, SUCCESS, application, line, program,
)
from clock import START
from codes import Codes
from faults import BEGINS_BY_ITSELF, ROOT, Record, Snapshot
from helper import SERVICE_OF_CHANGES, Session, enrol_by_hand, stack_of_changes
from journal import OUTCOMES
from login_enrolment import ENGLISH, KEY_IN_GROUPS, REQUIRE
from under_test import BINARIES

pytestmark = [pytest.mark.promised_by("ours")]

ALL_OF_THEM = "OTP_FAULTS" in os.environ
# The faults that every run tries, at the calls that make a record; with OTP_FAULTS all faults are tried.
IN_EVERY_RUN = {"kill", "error=EIO", "error=ENOSPC", "after=EIO", "cut=half"}
LOCKED_FOR = 15 * 60
# The faults after which a call is made again.
PASSES = {"kill", "error=EINTR", "cut=half", "cut=one"}
# The calls of the log itself: if they fail, nothing can be logged.
LOGGING = {"sendto", "connect", "socket"}


@pytest.fixture(scope="module")
def interference():
    with faults.interference() as compiled:
        yield compiled


@pytest.fixture(scope="module")
def tally(request):
    counted = faults.Tally()
    yield counted
    text = "\n".join(counted.table())
    pathlib.Path("results", "faults.txt").write_text(text + "\n")
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\n{text}")


@pytest.fixture
def both_lines(under_test):
    # Where our module returns PAM_IGNORE, pam_permit in the next line admits.
    lines = [f"auth {under_test.line()}", "auth required pam_permit.so",
             f"account {under_test.line()}", "account required pam_permit.so"]
    pathlib.Path("/etc/pam.d", SERVICE).write_text("\n".join(lines) + "\n")


def script(account, reply):
    doors.TYPED.append(reply)
    words = [("start", SERVICE, account.name), ("authenticate", reply), ("acct_mgmt",), ("setcred",), ("end",)]
    return b"".join(line(*each) for each in words)


class Logins:
    """Alice's logins: each begins with the same record, and has one fault."""

    def __init__(self, kind, way, program, application, alice, clock, under_test, journal, interference, tally):
        self.kind, self.way, self.alice, self.clock = kind, way, alice, clock
        self.records = under_test.state_directory
        self._program, self._application, self._under_test = program, application, under_test
        self._journal, self._interference, self._tally = journal, interference, tally
        self.user = alice if way == "helper" else None
        wrong = alice.codes.wrong()
        if kind == "wrong, the last before a lock":
            for _ in range(4):
                assert application.login(alice, wrong).code == AUTH_ERR
        self.reply = {"right": alice.codes.now(), "recovery": alice.recovery_codes[0]}.get(kind, wrong)
        self.next_code = alice.codes.at_step(2)
        self.later_code = alice.codes.at_step(2 + 2 * LOCKED_FOR // 30)
        if way != "root":
            # The helper makes records that belong to the user.
            for path in (self.records / alice.name, *(self.records / alice.name).iterdir()):
                os.chown(path, pwd.getpwnam(alice.name).pw_uid, path.stat().st_gid)
        self.script = script(alice, self.reply)
        self.before = Record(self.records, alice)
        self.snapshot = Snapshot(self.records, alice)
        self.modes = {name: mode for name, (_, _, mode, _) in self.snapshot.kept.items()}

    def run(self, **how):
        self.snapshot.restore()
        self.clock.set(START)
        self._first = len(self._journal.lines())
        return self._interference.run([self._program], self.script, user=self.user, **how)

    def calls(self):
        run = self.run()
        codes = answers(run.output)
        assert codes[1] == (SUCCESS if self.kind in ("right", "recovery") else AUTH_ERR), run.output
        assert not run.killed
        return run.calls

    def go_on(self, call, fault):
        """Runs one case and checks everything that must hold afterwards. Returns whether the fault happened."""
        run = self.run(place=call.place, number=call.number, fault=fault)
        if not run.happened:
            # The helper and its program can end in either order; or there was nothing to cut.
            return False
        (hit,) = run.calls
        where = f"{self.kind}, {self.way}: {fault} at {hit}"
        codes = answers(run.output)
        code = codes[1] if len(codes) > 1 else None
        lines = self._journal.lines(self._first)
        events = events_of("auth", lines)
        left = self.left(where)
        outcome = {SUCCESS: "let in", AUTH_ERR: "refused", AUTHINFO_UNAVAIL: "unavailable", None: "cut off"}.get(code)
        assert outcome, (where, code)
        self._tally.count(f"login, {self.kind}, {self.way}", hit, fault, f"{outcome} and {left}")

        # No free guess, and no verdict that is not on disk.
        if code == SUCCESS:
            assert left == "used" and self.kind in ("right", "recovery"), where
        if code in (SUCCESS, AUTH_ERR):
            assert hit.name not in ("pwrite64", "fdatasync") or fault in PASSES, where
        if "accept" in events or "recovery" in events:
            assert left == "used", where
        if "reject" in events or "lock" in events:
            assert left == "failure", where
        if left == "nothing":
            assert code not in (SUCCESS,) and not {"accept", "reject", "lock"} & set(events), where
        if self.kind.startswith("wrong"):
            assert left in ("nothing", "failure"), where

        # The log says what happened.
        silenced = hit.name in LOGGING and fault.startswith("errors=")
        if self.way == "helper" and left != "nothing" and hit.name not in LOGGING:
            assert any("]: otp.attempt " in line for line in lines), (where, lines)
        if code is not None and not silenced:
            assert len(events) == 1, (where, code, lines)
            # The C library could not read the list of users, and took the user for unknown.
            unknown = {"notenrolled"} if left == "nothing" and about_users(hit) else set()
            said = {SUCCESS: {"accept", "recovery"}, AUTH_ERR: {"reject", "lock", *unknown}, AUTHINFO_UNAVAIL: {"unavailable"}}
            if self.way == "helper":
                # The helper has logged its answer, which did not reach the module.
                said[AUTHINFO_UNAVAIL] |= said[SUCCESS] | said[AUTH_ERR]
            assert events[0] in said.get(code, set()), (where, code, events)
        if len(codes) > 2 and code == SUCCESS and codes[2] != SUCCESS:
            answer, word = (PERM_DENIED, "notenrolled") if about_users(hit) and codes[2] != AUTHINFO_UNAVAIL else (
                AUTHINFO_UNAVAIL, "unavailable")
            assert codes[2] == answer, (where, codes)
            assert silenced or events_of("account", lines) == [word], (where, lines)

        # No code is accepted twice.
        if left == "used":
            assert self.ordinary(self.reply) == AUTH_ERR, where

        # No user is locked out, and nothing is left behind.
        now = self.snapshot.look()
        assert {name: mode for name, (_, _, mode, _) in now.items()} == self.modes, (where, sorted(now))
        self.clock.set(START + 60)
        if Record(self.records, self.alice).state.standing[0] != "open":
            assert self.kind == "wrong, the last before a lock" and left == "failure", where
            assert self.ordinary(self.next_code) == MAXTRIES, where
            self.clock.set(START + 60 + 2 * LOCKED_FOR)
            assert self.ordinary(self.later_code) == SUCCESS, where
        else:
            assert self.ordinary(self.next_code) == SUCCESS, where
        return True

    def ordinary(self, reply):
        return self._application.login(self.alice, reply).code

    def left(self, where):
        """What the attempt has left on disk: nothing, a counted failure, or a used code."""
        now = Record(self.records, self.alice)
        if (now.used, now.failures) == (self.before.used, self.before.failures):
            return "nothing"
        if now.used != self.before.used:
            assert now.failures == 0, where
            return "used"
        # A lock resets the count.
        assert now.failures == self.before.failures + 1 or now.failures == 0 and now.state.standing[0] == "locked", where
        return "failure"


def events_of(phase, lines):
    """The events that our module logged in that phase of a login, or that the helper logged about an attempt it made. Where no
    answer came, the module logs that as well."""
    by_helper = [re.search(r"otp-helper\[\d+\]: otp\.(\w+)", line) for line in lines]
    outcomes = [found[1] for found in by_helper if found and f"otp.{found[1]}" in OUTCOMES]
    if phase == "auth" and outcomes:
        return outcomes
    found = (line.partition(f":{phase}): otp.")[2].split() for line in lines)
    return [words[0] for words in found if words]


def answers(output):
    return [int(text[2:]) for text in output.splitlines() if text.startswith("= ")]


KINDS = ["right", "wrong", "recovery", "wrong, the last before a lock"]


@pytest.mark.usefixtures("both_lines")
@pytest.mark.parametrize("way", ["root", "root, of a record that is the user's", "helper"])
@pytest.mark.parametrize("kind", KINDS)
def test_login_withstands_a_fault_at_any_call(
    kind, way, program, application, alice, clock, under_test, journal, interference, tally  # noqa: F811
):
    logins = Logins(kind, way, program, application, alice, clock, under_test, journal, interference, tally)
    calls = logins.calls()
    assert len(calls) > 60
    each(calls, logins.go_on)


def each(calls, case):
    """Runs all cases, and reports everything that went wrong at the end. The fault happens in nearly all of them."""
    wrong, tried, missed = [], 0, []
    for call in calls:
        for fault in call.faults():
            if ALL_OF_THEM or call.name in faults.CHANGING and about_the_records(call) and fault in IN_EVERY_RUN:
                tried += 1
                try:
                    if not case(call, fault):
                        missed.append(f"{fault} at {call}")
                except (AssertionError, faults.refused()) as found:
                    wrong.append(found.args[0] if found.args else found)
    assert not wrong, f"{len(wrong)} cases, the first of them: {wrong[:20]}"
    assert len(missed) < tried / 10, f"{len(missed)} of {tried} cases did not happen: {missed[:20]}"


def about_users(call):
    return any(name in f"{call.path}/{call.text}" for name in ("/etc/passwd", "/etc/nsswitch.conf"))


def about_the_records(call):
    return "pam_otp/" in f"{call.path}/{call.text}"


# ------------------------------------------------------------------------------------------------------------ the changes

RULES = "[enroll]\nmax_authenticators = 3\n[enforce]\ngroups = []\n"
POLICY = pathlib.Path("/etc/security/pam_otp.conf")
FILES = {"credential.toml": 0o640, "state": 0o660}

# What the helper or otp-admin is asked for. The number of authenticators follows from it.
BY_HELPER = {
    "enrolment": ("enrol", "new"), "replacement": ("enrol", "new"), "removal": ("remove", "tablet"),
    "removal of the last": ("remove", ""), "new recovery codes": ("recovery-codes",),
}
BY_ROOT = {
    "enrolment": ("provision", "{user}", "--json"), "replacement": ("provision", "{user}", "--json", "--force"),
    "removal": ("reset", "{user}"), "unlocking": ("unlock", "{user}"),
}


@pytest.fixture
def rules(both_lines, under_test, request):
    before = stack_of_changes("auth required pam_permit.so", "account required pam_permit.so")
    POLICY.write_text(RULES if request.node.callspec.params["way"] != "a login through root" else REQUIRE)
    # The stack of a login that sets up an authenticator.
    lines = ["auth required pam_unix.so nodelay", f"auth {under_test.line()}", f"account {under_test.line()}"]
    pathlib.Path("/etc/pam.d/su").write_text("\n".join(lines) + "\n")
    yield
    pathlib.Path(SERVICE_OF_CHANGES).write_text(before)
    POLICY.unlink()


class Changes:
    """Changes of alice's record: each begins with the same record, and has one fault."""

    def __init__(self, what, way, program, application, alice, clock, under_test, journal, interference, tally):
        self.what, self.way, self.alice, self.clock = what, way, alice, clock
        self.records = under_test.state_directory
        self._under_test, self._application, self._journal = under_test, application, journal
        self._program, self._interference, self._tally = program, interference, tally
        self.prepare()
        self.before = Record(self.records, alice)
        self.snapshot = Snapshot(self.records, alice)
        self.start = clock.now

    def prepare(self):
        """Makes the record with which each case begins."""
        alice = self.alice
        if self.what == "enrolment":
            self._under_test.reset(alice)
            (self.records / ".enrolled").unlink(missing_ok=True)
        elif self.what == "unlocking":
            for _ in range(5):
                assert self.ordinary("000000") == AUTH_ERR
            assert self.ordinary(alice.codes.now()) == MAXTRIES
        elif self.way == "helper":
            self._under_test.reset(alice)
            enrol_by_hand(self._under_test.helper, alice, self.clock, "phone")
            if self.what == "removal":
                with Session(self._under_test.helper, alice, self.clock, "add", "tablet") as talk:
                    talk.up_to("codes")
                    assert talk.keep() == ["kept"]
        self.clock.advance(30)

    def ordinary(self, reply):
        return self._application.login(self.alice, reply).code

    def run(self, **how):
        """Returns whether the program reports success, and the run."""
        self.snapshot.restore()
        self.clock.set(self.start)
        self._first = len(self._journal.lines())
        return {"helper": self.by_helper, "root": self.by_root, "a login through root": self.by_login}[self.way](**how)

    def by_helper(self, **how):
        wrapped = self._interference.command([], user=self.alice, begins="heard=keep", **how)
        verb, *words = BY_HELPER[self.what]
        with Session(self._under_test.helper, self.alice, self.clock, verb, *words, caller=ROOT, wrapped=wrapped) as talk:
            talk.up_to("codes")
            self.said = talk.keep()
            talk.end()
        return self.said[:1] in (["kept"], ["kept-none"]), self._interference.result()

    def by_root(self, **how):
        words = [word.format(user=self.alice.name) for word in BY_ROOT[self.what]]
        run = self._interference.run([BINARIES / "otp-admin", *words], begins=BEGINS_BY_ITSELF, **how)
        self.said = run.errors
        return run.status == 0, run

    def by_login(self, **how):
        """The change inside a login through a program of root's, which sets up an authenticator."""
        with self.talking(self._interference.command([self._program], begins=f"heard={ENGLISH.kept}", **how)) as talk:
            codes = talk.play()
        run = self._interference.result(talk.text)
        self.said = codes
        return codes[2:3] == [SUCCESS], run

    def talking(self, command):
        return LoginThatEnrols(command, self.alice, self.clock)

    def again(self):
        """Makes the same change once more, without a fault; it must succeed."""
        if self.way == "helper":
            verb, *words = BY_HELPER[self.what]
            with Session(self._under_test.helper, self.alice, self.clock, verb, *words) as talk:
                talk.up_to("codes")
                assert talk.keep()[0].startswith("kept"), talk.last
                talk.end()
        elif self.what == "enrolment" and self.way != "root":
            with self.talking([self._program]) as talk:
                assert talk.play()[2] == SUCCESS, talk.text
        else:
            self._under_test.admin(*(word.format(user=self.alice.name) for word in BY_ROOT[self.what]))

    def calls(self):
        done, run = self.run()
        assert done and not run.killed and self.stands() == "new", self.said
        return run.calls

    def stands(self):
        """`old` or `new`; any other record is an error."""
        now, old = Record(self.records, self.alice), self.before
        if self.what == "unlocking":
            assert now.credential == old.credential and now.used == old.used
            if now.state.standing[0] == "open":
                assert now.failures == 0
                return "new"
            assert now.state == old.state
            return "old"
        if now.credential == old.credential:
            assert now.credential is None or now.state.counts == old.state.counts
            return "old"
        ids = [one.id for one in now.credential.authenticators] if now.credential else []
        olds = [one.id for one in old.credential.authenticators] if old.credential else []
        if self.what in ("enrolment", "replacement"):
            assert len(ids) == 1 and ids[0] not in olds
        elif self.what == "new recovery codes":
            assert ids == olds and now.credential.recovery.id != old.credential.recovery.id
        elif self.what == "removal" and self.way == "helper":
            assert ids == olds[:1]
        else:
            assert ids == []
        return "new"

    def go_on(self, call, fault):
        """Runs one case and checks everything that must hold afterwards. Returns whether the fault happened."""
        done, run = self.run(place=call.place, number=call.number, fault=fault)
        if not run.happened:
            return False
        (hit,) = run.calls
        where = f"{self.what}, {self.way}: {fault} at {hit}"
        lines = self._journal.lines(self._first)
        stands = self.stands()
        # A program that gets no memory aborts.
        told = "done" if done else "cut off" if run.status > 128 else "failed" if self.said else "silent"
        self._tally.count(f"{self.what}, {self.way}", hit, fault, f"{told} and {stands}")
        # A change that was reported as done is on disk.
        assert not done or stands == "new", where
        if self.way == "helper":
            assert self.said[:1] != ["refused"] or stands == "old", (where, self.said)
            # Only faults in the calls of the log itself may cost the log entry.
            if stands == "new" and hit.name not in LOGGING:
                assert any("otp.changing" in line for line in lines), (where, lines)
            if done and hit.name not in LOGGING:
                assert any("otp.change " in line for line in lines), (where, lines)
        elif self.way == "a login through root":
            if stands == "new" and hit.name not in LOGGING and not run.killed:
                # The change is logged, or it is logged as one that may not last.
                assert set(events_of("account", lines)) & {"change", "unavailable"}, (where, lines)
        elif run.status in (1, 2) and not (hit.name == "write" and fault.startswith("errors=")):
            assert self.said, f"{where}: failed without a word"
        self.works(stands, where)
        return True

    def works(self, stands, where):
        """Checks that everything works without repair, whichever record there is."""
        self.clock.set(self.start + 60)
        now = Record(self.records, self.alice)
        if now.credential is None:
            answer = self._application.login(self.alice, "000000")
            assert answer.asked == [] or answer.code != SUCCESS, where
        elif now.state.standing[0] != "open":
            assert self.ordinary("000000") == MAXTRIES, where
        else:
            for one in now.credential.authenticators:
                assert self.ordinary(self.code_of(one)) == SUCCESS, where
            gone = self.before.credential.authenticators if self.before.credential else []
            for one in (one for one in gone if one not in now.credential.authenticators):
                assert self.ordinary(self.code_of(one)) == AUTH_ERR, where
        if stands == "old":
            self.again()
            assert self.stands() == "new", where
        elif self.what == "replacement":
            self.again()
        if Record(self.records, self.alice).credential is None:
            # An interrupted removal may leave a state without a credential; it must not hinder enrolment.
            assert self.files().keys() <= {"state"}, (where, self.files())
            enrol_by_hand(self._under_test.helper, self.alice, self.clock, "again")
            assert self.ordinary(self.alice.codes.now()) == SUCCESS, where
        assert self.files() == FILES, (where, self.files())

    def files(self):
        """The files in the user's directory, with their modes."""
        return {name.partition("/")[2]: mode for name, (_, _, mode, _) in self.snapshot.look().items() if "/" in name}

    def code_of(self, authenticator):
        """A code by oathtool, from the key that the second implementation has read."""
        return Codes(base64.b32encode(authenticator.secret).decode(), self.clock).now()


class LoginThatEnrols:
    """A login that sets up an authenticator in its account phase: our application plays the terminal."""

    def __init__(self, command, account, clock):
        self._account, self._clock = account, clock
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        )
        self.text = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait(timeout=60)
        self._process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()

    def play(self):
        """Answers like a user who wants to get in; returns PAM's answers."""
        doors.TYPED.append(self._account.password)
        self.say(("start", "su", self._account.name), ("authenticate", self._account.password), ("acct_mgmt", "live"))
        self.until(ENGLISH.begin)
        self.say(("reply", ""))
        shown = self.until(ENGLISH.new_code)
        key = KEY_IN_GROUPS.search(shown)[0].replace(" ", "")
        self.say(("reply", Codes(key, self._clock).now()))
        self.until(ENGLISH.are_kept)
        self.say(("reply", ENGLISH.kept), ("setcred",), ("end",))
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self.text += self._process.stdout.read().decode(errors="replace")
        self._process.wait(timeout=60)
        return answers(self.text)

    def say(self, *lines):
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(b"".join(line(*words) for words in lines))
            self._process.stdin.flush()

    def until(self, question):
        """What was said before the question."""
        before = len(self.text)
        while f"asked {question}" not in self.text[before:]:
            got = os.read(self._process.stdout.fileno(), 65536)
            assert got, f"never asked {question}"
            self.text += got.decode(errors="replace")
        return self.text[before:]


CHANGES = [
    ("enrolment", "a login through root"), *((what, "helper") for what in BY_HELPER), *((what, "root") for what in BY_ROOT),
]


@pytest.mark.usefixtures("rules")
@pytest.mark.parametrize(("what", "way"), CHANGES)
def test_change_withstands_a_fault_at_any_call(
    what, way, program, application, alice, clock, under_test, journal, interference, tally  # noqa: F811
):
    changes = Changes(what, way, program, application, alice, clock, under_test, journal, interference, tally)
    calls = changes.calls()
    assert len(calls) > 30
    # Only calls of the helper itself: whether the user may change something is asked earlier, by another process.
    each([call for call in calls if call.place == "program"], changes.go_on)
