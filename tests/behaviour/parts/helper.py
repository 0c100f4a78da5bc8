"""otp-helper without a module in front: what a user can do who starts it by hand, in any way that a user can.

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
    """A request; the reply is looked for in the log afterwards, like everything that somebody types."""
    doors.TYPED.append(reply)
    return message("check", account.name, "", reply)


def fields_of(answer):
    """The words of an answer; none, if it is not a whole one."""
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
        """What the helper does not take any more is lost; it may have ended."""
        try:
            self.socket.sendall(request)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def answer(self):
        """Everything that it says until it ends or is silent for good."""
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
        """Says that nothing more comes, and waits for the end; how it ended."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        return self.process.wait(timeout=60)

    def ask(self, request):
        """One question; the words of the answer."""
        self.send(request)
        words = fields_of(self.answer())
        self.end()
        return words


class Denied:
    """The lines in the log since this was made that say whom the helper refused."""

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
    """The fields of the next message, as bytes; none, if the other side has ended before a whole one."""
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
    """So many bytes, one recv after the other, and none beyond."""
    got = b""
    while len(got) < size:
        piece = connection.recv(size - len(got))
        if not piece:
            raise EOFError
        got += piece
    return got


class Play:
    """The client's half of a dialogue, by hand, over a socket that has a helper at its other end."""

    def __init__(self, connection, account, clock):
        self.connection = connection
        self.account = account
        self.clock = clock
        self.device = None
        self.recovery_codes = []
        # The last thing that the helper said.
        self.last = []

    def say(self, *fields):
        if len(fields) > 1 and fields[0] in ("reply", "code"):
            doors.TYPED.append(fields[1] if isinstance(fields[1], str) else fields[1].decode(errors="replace"))
        self.raw(message(*fields))

    def raw(self, request):
        """What the helper does not take any more is lost; it may have ended."""
        try:
            self.connection.sendall(request)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def turn(self):
        """What the helper says next: its kind. The rest is in `last`."""
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
        """Reads on until one of these; what stands before it is passed over, an end before it is an error."""
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
        """Plays on from the request to one of the points at which the helper waits: `ask` (for the password), `ask-code`,
        `offer`, `codes`."""
        assert self.turn() == "begun", self.last
        questions = iter([("ask", self.account.password), ("ask-code", code)])
        # A stack asks both, or less.
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
        """The last word of the dialogue; what the helper answers."""
        self.say("keep")
        self.turn()
        return self.words()


class Session(Play):
    """A helper that the account has started, asked to change something; `with Session(...) as session:` ends it."""

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
        """Says that nothing more comes; everything that it still says, and how it ended."""
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
    """The record is then the account's own, made by the helper."""
    with Session(program, account, clock, "enrol", name) as session:
        session.up_to("codes")
        assert session.keep() == ["kept"]
        account.codes, account.recovery_codes = session.device, session.recovery_codes
    # The code that proved the device is used up.
    clock.advance(30)


def picture(directory):
    """Everything below a directory: names, owners, modes, contents."""
    taken = {}
    for path in [directory, *sorted(directory.rglob("*"))]:
        found = path.lstat()
        taken[str(path)] = (found.st_uid, found.st_gid, found.st_mode, path.read_bytes() if path.is_file() else None)
    return taken


SERVICE_OF_CHANGES = "/etc/pam.d/otp-enroll"


def stack_of_changes(*lines):
    """What the service otp-enroll says, and what it says usually, for afterwards."""
    with open(SERVICE_OF_CHANGES, "r+") as file:
        before = file.read()
        file.seek(0)
        file.truncate()
        file.write("\n".join(lines) + "\n")
    return before


class TracedSession(Play):
    """A dialogue whose helper is under strace, which runs as root on the account's behalf so that it keeps its group. The
    processes that it starts are followed only where that is said."""

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
        # One about somebody else comes whole.
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
        """Says `keep`, and waits for the end: the words of the answer, the calls from then on, how it ended."""
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
        """Whether it stands before this call, by what strace has written down."""
        return f"{name}(" in pathlib.Path(self._trace.name).read_text(errors="replace")
