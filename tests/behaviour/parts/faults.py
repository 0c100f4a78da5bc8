"""Faults at the system calls of a program, one at a time: interfere.c, and the faults that can happen at each call.

A case is an operation (a login, an enrolment, ...), a place (the program that runs it, a child of that, or otp-helper), the
number of a call there, and a fault. Each case begins with the same record at the same time.
"""

import collections
import contextlib
import errno
import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import tempfile
import types

from under_test import BINARIES

sys.path.append(str(BINARIES))
import second_implementation  # noqa: E402  (only tests/run puts it there)

# Starts interfere.c on behalf of others.
ROOT = types.SimpleNamespace(name="root")
SOURCE = pathlib.Path(__file__).with_name("interfere.c")
ERRORS = ("EIO", "ENOSPC", "EINTR", "EAGAIN", "EMFILE", "ENOMEM")
# Lasting errors: from this call on, all of its name fail. EINTR and EAGAIN are temporary by definition.
LASTING = ("EIO", "ENOSPC", "EMFILE", "ENOMEM")
CUTS = ("half", "one")

# These calls have no error to return, so no fault can happen at them.
CANNOT_FAIL = {
    "getuid", "geteuid", "getgid", "getegid", "getresuid", "getpid", "getppid", "gettid", "umask", "exit", "exit_group",
    "sched_yield", "rt_sigreturn",
}
ABOUT_MEMORY = {"mmap", "munmap", "mprotect", "brk", "madvise", "mremap"}
CAN_BE_SHORT = {"read", "write", "pread64", "pwrite64", "recvfrom", "sendto"}
# The calls that make a record, keep others from it, or report that it exists.
CHANGING = {
    "openat", "write", "pwrite64", "ftruncate", "fsync", "fdatasync", "renameat", "renameat2", "unlinkat", "mkdirat", "fchown",
    "fchmod", "flock", "linkat",
}


class Call:
    """One system call, as interfere.c writes it down."""

    def __init__(self, words, names):
        place, number, call, result, *arguments = words[:8]
        self.place, self.number, self.result = place, int(number), result
        self.name = names.get(int(call), call)
        self.arguments = [int(argument) for argument in arguments]
        self.path, self.text, self.second = words[8:11]
        self.data = bytes.fromhex(words[11])

    def __repr__(self):
        about = "/".join(filter(None, (self.path, self.text)))
        return f"{self.place} {self.number}: {self.name}({about or self.arguments[0]}) = {self.result}"

    def faults(self, lasting=True):
        """Every fault in the lists above that can happen at this call."""
        yield "kill"
        # Between fork and exec a child only resets its signals, and libc ignores the results.
        if self.name in CANNOT_FAIL or self.place == "child" and self.name == "rt_sigaction":
            return
        errors = ("ENOMEM", "EAGAIN") if self.name in ABOUT_MEMORY else ERRORS
        yield from (f"error={error}" for error in errors)
        if self.name in ABOUT_MEMORY:
            return
        if lasting:
            yield from (f"errors={error}" for error in LASTING)
        if self.name in CHANGING:
            yield "after=EIO"
        if self.name in CAN_BE_SHORT and self.arguments[2] > 1:
            yield from (f"cut={cut}" for cut in CUTS)


class Run:
    """The result of one run: the recorded calls, the output of the program, and how it ended."""

    def __init__(self, log, output, errors, names):
        *lines, end = log.read_text(errors="backslashreplace").splitlines()
        self.calls = [Call(line.removeprefix("not\t").split("\t"), names) for line in lines]
        self.happened = bool(lines) and not lines[0].startswith("not\t")
        self.status = int(end.split("\t")[1])
        self.killed = self.status == 128 + 9
        self.output, self.errors = output, errors


class Interference:
    """interfere.c, compiled."""

    def __init__(self, directory):
        self._directory = pathlib.Path(directory)
        self.program = self._directory / "interfere"
        self.log = self._directory / "log"
        subprocess.run(["gcc", "-O1", "-Wall", "-Wextra", "-Werror", "-o", self.program, SOURCE], check=True)
        self.names = NAMES

    def command(self, program, *, user=None, begins="mark", place="program", number=0, fault="record"):
        kind, _, error = fault.partition("=")
        if error.startswith("E"):
            fault = f"{kind}={getattr(errno, error)}"
        name = user.name if user else "-"
        return [self.program, self.log, name, begins, place, str(number), fault, *program]

    def run(self, program, script=b"", **how):
        done = subprocess.run(
            self.command(program, **how), input=script, capture_output=True, timeout=120,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        )
        return self.result(*(text.decode(errors="backslashreplace") for text in (done.stdout, done.stderr)))

    def result(self, output="", errors=""):
        return Run(self.log, output, errors, self.names)


