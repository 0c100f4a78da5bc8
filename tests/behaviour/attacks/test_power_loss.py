"""The power fails at any moment of a login, an enrolment, a removal, a move or an unlocking: the disk then holds the record
from before or the record from after, and whatever was answered holds.

The writes of the real programs are recorded (interfere.c). By the model of power.py, every image is made that a power cut
between or within any two writes can leave. The second implementation reads all of them. The programs themselves, with a login
of every kind, run on all images that programs can tell from one another.
"""

import base64
import collections
import copy
import os
import pathlib
import pwd
import shutil
import subprocess

import pytest

import doors
import faults
import helper
import power
from application import AUTH_ERR, MAXTRIES, SERVICE, SUCCESS, application, line, program  # noqa: F401  (fixtures)
from clock import START
from codes import Codes
from faults import ROOT, described
from helper import Play, message, stack_of_changes
from places import HERE
from under_test import BINARIES

import second_implementation as second

pytestmark = [pytest.mark.promised_by("ours")]

POLICY = pathlib.Path("/etc/security/pam_otp.conf")
# Nobody must have an authenticator, and logins are remembered.
RULES = '[enroll]\nmax_authenticators = 3\n[enforce]\ngroups = []\n[trust]\nremember = "8h"\n'
LEFT_BESIDE = (".credential.toml.new", ".state.new", ".trust.new")


@pytest.fixture(scope="module")
def interference():
    with faults.interference() as compiled:
        yield compiled


@pytest.fixture
def rules(under_test):
    before = stack_of_changes("auth required pam_permit.so", "account required pam_permit.so")
    POLICY.write_text(RULES)
    auth = ["optional pam_unix.so use_first_pass nodelay", under_test.line(), "required pam_permit.so"]
    lines = [*(f"auth {text}" for text in auth), f"account {under_test.line()}", "account required pam_permit.so"]
    pathlib.Path("/etc/pam.d", SERVICE).write_text("\n".join(lines) + "\n")
    yield
    pathlib.Path(helper.SERVICE_OF_CHANGES).write_text(before)
    POLICY.unlink()


Truth = collections.namedtuple("Truth", "owner authenticators recovery used failures standing")
# Keys by the id of an authenticator; kept apart, so that no assertion message shows one.
KEYS = {}
REFUSED, NOBODY = "refused", "nobody"


def truths_of(image, uids):
    """By user name, what the second implementation reads: the record, the trusted places, and the beginning of a grace."""
    found = {}
    for name in (path for path, (*_, content) in image.items() if content is None):
        def content(file):
            return image.get(f"{name}/{file}", (None,))[-1]

        core = NOBODY
        if content("credential.toml") is not None:
            try:
                credential = second.read_credential(content("credential.toml"), name, uids[name])
                state, *_ = second.read_state(content("state") or b"", credential)
                core = truth_of(credential, state)
                KEYS.update((one.id, base64.b32encode(one.secret).decode()) for one in credential.authenticators)
            except second.Refused:
                core = REFUSED
        parts = (core, content("trust"), content("first-login"))
        if parts != (NOBODY, None, None):
            found[name] = parts
    return found


def truth_of(credential, state):
    recovery = credential.recovery and (credential.recovery.id, state.recovery[credential.recovery.id])
    used = tuple(state.authenticators[one.id].last_step for one in credential.authenticators)
    ids = tuple(one.id for one in credential.authenticators)
    return Truth(credential.user, ids, recovery, used, state.counts[0], state.standing)


