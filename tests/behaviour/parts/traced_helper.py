"""The helper under strace, and helper processes that are left over."""

import os
import pathlib
import re
import socket
import subprocess
import tempfile

import doors
import traced
from helper import fields_of


class Run:
    """The result of one traced helper: the trace, the words of its answer, and how it ended."""

    def __init__(self, calls, answer, status):
        self.calls = calls
        self.answer = answer
        self.words = fields_of(answer)
        self.status = status
        reads = [at for at, call in enumerate(calls) if call.name == "read" and call.arguments.startswith("0<")]
        self.question = reads[0] if reads else len(calls)
        # The calls from the moment it reads the request; before that it knows nothing.
        self.from_the_question_on = calls[self.question :]

    def done_well(self, name):
        return [call.name for call in self.calls if not call.result.startswith("-1")].count(name)


class traced_helper:
    """`with traced_helper(...) as running:` runs a helper of the account's under strace, and continues it if it stops."""

    def __init__(self, program, account, inject=None):
        self._trace = tempfile.NamedTemporaryFile("r", prefix="trace.", errors="backslashreplace")
        self._ours, theirs = socket.socketpair()
        self._ours.settimeout(doors.TIMEOUT_SECONDS)
        command = ["strace", "--user", account.name, "--decode-fds=path", "--output", self._trace.name]
        if inject:
            command += ["-e", f"inject={inject}"]
        self._process = subprocess.Popen(
            [*command, program], stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL, cwd="/",
            env={"PATH": os.environ["PATH"]},
        )
        theirs.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._ours.close()
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(timeout=60)
        self._trace.close()

    def ask(self, request):
        try:
            self._ours.sendall(request)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def run(self):
        """Waits for the helper's end."""
        answer = b""
        try:
            self._ours.shutdown(socket.SHUT_WR)
            while got := self._ours.recv(4096):
                answer += got
        except (ConnectionResetError, OSError):
            pass
        status = self._process.wait(timeout=60)
        return Run(traced.parse(self._trace.read()), answer, status)

    def reached(self, name):
        """Whether the helper stands before this call, according to strace's output."""
        return f"{name}(" in pathlib.Path(self._trace.name).read_text(errors="replace")


def helpers():
    """The helper processes that have not ended; zombies do not count, since nobody here waits for those whose program is
    gone."""
    found = []
    for process in pathlib.Path("/proc").iterdir():
        try:
            if process.name.isdigit() and re.search(r"\(otp-helper\) [^Z]", (process / "stat").read_text()):
                found.append(process.name)
        except OSError:
            pass  # it ended meanwhile
    return found
