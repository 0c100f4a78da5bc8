"""otp-helper without a module in front of it, for everything that users can do who start it by hand.

A message is the mark `otp1`, the length of the body in two bytes, and fields, each after its own length in two bytes.
"""

import base64
import os
import pathlib
import pwd
import re
import resource
import signal
import socket
import struct
import subprocess
import tempfile

import codes
import doors
import traced

VERDICTS = {
    "accepted", "recovered", "rejected", "rejected-and-locked", "replayed", "empty", "no-guess", "locked", "not-enrolled",
}


def message(*fields):
    body = b"".join(struct.pack(">H", len(field)) + field for field in map(as_bytes, fields))
    return b"otp1" + struct.pack(">H", len(body)) + body


def as_bytes(field):
    return field if isinstance(field, bytes) else field.encode()


def check(account, reply):
    """A request; its reply is added to those that the log is searched for afterwards."""
    doors.TYPED.append(reply)
    return message("check", account.name, "", reply)


def fields_of(answer):
    """The words of an answer; none if the answer is not whole."""
    if len(answer) < 6 or answer[:4] != b"otp1" or len(answer) != 6 + struct.unpack(">H", answer[4:6])[0]:
        return []
    fields, rest = [], answer[6:]
    while rest:
        (length,) = struct.unpack(">H", rest[:2])
        fields.append(rest[2 : 2 + length].decode())
        rest = rest[2 + length :]
    return fields


class Helper:
    """A helper that `caller` has started, over a socket. `with Helper(...) as helper:` ends it.

    `limits` are resource limits, soft and hard; `prepare` runs in the child before exec, as the caller.
    """

    def __init__(self, program, caller, *arguments, limits=None, prepare=None, environment=None, wrapped=(), **streams):
        ours, theirs = socket.socketpair()
        self.socket = ours
        self.socket.settimeout(doors.TIMEOUT_SECONDS)
        entry = pwd.getpwnam(caller.name)

        def as_the_caller():
            for limit, value in (limits or {}).items():
                resource.setrlimit(limit, (value, value))
            if prepare:
                prepare()

        self.process = subprocess.Popen(
            [*map(str, wrapped), program, *map(str, arguments)], env=environment or {},
            user=entry.pw_uid, group=entry.pw_gid, extra_groups=[], preexec_fn=as_the_caller,
            **{"cwd": "/", "stdin": theirs, "stdout": theirs, "stderr": subprocess.DEVNULL, **streams},
        )
        self.pid = self.process.pid
        theirs.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=60)

    def send(self, request):
        """Sends the request. The helper may have ended, and then it is lost."""
        try:
            self.socket.sendall(request)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def answer(self):
        """Everything that the helper says until it ends, has said a whole answer, or times out."""
        answer = b""
        try:
            while not answer or not fields_of(answer):
                got = self.socket.recv(65536)
                if not got:
                    break
                answer += got
        except ConnectionResetError:
            pass
        return answer

    def end(self):
        """Closes the sending side, and waits for the end; returns how the helper ended."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        return self.process.wait(timeout=60)

    def ask(self, request):
        """Asks one question; returns the words of the answer."""
        self.send(request)
        words = fields_of(self.answer())
        self.end()
        return words


class Denied:
    """The new log entries in which the helper says whom it has denied a request."""

    def __init__(self, journal):
        self._journal = journal
        self._before = len(journal.lines())

    def lines(self):
        new = self._journal.lines()[self._before :]
        return [dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', line)) for line in new if is_denial(line)]


def is_denial(line):
    return re.search(r"otp-helper\[\d+\]: otp\.denied ", line) is not None


def stop(helper):
    os.kill(helper.pid, signal.SIGSTOP)


def frame(connection):
    """The fields of the next message, as bytes; none if the other side ended before a whole one."""
    try:
        head = exactly(connection, 6)
        fields, rest = [], exactly(connection, struct.unpack(">H", head[4:])[0])
    except (ConnectionResetError, EOFError):
        return []
    assert head[:4] == b"otp1"
    while rest:
        (length,) = struct.unpack(">H", rest[:2])
        fields.append(rest[2 : 2 + length])
        rest = rest[2 + length :]
    return fields


def exactly(connection, size):
    """Reads exactly that many bytes, by as many recv as it takes."""
    got = b""
    while len(got) < size:
        piece = connection.recv(size - len(got))
        if not piece:
            raise EOFError
        got += piece
    return got


class Play:
    """The client's half of a dialogue, played by hand over a socket to a helper."""

    def __init__(self, connection, account, clock):
        self.connection = connection
        self.account = account
        self.clock = clock
        self.device = None
        self.recovery_codes = []
        # The last message of the helper.
        self.last = []

    def say(self, *fields):
        if len(fields) > 1 and fields[0] in ("reply", "code"):
            doors.TYPED.append(fields[1] if isinstance(fields[1], str) else fields[1].decode(errors="replace"))
        self.raw(message(*fields))

    def raw(self, request):
        """Sends the bytes. The helper may have ended, and then they are lost."""
        try:
            self.connection.sendall(request)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def turn(self):
        """Reads the helper's next message; returns its kind. All fields are in `last`."""
        self.last = frame(self.connection)
        if not self.last:
            return None
        kind = self.last[0].decode()
        if kind == "offer":
            self.device = codes.Codes(base64.b32encode(self.last[6]).decode(), self.clock)
        elif kind == "codes":
            self.recovery_codes = [code.decode() for code in self.last[1:]]
        return kind

    def words(self):
        """The last turn as text."""
        return [field.decode() for field in self.last]

    def until(self, *kinds):
        """Reads on until a message of one of these kinds; others are skipped, but an end before it is an error."""
        while self.turn() not in kinds:
            assert self.last and self.last[0] in (b"begun", b"tell", b"checked"), f"{self.last} before {kinds}"
        return self.last[0].decode()

    def prove_who(self, code=None, password=None):
        """Answers the questions of the stack, in this order: password, code."""
        for reply in (password or self.account.password, code or self.account.codes.now()):
            self.until("ask", "ask-hidden")
            self.say("reply", reply)

    def prove_device(self, code=None):
        self.until("offer")
        self.say("code", code or self.device.now())
        assert self.turn() == "checked"
        return self.last[1].decode()

    def up_to(self, stage, code=None):
        """Plays from the request to a point at which the helper waits: `ask` (for the password), `ask-code`, `offer`,
        `codes`."""
        assert self.turn() == "begun", self.last
        questions = iter([("ask", self.account.password), ("ask-code", code)])
        # A stack asks both questions, or fewer.
        while self.until("ask", "ask-hidden", "offer", "codes").startswith("ask"):
            question, reply = next(questions)
            if stage == question:
                return self
            self.say("reply", reply or self.account.codes.now())
        if self.last[0] == b"offer":
            if stage == "offer":
                return self
            self.say("code", self.device.now())
            assert self.turn() == "checked" and self.last[1] == b"right"
            assert self.turn() == "codes"
        return self

    def keep(self):
        """Says the last word of the dialogue; returns the helper's answer."""
        self.say("keep")
        self.turn()
        return self.words()


