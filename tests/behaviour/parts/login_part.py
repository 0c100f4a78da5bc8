"""The login part of the portal, and a portal that talks to it: matters, turns and answers, as fields of bytes."""

import base64
import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess

import codes
import doors
from clock import wait_until
from helper import frame, message
from under_test import BINARIES

SERVICE = pathlib.Path("/etc/pam.d/otp-portal")
DIRECTORY = pathlib.Path("/run/pam_otp-portal")
SOCKET = DIRECTORY / "login.sock"
CONF = DIRECTORY / "portal.conf"
STATE = pathlib.Path("/var/lib/pam_otp-portal-login")
PROGRAM = BINARIES / "otp-portal-login"
ADDRESS = "192.0.2.7"

# All questions that wait for a reply.
QUESTIONS = (b"ask", b"ask-hidden", b"offer", b"checked", b"codes")


@contextlib.contextmanager
def as_account(name):
    """The kernel records the user and group ids of this process for connections made meanwhile."""
    entry = pwd.getpwnam(name)
    os.setegid(entry.pw_gid)
    os.seteuid(entry.pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


class LoginPart:
    """`otp-portal-login` at a socket of its own; `conf` is added to its configuration. `with LoginPart(account) as part:` ends
    it."""

    def __init__(self, account, conf="", before=()):
        self.account = account
        DIRECTORY.mkdir(mode=0o755, exist_ok=True)
        CONF.write_text(f'url = "https://login.example.org"\n{conf}')
        CONF.chmod(0o644)
        SOCKET.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [*before, PROGRAM, "--conf", CONF, "--socket", SOCKET, "--account", account.name, "--admin", BINARIES / "otp-admin"],
            env={}, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )
        wait_until(lambda: SOCKET.exists() or self.process.poll() is not None, "socket")
        assert self.process.poll() is None, self.process.stderr.read()
        # The socket appears before it accepts connections.
        wait_until(lambda: SOCKET.stat().st_mode & 0o777 == 0o660 and SOCKET.stat().st_gid != 0, "socket for the portal")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(timeout=60)
        self.process.stderr.close()

    def connect(self):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(doors.TIMEOUT_SECONDS)
        with as_account(self.account.name):
            connection.connect(str(SOCKET))
        return connection

    def ask(self, *fields):
        """A matter in progress; `with part.ask(...) as matter:` hangs up at the end."""
        return Matter(self.connect(), *fields)

    def answer(self, *fields):
        """Runs a matter that asks nothing; returns the last words."""
        with self.ask(*fields) as matter:
            return matter.hear()

    def begin(self, name, language="en", address=ADDRESS):
        return self.ask("begin", name, address, language)

    def log_in(self, account, *replies, **how):
        """Replies to the questions in their order; returns the last words."""
        with self.begin(account.name, **how) as matter:
            return matter.reply_to_all(*replies)

    def let_in(self, account, *replies, **how):
        """Logs in; returns the token."""
        said = self.log_in(account, *replies, **how)
        assert said[0] == b"in", said
        assert said[1:3] == [account.known_as.encode(), str(pwd.getpwnam(account.known_as).pw_uid).encode()]
        return said[3]

    def standing(self, *tokens):
        said = self.answer("standing", *tokens)
        assert said[0] == b"standings", said
        return [word.decode() for word in said[1:]]

    def children(self):
        return children_of(self.process.pid)

    def wait_until_alone(self):
        """Waits until no conversation is running."""
        wait_until(lambda: not self.children(), "end of the conversations", seconds=15)


def children_of(pid):
    """The processes that a process has started and that have not ended, and theirs in turn."""
    found = []
    with contextlib.suppress(OSError):
        for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            if is_alive(child):
                found += [int(child), *children_of(child)]
    return found


def is_alive(pid):
    """Whether it still runs: the listener may not have noticed its end yet."""
    try:
        return "\nState:\tZ" not in pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


class Matter:
    """One connection. `hear()` returns the next message; those that only tell are in `told`."""

    def __init__(self, connection, *fields):
        self.connection = connection
        self.told = []
        self.device = None
        self.recovery_codes = []
        if fields:
            self.say(*fields)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def say(self, *fields):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.connection.sendall(message(*fields))

    def hear(self):
        """The next question or last word; nothing if the other end has hung up."""
        while True:
            said = frame(self.connection)
            if not said or said[0] not in (b"tell", b"begun", b"event"):
                return said
            self.told.append(said[1].decode() if len(said) > 1 else said[0].decode())

    def reply(self, text):
        if len(text) > 5:
            doors.TYPED.append(text)
        self.say("reply", text)

    def reply_to_all(self, *replies):
        """Replies until a message comes that is no question; there must be as many replies as questions."""
        replies = iter(replies)
        while (said := self.hear()) and said[0] in (b"ask", b"ask-hidden"):
            reply = next(replies, None)
            assert reply is not None, f"one question more: {said}"
            self.reply(reply)
        assert next(replies, None) is None, f"{said} before all was asked"
        return said

    def change(self, account, clock, stop_at=None, password=None, code=None):
        """Answers like the owner who wants to get to the end, or to the question of that number."""
        asked, hidden = 0, 0
        while (said := self.hear()) and said[0] in QUESTIONS:
            if asked == stop_at:
                return said
            asked += 1
            if said[0] in (b"ask", b"ask-hidden"):
                hidden += 1
                first = password or account.password
                self.reply(first if hidden == 1 else code or account.codes.now())
            elif said[0] == b"offer":
                self.device = codes.Codes(base64.b32encode(said[6]).decode(), clock)
                typed = self.device.now()
                doors.TYPED.append(typed)
                self.say("code", typed)
            elif said[0] == b"codes":
                self.recovery_codes = [code.decode() for code in said[1:]]
                self.say("keep")
            else:
                assert said[1] == b"right", said
        return said


def stack(under_test, *auth, account=(), password=("required pam_unix.so",)):
    """Writes the service of the portal."""
    lines = [
        *(f"auth {line}" for line in auth or ("requisite pam_unix.so nodelay", under_test.line())),
        *(f"account {line}" for line in account or (under_test.line(), "required pam_unix.so")),
        *(f"password {line}" for line in password),
    ]
    SERVICE.write_text("\n".join(lines) + "\n")


def fresh():
    """Restores the state after installation: no key, and nobody logged out."""
    shutil.rmtree(STATE, ignore_errors=True)


def kill(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
