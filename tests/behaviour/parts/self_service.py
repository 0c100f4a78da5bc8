"""otp-enroll run by an ordinary user: at a terminal of the user's own, over the helper."""

import contextlib
import json
import os
import pathlib
import pwd
import re
import signal
import subprocess

import pexpect
import pytest

import codes
import doors
from clock import wait_until
from journal import OUTCOMES
from under_test import BINARIES, Ours

PASSWORD = "Password: "
CODE = "Verification code: "
NEW_CODE = "device shows now: "
SAVE = "Enter to go on without: "
KEPT = "are kept: "
RECOVERY_CODE = r"(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}"

POLICY = pathlib.Path("/etc/security/pam_otp.conf")
SEVERAL = "[enroll]\nmax_authenticators = 4\n"
NOBODY_MUST = "[enforce]\ngroups = []\n"

# The dialogues: their arguments, and the questions up to their end. `add` and `remove` as in a policy of SEVERAL and
# NOBODY_MUST.
DIALOGUES = {
    "enrol": ((), (NEW_CODE, SAVE, KEPT)),
    "replace": ((), (PASSWORD, CODE, NEW_CODE, SAVE, KEPT)),
    "add": (("add", "tablet"), (PASSWORD, CODE, NEW_CODE)),
    "remove": (("remove",), (PASSWORD, CODE)),
    "recovery-codes": (("recovery-codes",), (PASSWORD, CODE, SAVE, KEPT)),
}
# The dialogues that change an existing record, and so demand a proof.
CHANGES = {name: words for name, (words, _) in DIALOGUES.items() if name != "enrol"}


class Talk:
    """`otp-enroll WORDS...`, started by the account; `talk.until(QUESTION)` and `talk.answer(REPLY)`, then `talk.end()`."""

    def __init__(self, account, *words, environment=None, prepare=None, wrapped=()):
        command = account.running(*map(str, wrapped), str(BINARIES / "otp-enroll"), *words)
        self.account = account
        self.child = pexpect.spawn(
            command[0], command[1:], encoding="utf-8", timeout=doors.TIMEOUT_SECONDS, dimensions=(50, 120), cwd=account.home,
            env={"PATH": os.environ["PATH"], "TERM": "xterm", "LC_ALL": "C.UTF-8", "HOME": account.home, **(environment or {})},
            preexec_fn=prepare,
        )
        self.child.delaybeforesend = None
        self.screen = ""
        self.status = None

    def until(self, question):
        """Reads until the question, and returns the text before it."""
        found = self.child.expect_exact([question, pexpect.EOF])
        self.screen += self.child.before + (self.child.after if found == 0 else "")
        assert found == 0, f"ended before {question!r}: {self.screen}"
        return self.child.before

    def answer(self, reply):
        if len(reply) > 5:
            doors.TYPED.append(reply)
        self.child.sendline(reply)

    def prove_who(self, code, password=None):
        """Answers with the password, and with a code or a recovery code."""
        self.until(PASSWORD)
        self.answer(self.account.password if password is None else password)
        self.until(CODE)
        self.answer(code)

    def device(self, shown, clock):
        """The codes of the authenticator that is shown."""
        return codes.Codes(re.search(r"[?&]secret=([A-Z2-7]+)", shown)[1], clock)

    def new_device(self, clock):
        """Types the code of the authenticator that is shown; returns its codes."""
        device = self.device(self.until(NEW_CODE), clock)
        self.answer(device.now())
        return device

    def keep_codes(self, save=""):
        """Confirms that the recovery codes are kept, and returns them."""
        found = re.findall(RECOVERY_CODE, self.until(SAVE))
        self.answer(save)
        self.until(KEPT)
        self.answer("kept")
        return found

    def play(self, questions, clock, stop_at=None):
        """Answers the questions like a user who wants to get to the end, or to the question to stop at."""
        for question in questions:
            if question == stop_at:
                self.until(question)
                return
            if question == NEW_CODE:
                self.new_device(clock)
                continue
            self.until(question)
            if question == CODE:
                self.answer(self.account.codes.now())
            else:
                self.answer({PASSWORD: self.account.password, SAVE: "", KEPT: "kept"}[question])

    @property
    def said(self):
        """The screen as one line, without its line breaks."""
        return " ".join(self.screen.split())

    def end(self):
        """Reads the rest; returns the exit status."""
        self.child.expect(pexpect.EOF)
        self.screen += self.child.before
        self.child.wait()
        self.child.close()
        assert self.child.signalstatus is None, "it ends by itself, not by a signal"
        self.status = self.child.exitstatus
        return self.status


def enrol(account, clock, *words):
    """Enrols a user without an authenticator; returns the codes of the authenticator, and the recovery codes."""
    talk = Talk(account, *words)
    device = talk.new_device(clock)
    recovery_codes = talk.keep_codes()
    assert talk.end() == 0, talk.screen
    return device, recovery_codes


class Root:
    """Stands for the account in `Talk` when root runs otp-enroll."""

    name, home = "root", "/"

    def running(self, *command):
        return list(command)


def run(account, *words, language="C.UTF-8"):
    """Runs `otp-enroll WORDS...` without a terminal, to its end."""
    return subprocess.run(
        account.running(str(BINARIES / "otp-enroll"), *words), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        cwd=account.home, env={"PATH": os.environ["PATH"], "LC_ALL": language},
    )