class History:
    """The changes of alice's record, one after the other, and what a power cut could leave of it at any moment."""

    def __init__(self, under_test, interference, application, program, alice, clock, journal):
        self.alice, self.clock, self.records = alice, clock, under_test.state_directory
        self.names = {alice.name: pwd.getpwnam(alice.name).pw_uid}
        self._under_test, self._interference, self._application = under_test, interference, application
        self._program, self._journal = program, journal
        self.images = self.looked_at = self.moments = 0
        self.found = collections.Counter()
        self._seen = set()
        self.start_over()

    def start_over(self):
        """Begins again with the current records, all of them on disk."""
        self.disk = power.Disk(self.records, self.records.stat().st_gid, self.picture())
        self.truth = truths_of(self.picture(), self.names)

    def picture(self):
        paths = [self.records / ".enrolled"]
        for name in self.names:
            directory = self.records / name
            paths += [directory, *(directory.iterdir() if directory.is_dir() else ())]
        return {str(path.relative_to(self.records)): described(path) for path in paths if path.exists()}

    # ------------------------------------------------------------------------------------------------------- what happens

    def login(self, reply, code=SUCCESS, user=None, replays=False, rhost=()):
        doors.TYPED.append(reply)
        words = [("start", SERVICE, self.alice.name, *rhost), ("authenticate", reply), ("acct_mgmt",), ("setcred",), ("end",)]
        run = self._interference.run([self._program], b"".join(line(*each) for each in words), user=user)
        answers = [int(text[2:]) for text in run.output.splitlines() if text.startswith("= ")]
        assert answers[1] == code, run.output
        self.happened(run.calls, user, reply if code == SUCCESS and replays else None)

    def command(self, *words):
        run = self._interference.run([BINARIES / "otp-admin", *words], begins=faults.BEGINS_BY_ITSELF)
        assert run.status == 0, words
        self.happened(run.calls)

    def change(self, verb, *words):
        """Makes a change that the helper leads."""
        wrapped = self._interference.command([], user=self.alice, begins="heard=keep")
        with helper.Session(
            self._under_test.helper, self.alice, self.clock, verb, *words, caller=ROOT, wrapped=wrapped
        ) as talk:
            talk.up_to("codes")
            assert talk.keep()[0].startswith("kept")
            assert talk.end() == ([], 0)
            if talk.recovery_codes:
                self.alice.recovery_codes = talk.recovery_codes
        self.happened(self._interference.result().calls, self.alice)

    def happened(self, calls, user=None, reply=None):
        """Checks everything that a power cut could have left during these calls."""
        before, after = self.truth, truths_of(self.picture(), self.names)
        owner = self.names[user.name] if user else 0
        changes = []
        for at, call in enumerate(calls):
            node = call.path.startswith(str(self.records)) and not call.result.startswith("-")
            if node and call.name in power.MUTATIONS | power.SYNCS or call.name == "openat" and call.arguments[2] & os.O_CREAT:
                changes.append(at)
        said = [at for at, call in enumerate(calls) if says(call) and changes and at > changes[0]]
        # A program that says nothing more gives its answer by ending.
        answered = said[0] if said else len(calls)
        for at, call in enumerate(calls):
            if call.name in power.SYNCS and call.path.endswith(self.left_out):
                continue
            changed = self.disk.follow(call, owner)
            if changed or at == answered:
                done = at >= answered
                # Writes after the answer may still be under way; those of a remembered login are.
                finished = done and not any(later > at for later in changes)
                self.power_fails(before, after, done, finished, call, reply)
        assert self.disk.now() == self.picture(), "the model does not know what was written"
        self.truth = after
        self.power_fails(before, after, True, True, calls[-1], reply)
        self.clock.advance(60)

    # ---------------------------------------------------------------------------------------------------- the power fails

    def power_fails(self, before, after, done, finished, call, reply):
        self.moments += 1
        real = self.picture()
        told_apart = set()
        for image in self.disk.images():
            self.images += 1
            # Programs remove a leftover temporary file without reading it.
            key = tuple((path, about[:3] if path.endswith(LEFT_BESIDE) else about) for path, about in sorted(image.items()))
            if key in told_apart:
                continue
            told_apart.add(key)
            truth = truths_of(image, self.names)
            self.judge(truth, before, after, done, finished, call)
            self.look(key, image, truth, reply if done else None, call)
        self.put(real)

    def judge(self, truth, before, after, done, finished, call):
        where = f"{call}, {'answered' if done else 'not answered yet'}"
        for name in truth.keys() | before.keys() | after.keys():
            none = (NOBODY, None, None)
            (core, *rest), old, new = truth.get(name, none), before.get(name, none), after.get(name, none)
            if core == REFUSED:
                self.found["refused"] += 1
                assert self.may_refuse and not done, f"{where}: no record"
                continue
            allowed = {"after it": new[0]} if done else {"before it": old[0], "after it": new[0], "a failure": failed(old[0])}
            which = [word for word, each in allowed.items() if each == core]
            assert which, f"{where}: {core} is neither {allowed}"
            self.found[which[0]] += 1
            for at, is_so in enumerate(rest, 1):
                # During a move both names have the earlier of the two, and one of them may have nothing.
                others = {None, *(each[at] for both in (before, after) for each in both.values())}
                on_the_way = self.may_refuse and not done and is_so in others
                assert is_so == new[at] or on_the_way or not finished and is_so == old[at], f"{where}: trust or grace"

    may_refuse = False
    # The end of the path of the file whose sync the model ignores, as if the program had forgotten it.
    left_out = "\0"
    # The check on each such disk, if it is not a login of alice's.
    afterwards = None

    def put(self, image):
        for name in self.names:
            shutil.rmtree(self.records / name, ignore_errors=True)
        (self.records / ".enrolled").unlink(missing_ok=True)
        for path, (owner, group, mode, content) in sorted(image.items()):
            if content is None:
                (self.records / path).mkdir()
            else:
                (self.records / path).write_bytes(content)
            os.chown(self.records / path, owner, group)
            os.chmod(self.records / path, mode)

    def look(self, key, image, truth, reply, call):
        """Runs the programs themselves on such a disk."""
        if (key, reply) in self._seen:
            return
        self._seen.add((key, reply))
        self.looked_at += 1
        now = self.clock.now
        self.put(image)
        core = truth.get(self.alice.name, (NOBODY,))[0]
        if self.afterwards:
            self.afterwards()
            self.clock.set(now)
            return
        if reply:
            assert self.code(reply) == AUTH_ERR, f"{call}: a used code is accepted again"
        self.clock.advance(60)
        if core == REFUSED:
            first = len(self._journal.lines())
            assert self.code("000000") not in (SUCCESS, AUTH_ERR), call
            assert any("otp.unavailable" in text and "reason=" in text for text in self._journal.lines(first)), call
        elif core == NOBODY:
            # Root looks first, and then owns the files; the user enrols after that.
            self.code("000000")
            somebody = copy.copy(self.alice)
            helper.enrol_by_hand(self._under_test.helper, somebody, self.clock)
            assert self.code(somebody.codes.now()) == SUCCESS, f"{call}: nobody can enrol afterwards"
        elif core.standing[0] == "open":
            code = Codes(KEYS[core.authenticators[0]], self.clock).now()
            assert self.code(code) == SUCCESS, f"{call}: a good code is refused afterwards"
        else:
            assert self.code("000000") == MAXTRIES, call
        self.clock.set(now)

    def code(self, reply):
        return self.login_of(self.alice, reply)

    def asked(self, account):
        """The questions of a login; none if nobody is enrolled under the name."""
        return self._application.login(account, "000000").asked

    def login_of(self, account, reply):
        return self._application.login(account, reply).code

    def report(self, capsys, what):
        with capsys.disabled():
            found = ", ".join(f"{number} {word}" for word, number in sorted(self.found.items()))
            print(f"\n{what}: the power fails at {self.moments} moments, {self.images} images, {self.looked_at} of them put on"
                  f" disk and logged in from: {found}")
        with open(pathlib.Path("results", "power.txt"), "a") as file:
            print(what, self.moments, self.images, self.looked_at, dict(self.found), file=file)
        assert self.images > 20




