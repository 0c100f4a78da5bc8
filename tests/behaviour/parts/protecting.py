"""otp-admin protect at a terminal, on the service files that this machine's packages ship."""

import os
import pathlib
import shutil
import signal
import subprocess

import pexpect
import pytest

import doors
import sshd
from clock import wait_until
from under_test import BINARIES, Ours

PAM = pathlib.Path("/etc/pam.d")
# Read before any scenario changes them.
SHIPPED = {path.name: path.read_text() for path in PAM.iterdir()} if PAM.is_dir() else {}
DROP_IN = pathlib.Path("/etc/ssh/sshd_config.d/10-pam_otp.conf")
KEPT = pathlib.Path("/var/lib/pam_otp-protect")
PASSWORD = "Password: "
CODE = "Verification code: "
KEEP = 'Type "keep" to keep it: '
BOTH = "Both in one: "
LINE = "auth    required    pam_otp.so"
MARK = "# otp-admin protect: the next line"
SPLIT = [LINE + " split", "auth    requisite   pam_unix.so use_first_pass", LINE]


def modules():
    """The directory from which libpam loads its modules."""
    (found,) = {path.resolve().parent for place in ("lib", "lib64") for path in pathlib.Path("/usr", place).glob("**/pam_unix.so")}
    return found


@pytest.fixture(scope="session")
def installed(under_test):
    """Installs the module where PAM looks for it: in a layer over that directory, which ends with the namespace."""
    place, layer = modules(), pathlib.Path("/run/pam_otp-tests/modules")
    if not (place / "pam_otp.so").exists():
        for name in ("upper", "work"):
            (layer / name).mkdir(parents=True, exist_ok=True)
        options = f"lowerdir={place},upperdir={layer}/upper,workdir={layer}/work"
        subprocess.run(["mount", "-t", "overlay", "-o", options, "modules", place], check=True)
        shutil.copy(under_test.module, place / "pam_otp.so")
    return place / "pam_otp.so"


@pytest.fixture
def shipped(password_then_code, installed):
    """Restores the service files as shipped, and removes all traces of earlier changes."""

    def restore():
        for path in PAM.iterdir():
            path.unlink()
        for name, text in SHIPPED.items():
            PAM.joinpath(name).write_text(text)
        Ours.service.write_text((BINARIES / "otp-enroll-debian").read_text())
        DROP_IN.unlink(missing_ok=True)
        shutil.rmtree(KEPT, ignore_errors=True)

    restore()
    subprocess.run(["ssh-keygen", "-A"], check=True, capture_output=True)
    yield {name: PAM / name for name in SHIPPED}
    restore()


def everything():
    """Everything that decides about logins: each file of PAM and sshd, with its owner and mode."""
    found = {}
    for directory in (PAM, pathlib.Path("/usr/lib/pam.d"), pathlib.Path("/etc/ssh")):
        for path in sorted(directory.rglob("*")):
            if path.is_file():
                status = path.stat()
                found[str(path)] = (path.read_bytes(), status.st_mode, status.st_uid, status.st_gid)
    return found


def environment(account, language="C.UTF-8"):
    return {"PATH": os.environ["PATH"], "TERM": "xterm", "LC_ALL": language, "HOME": "/root",
            **({"SUDO_USER": account.name} if account else {})}


def run(account, *words, language="C.UTF-8", **options):
    """Runs `otp-admin WORDS...` as an administrator, without a terminal, to its end."""
    return subprocess.run(
        [BINARIES / "otp-admin", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=doors.TIMEOUT_SECONDS,
        env=environment(account, language), start_new_session=True, **options,
    )


class Talk:
    """`otp-admin protect SERVICE` at a terminal; the account is the administrator whom sudo names."""

    def __init__(self, account, *words, language="C.UTF-8", wrapped=()):
        self.account = account
        command = [*wrapped, str(BINARIES / "otp-admin"), *words]
        self.child = pexpect.spawn(
            command[0], command[1:], encoding="utf-8", timeout=doors.TIMEOUT_SECONDS, dimensions=(50, 120),
            env=environment(account, language),
            # The default in a shell; the process that started the tests may have set it to ignored.
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
        )
        self.child.delaybeforesend = None
        self.screen = ""

    def until(self, question):
        found = self.child.expect_exact([question, pexpect.EOF])
        self.screen += self.child.before + (self.child.after if found == 0 else "")
        assert found == 0, f"ended before {question!r}: {self.screen}"

    def answer(self, reply):
        if len(reply) > 5:
            doors.TYPED.append(reply)
        self.child.sendline(reply)

    def log_in(self, password=None, code=None):
        """Answers the trial of a program that asks each question."""
        self.until(PASSWORD)
        self.answer(self.account.password if password is None else password)
        self.until(CODE)
        self.answer(self.account.codes.now() if code is None else code)

    def log_in_at_once(self, reply):
        """Answers the trial of a program that asks once."""
        self.until(BOTH)
        self.answer(reply)

    def end(self):
        self.child.expect(pexpect.EOF)
        self.screen += self.child.before
        self.child.wait()
        self.child.close()
        assert self.child.signalstatus is None, "it ends by itself, not by a signal"
        return self.child.exitstatus

    def close_the_terminal(self):
        self.child.ptyproc.fileobj.close()
        self.child.closed = True
        _, ended = os.waitpid(self.child.pid, 0)
        self.child.ptyproc.terminated = True
        return os.waitstatus_to_exitcode(ended)

    def kill(self):
        os.kill(self.child.pid, signal.SIGKILL)
        self.child.expect(pexpect.EOF)
        self.child.wait()
        self.child.close()


def protect(account, service, *words):
    """Runs the command to its end, and confirms."""
    talk = Talk(account, "protect", service, *words)
    talk.log_in()
    talk.until(KEEP)
    talk.answer("keep")
    assert talk.end() == 0, talk.screen
    return talk


def guards():
    """The guard processes, which wait to undo the change."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if process.read_bytes().startswith(b"otp-admin-undo\0"):
                found.append(int(process.parent.name))
        except OSError:
            continue  # it ended meanwhile
    return found


def wait_until_undone(before):
    """Waits until everything is undone, and no guard is left."""
    wait_until(lambda: everything() == before and not guards(), "undoing")


class MachinesSshd(sshd.Sshd):
    """sshd with the configuration of the machine, on a port of its own."""

    def __init__(self):
        super().__init__()
        self._config.write_text(
            f"Port {self.port}\nListenAddress {sshd.HOST}\nHostKey {self._directory}/host_key\nPidFile {self._directory}/pid\n"
            "MaxStartups 500\nKexAlgorithms curve25519-sha256\n" + pathlib.Path("/etc/ssh/sshd_config").read_text())

    def __enter__(self):
        entered = super().__enter__()
        # otp-admin looks here for the running sshd.
        pathlib.Path("/run/sshd.pid").write_text(f"{self._process.pid}\n")
        return entered

    def __exit__(self, *exception):
        pathlib.Path("/run/sshd.pid").unlink(missing_ok=True)
        super().__exit__(*exception)
