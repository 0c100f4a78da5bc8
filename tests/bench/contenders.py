"""The contenders: the modules, their settings, and the floor below all of them."""

import os
import pathlib
import shutil
import subprocess

import place as places

MODULES = pathlib.Path("/run/pam_otp-tests/results/modules")
ROUNDS = "/run/pam_otp-tests/bin/rounds"
HELPER = "/usr/libexec/pam_otp/otp-helper"

SUCCESS, AUTH_ERR, AUTHINFO_UNAVAIL = 0, 7, 9


class Contender:
    """A way to log in. `records` names the records whose codes it takes; None: it takes any code."""

    def __init__(self, key, name, records=None, module=None, arguments="", as_user=False):
        self.key = key
        self.name = name
        self.records = records
        self.module = module
        self.service = f"bench-{module or 'floor'}"
        self.arguments = arguments
        self.as_user = as_user

    def expected(self, verdict):
        """Returns the PAM code that a login of this kind must end with."""
        return AUTH_ERR if self.records and verdict != "accepted" else SUCCESS

    def command(self, user=None):
        """Returns the command that logs people in by this module, as root or as a user of its own."""
        what = self.service if self.module else "--floor"
        running = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--"] if user else []
        return [*running, ROUNDS, what]


OURS = Contender("pam_otp", "pam_otp", "pam_otp", "pam_otp")
OURS_BY_HELPER = Contender("pam_otp-helper", "pam_otp, by the helper", "pam_otp", "pam_otp", as_user=True)
GOOGLE = Contender("google", "google-authenticator", "google", "pam_google_authenticator")
GOOGLE_AS_USER = Contender(
    "google-user", "google-authenticator, as the user", "google", "pam_google_authenticator", as_user=True
)
OATH = Contender("oath", "pam_oath", "oath", "pam_oath", f"usersfile={places.OATH}/users.oath window=1 digits=6")
PERMIT = Contender("permit", "pam_permit", module="pam_permit")
FLOOR = Contender("floor", "the floor in C")

EVERY = (OURS, OURS_BY_HELPER, GOOGLE, GOOGLE_AS_USER, OATH, PERMIT, FLOOR)
BY_KEY = {each.key: each for each in EVERY}


def install(binaries):
    """Puts all modules into one directory, because a file system of its own would be an advantage. Each service has only one module."""
    MODULES.mkdir()
    shutil.copy(binaries / "libpam_otp.so", MODULES / "pam_otp.so")
    security = next(path.parent for path in pathlib.Path("/").glob("usr/lib/*/security/pam_oath.so"))
    for module in {each.module for each in EVERY} - {None, "pam_otp"}:
        shutil.copy(security / f"{module}.so", MODULES)
    for path in (MODULES.parent, MODULES, *MODULES.iterdir()):
        path.chmod(0o755)
    for each in EVERY:
        if each.module:
            line = f"auth required {MODULES / each.module}.so {each.arguments}".rstrip()
            pathlib.Path("/etc/pam.d", each.service).write_text(line + "\n")
    # For every service, libpam also loads the modules of /etc/pam.d/other.
    kinds = ("auth", "account", "password", "session")
    pathlib.Path("/etc/pam.d/other").write_text("".join(f"{kind} required pam_deny.so\n" for kind in kinds))
    os.makedirs(os.path.dirname(HELPER))
    shutil.copy(binaries / "otp-helper", HELPER)
    shutil.copy(binaries / "pam_otp.conf", "/etc/security/pam_otp.conf")
    for directory in (places.PAM_OTP, places.OATH):
        os.mkdir(directory)
    subprocess.run([binaries / "permissions", places.PAM_OTP, HELPER], check=True)
    # On a machine with an id, the module checks that its records are mounted; most machines have one.
    pathlib.Path("/etc/machine-id").write_text(os.urandom(16).hex() + "\n")
    flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-Wl,-z,now"]
    subprocess.run(["gcc", *flags, "-o", ROUNDS, binaries / "rounds.c", "-lpam"], check=True)


class Program:
    """The program of a contender in a place, waiting for commands; it ends with the `with`. It runs as `user` if the contender
    is measured as a user, unless `user` is None."""

    def __init__(self, contender, place, user):
        self.contender = contender
        self.place = place
        command = place.inside(*contender.command(user if contender.as_user else None))
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = subprocess.Popen(command, cwd=place.root, env=environment, text=True, **pipes)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(timeout=60)

    def ask(self, *words):
        """Returns the numbers that answer a command."""
        self._process.stdin.write("\t".join(words) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().split()
        assert answer, f"{self.contender.name}: the program is gone"
        return [int(number) for number in answer]