def says(call):
    return call.name == "write" and call.arguments[0] in (1, 2) and not call.data.startswith(b"asked") or (
        call.name == "sendto" and b"otp." in call.data)


def failed(core):
    return core._replace(failures=core.failures + 1) if isinstance(core, Truth) else core


@pytest.fixture
def history(under_test, interference, application, program, alice, clock, journal, rules):  # noqa: F811
    clock.set(START)
    return History(under_test, interference, application, program, alice, clock, journal)


@pytest.mark.parametrize("way", ["root", "helper"])
def test_power_fails_during_logins(history, way, capsys):
    alice = history.alice
    user = alice if way == "helper" else None
    codes = alice.codes
    history.login(codes.now(), user=user, replays=True)
    history.login(codes.wrong(), AUTH_ERR, user=user)
    history.login(codes.now(), user=user, replays=True)
    history.login(alice.recovery_codes[0], user=user, replays=True)
    for _ in range(5):
        history.login(codes.wrong(), AUTH_ERR, user=user)
    history.login(alice.recovery_codes[1], user=user, replays=True)
    history.login(codes.now(), user=user, replays=True)
    history.report(capsys, f"logins, {way}")


@pytest.fixture
def unenrolled(history, under_test):
    """A machine on which nobody has ever enrolled; alice is about to."""
    under_test.reset(history.alice)
    (history.records / ".enrolled").unlink()
    history.start_over()
    return history


def test_power_fails_while_root_enrols_and_unlocks(unenrolled, under_test, capsys):
    history, alice = unenrolled, unenrolled.alice
    history.command("provision", alice.name, "--json")
    history.command("provision", alice.name, "--json", "--force")
    for _ in range(5):
        history.login("000000", AUTH_ERR)
    history.command("unlock", alice.name)
    history.login("000000", AUTH_ERR)
    history.command("unlock", alice.name)
    history.command("provision", alice.name, "--json", "--force")
    history.command("reset", alice.name)
    history.command("provision", alice.name, "--json")
    history.report(capsys, "enrolments, unlocking and reset by root")


