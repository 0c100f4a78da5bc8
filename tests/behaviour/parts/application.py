"""A PAM application of our own (application.c), for situations that sshd, sudo and su cannot be made to show.

It is a process of its own, linked with the real libpam; a test drives it step by step and can inspect it in between.
"""

import contextlib
import os
import pathlib
import subprocess
import tempfile

import pytest

import doors

SUCCESS, PERM_DENIED, AUTH_ERR, AUTHINFO_UNAVAIL, MAXTRIES = 0, 6, 7, 9, 11
SERVICE = "application"
SOURCE = pathlib.Path(__file__).with_name("application.c")


class Answer:
    """The result of one command: the PAM codes, and what the user was asked and told meanwhile.

    For a watched application also the delays that PAM wanted after a refusal, in microseconds, and the questions whose
    answers were shown.
    """

    def __init__(self, codes, asked, told, delays=(), echoed=()):
        self.codes = codes
        self.asked = asked
        self.told = told
        self.delays = delays
        self.echoed = echoed

    @property
    def code(self):
        (code,) = self.codes
        return code

    def __repr__(self):
        return f"{self.codes}, asked {self.asked}, told {self.told}"


class Application:
    """`with Application(program) as application:` runs it until the end of the block, whatever happens inside.

    It runs as root, like most programs that log people in; or as an account, and then the module asks the helper.
    """

    def __init__(self, program, user=None, **environment):
        command = user.running(program) if user else [program]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **environment},
        )
        self.pid = self._process.pid
        self.errors = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        self.errors = self._process.stderr.read()
        self._process.stderr.close()
        self._process.wait(timeout=60)

    def start(self, account, service=SERVICE, rhost=None):
        """`rhost` is the value of PAM_RHOST; None sets nothing."""
        assert self._ask("start", service, account.name, *given(rhost)).code == SUCCESS

    def authenticate(self, *replies):
        doors.TYPED.extend(replies)
        return self._ask("authenticate", *replies)

    def acct_mgmt(self):
        return self._ask("acct_mgmt")

    def setcred(self):
        return self._ask("setcred")

    def watch(self):
        assert self._ask("watch").code == SUCCESS

    def silence(self):
        """Sets PAM_SILENT from now on."""
        assert self._ask("silence").code == SUCCESS

    def set_service(self, name):
        """Continues on the same handle with the lines of another service."""
        assert self._ask("service", name).code == SUCCESS

    def end(self):
        assert self._ask("end").code == SUCCESS

    def end_in_a_child(self):
        """Ends PAM in a child, as programs do that go on in a child; this process keeps its handle."""
        assert self._ask("end", "forked").code == SUCCESS

    def login(self, account, *replies, service=SERVICE, rhost=None):
        """Runs one whole login."""
        self.start(account, service, rhost)
        answer = self.authenticate(*replies)
        self.end()
        return answer

    def crowd(self, number, account, reply, service=SERVICE, rhost=None):
        """Logs in with `number` processes at the same moment; returns their PAM codes, sorted."""
        doors.TYPED.append(reply)
        return sorted(self._ask("crowd", str(number), service, account.name, reply, *given(rhost)).codes)

    def _ask(self, *words):
        self._process.stdin.write(line(*words))
        self._process.stdin.flush()
        return read_answer(self._process.stdout)


def line(*words):
    assert not any("\t" in word or "\n" in word for word in words)
    return ("\t".join(words) + "\n").encode()


def given(rhost):
    return () if rhost is None else (rhost,)


def script(account, *replies, service=SERVICE, rhost=None):
    """The commands of one whole login, for an application that runs by itself under a tracer."""
    doors.TYPED.extend(replies)
    start = line("start", service, account.name, *given(rhost))
    return start + line("authenticate", *replies) + line("setcred") + line("end")


def read_answer(lines):
    """Reads up to the end of one command."""
    asked, told, delays, echoed = [], [], [], []
    for text in lines:
        word, _, rest = text.decode(errors="backslashreplace").rstrip("\n").partition(" ")
        if word == "asked":
            asked.append(rest)
        elif word == "told":
            told.append(rest)
        elif word == "echoed":
            echoed.append(rest)
        elif word == "delayed":
            delays.append(int(rest))
        elif word == "=":
            return Answer([int(code) for code in rest.split()], asked, told, delays, echoed)
        elif told:
            # A message of several lines.
            told[-1] += "\n" + text.decode(errors="backslashreplace").rstrip("\n")
    raise AssertionError(f"the application is gone; before that it was asked {asked} and told {told}")


@pytest.fixture(scope="session")
def program():
    """The application, compiled.

    Its symbols are bound at the start: otherwise the first call of a symbol makes the loader put the vector registers on
    the stack, together with any piece of a reply that the application has last copied.
    """
    path = pathlib.Path(tempfile.mkdtemp(prefix="application."), "application")
    path.parent.chmod(0o755)
    flags = ["-O1", "-Wall", "-Wextra", "-Werror", "-Wl,-z,now"]
    subprocess.run(["gcc", *flags, "-o", path, SOURCE, "-lpam"], check=True)
    return path


@pytest.fixture
def application(program, machine_clock, journal):
    """The application, running."""
    with Application(program) as running:
        yield running


@pytest.fixture
def service(under_test):
    """`service(LINE, ...)` makes these the auth lines of the application's service; at first the module is alone."""

    def write(*auth_lines):
        lines = [*(f"auth {text}" for text in auth_lines), "account required pam_permit.so"]
        pathlib.Path("/etc/pam.d", SERVICE).write_text("\n".join(lines) + "\n")

    write(under_test.line())
    return write