def status(account):
    """The output of `status --json`."""
    done = run(account, "status", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def names(account):
    return [device["name"] for device in status(account)["authenticators"]]


def complete(account, clock, dialogue):
    """Plays a whole dialogue."""
    words, questions = DIALOGUES[dialogue]
    talk = Talk(account, *words)
    talk.play(questions, clock)
    assert talk.end() == 0, talk.screen


def add(account, clock, name, code=None):
    """Adds an authenticator; returns its codes."""
    talk = Talk(account, "add", name)
    talk.prove_who(account.codes.now() if code is None else code)
    device = talk.new_device(clock)
    assert talk.end() == 0, talk.screen
    return device


def change(account, code, *words):
    """Makes a change that asks only for the proof; returns the exit status."""
    talk = Talk(account, *words)
    talk.prove_who(code)
    return talk.end()


def refused_at_once(account, *words, because):
    """Asserts that the command is refused with a reason and a hint, before anything is asked or shown."""
    talk = Talk(account, *words)
    assert talk.end() == 1, talk.screen
    assert because in talk.said and "hint: " in talk.said, talk.screen
    assert not re.search(r"assword|code: |otpauth|shows now", talk.screen), talk.screen
    return talk


def record(account):
    """All files of the account's record, with their bytes."""
    directory = Ours.state_directory / account.name
    return {path.name: path.read_bytes() for path in directory.iterdir()} if directory.exists() else {}


def processes_of(account):
    """The process ids of the user's processes, with their names."""
    uid, found = pwd.getpwnam(account.name).pw_uid, {}
    for process in pathlib.Path("/proc").glob("[0-9]*/status"):
        try:
            text = process.read_text()
        except OSError:
            continue  # it ended meanwhile
        if re.search(rf"^Uid:\t{uid}\t", text, re.MULTILINE) and not re.search(r"^State:\tZ", text, re.MULTILINE):
            found[int(process.parent.name)] = re.search(r"^Name:\t(.*)$", text, re.MULTILINE)[1]
    return found


def wait_until_nothing_runs(account):
    """Waits until no process of the user is left, the helper included."""
    wait_until(lambda: not processes_of(account), "end of all processes of the user", seconds=10)


def helper_of(account):
    """The process id of the helper that waits for the user."""
    (helper,) = [number for number, name in processes_of(account).items() if name == "otp-helper"]
    return helper


@contextlib.contextmanager
def killed_at(process, call, number=1):
    """Kills the process at that system call, at the given number of its calls from now on."""
    inject = f"--inject={call}:signal=KILL:when={number}"
    command = ["strace", "--quiet=none", f"--attach={process}", f"--trace={call}", inject]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert "attached" in tracer.stderr.readline()
        yield


def log_of_helper(journal, account):
    """The helper's log entries about the user's changes: events and their values, oldest first."""
    found = (re.search(r"otp-helper\[\d+\]: (otp\.\w+) (.*)", line) for line in journal.lines())
    events = [{"event": one[1], **dict(re.findall(r'(\w+)="([^"]*)"', one[2]))} for one in found if one]
    attempts = {"otp.attempt", *OUTCOMES}
    return [event for event in events if event.get("user") == account.name and event["event"] not in attempts]


# ------------------------------------------------------------------------------------------------------ ways to leave


def ctrl_c(talk):
    talk.child.sendintr()
    return talk.end()


def sigterm(talk):
    os.kill(talk.child.pid, signal.SIGTERM)
    return talk.end()


def close_the_terminal(talk):
    talk.child.ptyproc.fileobj.close()
    talk.child.closed = True
    _, ended = os.waitpid(talk.child.pid, 0)
    talk.child.ptyproc.terminated = True
    return os.waitstatus_to_exitcode(ended)


def sigkill(talk):
    """Kills otp-enroll, which then cannot promise any exit status."""
    os.kill(talk.child.pid, signal.SIGKILL)
    talk.child.expect(pexpect.EOF)
    talk.child.wait()
    talk.child.close()
    assert talk.child.signalstatus == signal.SIGKILL
    return 1


WAYS_TO_LEAVE = [ctrl_c, sigterm, close_the_terminal, sigkill]


# ------------------------------------------------------------------------------------------------------------ fixtures


@pytest.fixture
def policy():
    """`policy(TEXT, ...)` sets the machine's policy for the length of the test."""

    def write(*sections):
        POLICY.write_text("".join(sections))
        POLICY.chmod(0o644)

    yield write
    POLICY.unlink(missing_ok=True)


@pytest.fixture
def service():
    """`service(LINE, ...)` sets the PAM service otp-enroll for the length of the test; without a line there is none."""
    before = Ours.service.read_text()

    def write(*lines):
        if lines:
            Ours.service.write_text("".join(f"{line}\n" for line in lines))
        else:
            Ours.service.unlink()

    yield write
    Ours.service.write_text(before)


@pytest.fixture
def other():
    """Makes the PAM service `other` admit everybody, for the length of the test."""
    path = pathlib.Path("/etc/pam.d/other")
    before = path.read_text()
    path.write_text("".join(f"{kind} required pam_permit.so\n" for kind in ("auth", "account", "password", "session")))
    yield
    path.write_text(before)