def test_power_fails_while_users_change_what_is_theirs(unenrolled, capsys):
    history, alice = unenrolled, unenrolled.alice
    history.change("enrol", "phone")
    history.change("enrol", "another")
    history.change("add", "tablet")
    history.change("remove", "another")
    history.change("recovery-codes")
    history.login(alice.recovery_codes[0], user=alice, replays=True)
    history.change("remove", "")
    history.change("enrol", "phone")
    history.report(capsys, "changes of the user's own")


def test_power_fails_while_the_last_authenticator_goes_and_the_grace_stays(unenrolled, capsys):
    """The directory stays too, so the removal of its files must be on disk by itself."""
    history, alice = unenrolled, unenrolled.alice
    POLICY.write_text('[enforce]\ngroups = ["*"]\ngrace = "7d"\n')
    history.login("", SUCCESS)
    assert (history.records / alice.name / "first-login").exists()
    POLICY.write_text(RULES)
    history.change("enrol", "phone")
    history.change("remove", "")
    assert (history.records / alice.name / "first-login").exists()
    history.change("enrol", "phone")
    history.report(capsys, "removal that leaves the beginning of a grace")


def test_power_fails_while_trust_begins_and_ends(history, capsys):
    alice = history.alice
    trust = history.records / alice.name / "trust"
    history.login(alice.codes.now(), rhost=(HERE,), replays=True)
    assert trust.exists()
    history.command("unlock", alice.name)
    assert not trust.exists()
    history.login(alice.codes.now(), rhost=(HERE,), replays=True)
    for _ in range(5):
        history.login("000000", AUTH_ERR)
    assert not trust.exists()
    history.login(alice.recovery_codes[0], replays=True)
    history.report(capsys, "trust")


FIRST_LOGIN = "version = 1\nuid = {uid}\nfirst_login = {when}\n"


def login_once(history):
    history.login(history.alice.codes.now(), replays=True)


def enrol_anew(history):
    history.command("provision", history.alice.name, "--json", "--force")


def enrol_first(history):
    history.command("reset", history.alice.name)
    history.left_out = "pam_otp"
    history.command("provision", history.alice.name, "--json")


def forget_trust(history):
    history.login(history.alice.codes.now(), rhost=(HERE,))
    history.left_out = history.alice.name
    history.command("unlock", history.alice.name)


@pytest.mark.parametrize(
    ("left_out", "happens"),
    [("/state", login_once), (".state.new", enrol_anew), (".credential.toml.new", enrol_anew), ("{user}", enrol_anew),
     ("\0", enrol_first), ("\0", forget_trust)],
)
def test_sync_that_a_program_leaves_out_is_noticed(history, left_out, happens):
    """Proves that the tests above can fail: they are red if a program forgets any one of its syncs."""
    history.left_out = left_out.format(user=history.alice.name)
    with pytest.raises(AssertionError, match="no record|is neither|trust or grace|accepted again"):
        happens(history)


@pytest.mark.parametrize("grace", [False, True])
def test_power_fails_while_a_record_is_moved(history, bobby, under_test, capsys, grace):
    """An interrupted move leaves the record to nobody, and the same move completes it. The earlier of both graces counts."""
    alice = history.alice
    history.names[bobby.name] = pwd.getpwnam(bobby.name).pw_uid
    if grace:
        for account, when in ((alice, 1_700_000_000), (bobby, 1_600_000_000)):
            first_login_of(history, account, when)
    history.start_over()
    history.may_refuse = True

    def moved():
        command = [BINARIES / "otp-admin", "move", alice.name, bobby.name, "--force"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        # Where the move was complete already, the old name has nothing left to move.
        assert done.returncode == 0 or "no record" in done.stderr or "nothing" in done.stderr, done.stderr
        assert history.login_of(bobby, alice.codes.now()) == SUCCESS
        assert history.asked(alice) == []
        if grace:
            assert "1600000000" in (history.records / bobby.name / "first-login").read_text()

    history.afterwards = moved
    history.command("move", alice.name, bobby.name, "--force")
    history.report(capsys, "a move")


def first_login_of(history, account, when):
    """Writes the file as a program of root's does."""
    directory = history.records / account.name
    directory.mkdir(exist_ok=True)
    file = directory / "first-login"
    file.write_text(FIRST_LOGIN.format(uid=history.names[account.name], when=when))
    for path, mode in ((directory, 0o2770), (file, 0o640)):
        os.chown(path, 0, history.records.stat().st_gid)
        path.chmod(mode)