class Session(Play):
    """A helper that the account has started and asked to change something; `with Session(...) as session:` ends it."""

    def __init__(self, program, account, clock, verb, *words, caller=None, **how):
        self.helper = Helper(program, caller or account, **how)
        self.pid = self.helper.pid
        super().__init__(self.helper.socket, account, clock)
        self.raw(message(verb, account.name, *words))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.helper.__exit__()

    def end(self):
        """Closes the sending side; returns everything that the helper still says, and how it ended."""
        try:
            self.connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        rest = []
        while got := frame(self.connection):
            rest.append(got[0].decode())
        return rest, self.helper.process.wait(timeout=60)


STAGES = ("ask", "ask-code", "offer", "codes")
VERBS = {"enrol": ("new",), "add": ("new",), "remove": ("",), "recovery-codes": ()}


def enrol_by_hand(program, account, clock, name="phone"):
    """Enrols the account by the helper, which makes the record as the account's own."""
    with Session(program, account, clock, "enrol", name) as session:
        session.up_to("codes")
        assert session.keep() == ["kept"]
        account.codes, account.recovery_codes = session.device, session.recovery_codes
    # The code that proved the authenticator is used up.
    clock.advance(30)


def picture(directory):
    """Describes everything below a directory: names, owners, modes, contents."""
    taken = {}
    for path in [directory, *sorted(directory.rglob("*"))]:
        found = path.lstat()
        taken[str(path)] = (found.st_uid, found.st_gid, found.st_mode, path.read_bytes() if path.is_file() else None)
    return taken


SERVICE_OF_CHANGES = "/etc/pam.d/otp-enroll"


def stack_of_changes(*lines):
    """Writes the PAM service otp-enroll; returns its earlier content, to be restored."""
    with open(SERVICE_OF_CHANGES, "r+") as file:
        before = file.read()
        file.seek(0)
        file.truncate()
        file.write("\n".join(lines) + "\n")
    return before


class TracedSession(Play):
    """A dialogue whose helper is under strace, which runs as root on the account's behalf so that the helper keeps its
    group. strace follows the helper's child processes only if `follow` is set."""

    def __init__(self, program, account, clock, *request, inject=None, follow=False):
        self._trace = tempfile.NamedTemporaryFile("r", prefix="trace.", errors="backslashreplace")
        ours, theirs = socket.socketpair()
        ours.settimeout(doors.TIMEOUT_SECONDS)
        command = ["strace", "--user", account.name, "--decode-fds=path", "--output", self._trace.name]
        if inject:
            command += ["-e", f"inject={inject}"]
        if follow:
            command += ["--follow-forks"]
        self._process = subprocess.Popen(
            [*command, program], stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL, cwd="/",
            env={"PATH": os.environ["PATH"]},
        )
        theirs.close()
        super().__init__(ours, account, clock)
        verb, *words = request
        # A request about another user is complete already.
        self.raw(verb if isinstance(verb, bytes) else message(verb, account.name, *words))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(timeout=60)
        self._trace.close()

    def kept(self):
        """Says `keep`, and waits for the end; returns the words of the answer, the calls from then on, and how it ended."""
        self.say("keep")
        try:
            self.connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        self.last = frame(self.connection)
        status = self._process.wait(timeout=60)
        calls = self.calls()
        from_keep = [at for at, call in enumerate(calls) if call.name == "read" and 'keep"' in call.arguments]
        return self.words(), calls[from_keep[0] + 1 :] if from_keep else [], status

    def calls(self):
        return traced.parse(pathlib.Path(self._trace.name).read_text(errors="backslashreplace"))

    def reached(self, name):
        """Whether the helper stands before this call, according to strace's output."""
        return f"{name}(" in pathlib.Path(self._trace.name).read_text(errors="replace")
