"""One login of our own application under strace: its system calls, and its outcome when the kernel makes one of them fail,
or kills it there.

strace counts the calls of one name from the start of the process: the third openat, the second pwrite64. The
application marks in the trace where pam_authenticate begins and ends.
"""

import collections
import hashlib
import os
import pathlib
import re
import signal
import subprocess
import tempfile

import application

# `7 openat(AT_FDCWD</tmp>, "x", O_RDONLY) = 3</tmp/x>`: the process if forks are followed, then name, arguments,
# result.
CALL = re.compile(r"(?:\d+ +)?(?P<name>\w+)\((?P<arguments>.*?)(?:\) += (?P<result>.*))?$")
BEGINS, ENDS = '"pam_authenticate begins"', '"pam_authenticate ends"'


class Call:
    """One system call as strace recorded it; `number` counts the calls of this name."""

    def __init__(self, number, found):
        self.number = number
        self.name = found["name"]
        self.arguments = found["arguments"]
        self.result = found["result"] or ""

    def __repr__(self):
        return f"{self.name}({self.arguments}) = {self.result}"

    def fails(self, error):
        """The injection that makes exactly this call fail."""
        return f"{self.name}:error={error}:when={self.number}"

    def kills(self):
        """The injection that kills the process right before this call."""
        return f"{self.name}:signal=KILL:when={self.number}"

    @property
    def path(self):
        """The path that an openat names, from the root: strace adds the directory behind its descriptor."""
        directory, name = re.match(r'\w+<(.*?)>, "(.*?)"', self.arguments).groups()
        return os.path.join(directory, name)

    @property
    def file(self):
        """The path behind the first descriptor."""
        return (re.match(r"\d+<(.*?)>", self.arguments) or [None, None])[1]


class Login:
    """The result of one traced login: the trace, and what the application saw."""

    def __init__(self, calls, output, errors, status):
        self.calls = calls
        self.killed = status == -signal.SIGKILL  # strace ends like its program
        self.errors = errors
        self.output = output
        # Any output after the question is a verdict, or lets one be guessed.
        self.told = re.findall(r"^told (.*)$", output, re.MULTILINE)
        self.codes = [int(code) for code in re.findall(r"^= (-?\d+)$", output, re.MULTILINE)]
        # The answers to start, authenticate, setcred and end.
        self.code = self.codes[1] if len(self.codes) > 1 else None
        self.setcred = self.codes[2] if len(self.codes) > 2 else None
        marks = [at for at, call in enumerate(calls) if call.name == "write" and call.arguments.startswith("-1,")]
        self.begun = len(marks) > 0
        self.ended = len(marks) > 1
        self.inside = calls[marks[0] + 1 : marks[1] if self.ended else None] if self.begun else []
        self.from_then_on = calls[marks[0] + 1 :] if self.begun else []

    @property
    def verdict_seen(self):
        return bool(self.told) or self.code is not None


def login(
    program, account, *replies, inject=None, user=None, follow=True, service=application.SERVICE, rhost=None, environment=None
):
    """`inject` is strace's: `openat:signal=KILL:when=7`, `fdatasync:error=EIO`.

    The login runs as root, or as `user`, and then the module asks the helper. strace counts in each process separately;
    `follow` says whether it traces child processes, such as the helper, at all.
    """
    with tempfile.NamedTemporaryFile("r", prefix="trace.", errors="backslashreplace") as trace:
        command = ["strace", "--decode-fds=path", "--string-limit=400", "--output", trace.name]
        if follow:
            command.append("--follow-forks")
        if user:
            # As root on the user's behalf, so that a setgid program keeps its group.
            command += ["--user", user.name]
        if inject:
            command += ["-e", f"inject={inject}"]
        caller = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **(environment or {})}
        done = subprocess.run(
            [*command, program], input=application.script(account, *replies, service=service, rhost=rhost),
            capture_output=True, timeout=600, env=caller,
        )
        return Login(parse(trace.read()), done.stdout.decode(), done.stderr.decode(), done.returncode)


def parse(text):
    numbers = collections.Counter()
    calls = []
    for found in filter(None, map(CALL.match, text.splitlines())):
        numbers[found["name"]] += 1
        calls.append(Call(numbers[found["name"]], found))
    return calls


def files_of(account, state_directory):
    """The names in the account's directory."""
    return sorted(entry.name for entry in pathlib.Path(state_directory, account.name).iterdir())


class Kept:
    """The account's state, according to the newest of its two records that is whole."""

    def __init__(self, account, state_directory):
        both = pathlib.Path(state_directory, account.name, "state").read_bytes()
        newest = max(filter(is_whole, (both[:2048], both[2048:])), key=lambda record: int(value(record, "sequence")))
        self.failures = int(value(newest, "failures").split()[0])
        self.locked = value(newest, "standing") != "open"
        self.last_step = value(newest, "authenticator").split()[1]
        self.recovery_codes_used = bin(int(value(newest, "recovery").split()[1], 16)).count("1")

    def __eq__(self, other):
        return vars(self) == vars(other)

    def since(self, before):
        """What one attempt left behind: nothing, a counted failure, or a used code."""
        if self == before:
            return "nothing"
        used = (self.last_step, self.recovery_codes_used) != (before.last_step, before.recovery_codes_used)
        assert used or self.failures == before.failures + 1, (before, self)
        return "used" if used else "failure"

    def __repr__(self):
        return str(vars(self))


def is_whole(record):
    body, _, rest = record.partition(b"checksum ")
    return rest.strip() == hashlib.sha256(body).hexdigest()[:32].encode()


def value(record, key):
    return re.search(rf"^{key} (.*)$", record.decode(), re.MULTILINE)[1]