def numbers_of_calls():
    """The names of this machine's system calls, by number."""
    done = subprocess.run(
        ["gcc", "-E", "-dM", "-"], input="#include <asm/unistd.h>", text=True, capture_output=True, check=True
    )
    words = (line.split() for line in done.stdout.splitlines())
    return {int(word[2]): word[1].removeprefix("__NR_") for word in words
            if len(word) == 3 and word[1].startswith("__NR_") and word[2].isdigit()}


NAMES = numbers_of_calls()
# The first call of a Rust program, after everything that the loader does.
BEGINS_BY_ITSELF = "call=" + str(next(number for number, name in NAMES.items() if name == "poll"))


@contextlib.contextmanager
def interference():
    with tempfile.TemporaryDirectory(prefix="interfere.") as directory:
        os.chmod(directory, 0o755)
        yield Interference(directory)


class Snapshot:
    """An account's record and the mark beside all records, to be restored later: names, owners, modes and contents."""

    def __init__(self, records, account):
        self._records, self._account = pathlib.Path(records), account
        self.kept = self.look()

    def look(self):
        """By name: owner, group, mode, and the content of a file."""
        directory = self._records / self._account.name
        paths = [self._records / ".enrolled", directory, *(sorted(directory.iterdir()) if directory.is_dir() else ())]
        return {str(path.relative_to(self._records)): described(path) for path in paths if path.exists()}

    def restore(self):
        shutil.rmtree(self._records / self._account.name, ignore_errors=True)
        (self._records / ".enrolled").unlink(missing_ok=True)
        for name, (owner, group, mode, content) in self.kept.items():
            path = self._records / name
            if content is None:
                path.mkdir()
            else:
                path.write_bytes(content)
            os.chown(path, owner, group)
            os.chmod(path, mode)


def described(path):
    found = path.lstat()
    return found.st_uid, found.st_gid, found.st_mode & 0o7777, path.read_bytes() if path.is_file() else None


def refused():
    """The exception that the second implementation raises for an invalid record."""
    return second_implementation.Refused


class Record:
    """An account's record, read by the second implementation, which raises `Refused` if it must refuse it."""

    def __init__(self, records, account):
        directory = pathlib.Path(records, account.name)
        uid = pwd.getpwnam(account.name).pw_uid
        self.credential = self.state = None
        if (directory / "credential.toml").exists():
            content = (directory / "credential.toml").read_bytes()
            self.credential = second_implementation.read_credential(content, account.name, uid)
            self.state, *_ = second_implementation.read_state((directory / "state").read_bytes(), self.credential)

    @property
    def failures(self):
        return self.state.counts[0]

    @property
    def used(self):
        """Everything that cannot be used again: steps by authenticator, and recovery codes."""
        return {id: entry.last_step for id, entry in self.state.authenticators.items()}, dict(self.state.recovery)


class Tally:
    """The number of cases, by operation and fault, and by call."""

    def __init__(self):
        self.cases = collections.Counter()
        self.calls = collections.Counter()
        self.outcomes = collections.Counter()

    def count(self, operation, call, fault, outcome):
        self.cases[operation, call.place, fault.partition("=")[0] if not fault.startswith("error=") else fault[6:]] += 1
        self.calls[operation, call.name] += 1
        self.outcomes[operation, call.place, outcome] += 1

    def table(self):
        """One line for each operation and place, one column for each fault."""
        faults = ["kill", *ERRORS, "errors", "after", "cut"]
        heads = {"errors": "lasting", "after": "done, EIO", "cut": "short"}
        yield f"{'':34}" + "".join(f"{heads.get(fault, fault):>10}" for fault in faults) + f"{'all':>8}"
        rows = sorted({key[:2] for key in self.cases})
        for row in rows:
            numbers = [self.cases[(*row, fault)] for fault in faults]
            yield f"{' in '.join(row):34}" + "".join(f"{number:10}" for number in numbers) + f"{sum(numbers):8}"
        for row in rows:
            found = ", ".join(f"{number} {key[2]}" for key, number in sorted(self.outcomes.items()) if key[:2] == row)
            yield f"{' in '.join(row)}: {found}"
        yield f"{sum(self.cases.values())} cases at {len({name for _, name in self.calls})} kinds of calls"
