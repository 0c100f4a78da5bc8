"""Logins on many machines at the same moment, and the answer to each."""

import fcntl
import os
import pathlib
import subprocess
import tempfile
import time

import doors
import etcd
import hosts
import register
from clock import wait_until

SUCCESS, AUTH_ERR, AUTHINFO_UNAVAIL, MAXTRIES = 0, 7, 9, 11
SERVICE = "application"


class Crowds:
    """A program on each machine that logs people in: `with Crowds(machines) as crowds:`. `waits` has the time that each login of the
    last crowd took, from the moment when the crowd was let go."""

    def __init__(self, machines):
        self._machines = list(machines)
        self._directory = pathlib.Path(tempfile.mkdtemp(prefix="crowd."))
        self._directory.chmod(0o755)
        self._programs = {}
        self.waits = []

    def __enter__(self):
        program = self._directory / "crowd"
        flags = ["-O1", "-Wall", "-Wextra", "-Werror", "-Wl,-z,now"]
        subprocess.run(["gcc", *flags, "-o", program, hosts.ROOM / "crowd.c", "-lpam"], check=True)
        gate = self._directory / "gate"
        gate.touch(mode=0o644)
        self._gate = os.open(gate, os.O_RDONLY | os.O_CLOEXEC)
        for machine in self._machines:
            self._programs[machine] = machine.start(
                program, gate, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        return self

    def __exit__(self, *_):
        for program in self._programs.values():
            program.stdin.close()
            hosts.kill(program)
            program.stdout.close()
        os.close(self._gate)

    def begin(self, number, account, replies):
        """Has this many logins wait on each machine. `replies` is one for all, or one for each machine by its name."""
        fcntl.flock(self._gate, fcntl.LOCK_EX)
        for machine, program in self._programs.items():
            reply = replies if isinstance(replies, str) else replies[machine.name]
            doors.TYPED.append(reply)
            program.stdin.write("\t".join(["crowd", str(number), SERVICE, account.name, reply]) + "\n")
        for program in self._programs.values():
            assert program.stdout.readline() == "ready\n", "a crowd is gone"

    def go(self):
        self._went = time.monotonic()
        fcntl.flock(self._gate, fcntl.LOCK_UN)

    def ended(self, number, account, step):
        """Returns the results once all logins have ended: (login, PAM code) each."""
        found, self.waits = [], []
        for machine, program in self._programs.items():
            for _ in range(number):
                word, code, began, ended = program.stdout.readline().split()
                assert word == "login"
                told = TOLD.get(int(code))
                assert told, f"a login on {machine.name} ended with {code}"
                self.waits.append(int(ended) / 1e6 - self._went)
                login = register.Login(account.name, machine.full_name, step, int(began) / 1e6, int(ended) / 1e6, told)
                found.append((login, int(code)))
            assert program.stdout.readline() == "done\n"
        return found

    def at_once(self, number, account, replies, step, meanwhile=lambda: None):
        """Makes this many logins on each machine at once. `meanwhile` happens as soon as they are let go."""
        self.begin(number, account, replies)
        self.go()
        meanwhile()
        return self.ended(number, account, step)


def log_in(crowd, fleet, account, code=None):
    """Returns the PAM code of one login, on the one machine of that crowd."""
    ((_, result),) = crowd.at_once(1, account, code or account.codes.now(), fleet.step())
    return result


def answered(crowd, fleet, account, code=None):
    """Returns the PAM code of a login that a verifier has answered. On a busy machine a login may end before it has an answer, and its
    code may be used up by then: the login is repeated with the next code, or with the given one."""
    return _answered(crowd, fleet, account, code)[0]


def let_in(crowd, fleet, account):
    """Repeats a login until it is let in, and returns its code."""
    result, code = _answered(crowd, fleet, account, None)
    assert result == SUCCESS
    return code


def _answered(crowd, fleet, account, code):
    def told():
        typed = code or account.codes.now()
        result = log_in(crowd, fleet, account, typed)
        if result != AUTHINFO_UNAVAIL:
            return result, typed
        if code is None:
            fleet.later(30)
        return None

    return wait_until(told, "login that is answered", etcd.PATIENCE)


# A login without a decision is told so, and nobody knows whether it counted.
TOLD = {SUCCESS: register.YES, AUTH_ERR: register.NO, MAXTRIES: register.NO, AUTHINFO_UNAVAIL: register.UNKNOWN}
