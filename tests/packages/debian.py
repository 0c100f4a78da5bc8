"""A fresh Debian in a directory, and the work of an administrator and of users in it.

Programs run in it by chroot; the ssh client, oathtool and the terminals are those of the machine outside. Time is real:
one authenticator allows two logins at once, with the present code and then with the next.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pexpect

import accounts
import codes
import doors
import sshd
from clock import wait_until
from real_clock import RealClock

MODULE = "security/pam_otp.so"
HELPER = "/usr/libexec/pam_otp/otp-helper"
RECORDS = "/var/lib/pam_otp"
POLICY = "/etc/security/pam_otp.conf"
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive", "TERM": "dumb",
}
CODE = "Verification code: "
PASSWORD = "Password: "
RECOVERY_CODE = r"(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}"
# The lines of /etc/pam.d/common-auth that pam-auth-update writes with our profile.
COMMON_AUTH = [
    "auth [success=1 default=ignore] pam_unix.so nullok",
    "auth requisite pam_deny.so",
    "auth required pam_permit.so",
    "auth [success=1 default=ignore] pam_succeed_if.so quiet service in otp-enroll:otp-portal",
    "auth required pam_otp.so",
]
# The settings that pam_otp-setup(7) describes.
SSHD_CONFIG = "UsePAM yes\nKbdInteractiveAuthentication yes\nPasswordAuthentication no\n"
SUDOERS = "Defaults timestamp_timeout=0, passwd_tries=1, lecture=never, !fqdn\nALL ALL=(ALL:ALL) ALL\n"
# Files that dpkg, apt and the user database keep for themselves, and logs.
BOOKS = re.compile(
    r"^/(var/lib/dpkg|var/lib/apt|var/cache|var/log|var/lib/pam/|var/lib/systemd|tmp|run|dev|proc|root)(/|$)"
    r"|^/etc/(group|gshadow|passwd|shadow|subuid|subgid)-$|^/etc/\.pwd\.lock$|^/etc/ld\.so\.cache$"
)


class Account(accounts.Account):
    """A user with a password in the fresh Debian."""

    def __init__(self, debian, name):
        super().__init__(name, accounts.random_password())
        self.debian = debian
        self.home = f"/home/{name}"

    def running(self, *command):
        return ["/usr/sbin/chroot", str(self.debian.root), *super().running(*command)]


class Debian:
    """`with Debian(FRESH, PLACE) as debian:`. Everything that is written to it is gone at the end of the block."""

    def __init__(self, fresh, place):
        self.extra = fresh / "extra"
        self._fresh = fresh / "root"
        self._place = place / "debian"
        self.root = self._place / "root"
        self._processes = []

    def __enter__(self):
        self._place.mkdir()
        mount("-t", "tmpfs", "-o", "mode=0755", "debian", self._place)
        for name in ("root", "changes", "work"):
            (self._place / name).mkdir()
        layers = f"lowerdir={self._fresh},upperdir={self._place}/changes,workdir={self._place}/work"
        mount("-t", "overlay", "-o", layers, "debian", self.root)
        mount("-t", "proc", "proc", self.root / "proc")
        mount("-t", "tmpfs", "-o", "mode=0755", "dev", self.root / "dev")
        for node in ("null", "zero", "full", "random", "urandom", "tty", "ptmx"):
            (self.root / "dev" / node).touch()
            mount("--bind", f"/dev/{node}", self.root / "dev" / node)
        (self.root / "dev/pts").mkdir()
        mount("--bind", "/dev/pts", self.root / "dev/pts")
        # No installation starts a service.
        self.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", mode=0o755)
        self.write("/etc/sudoers", SUDOERS, mode=0o440)
        return self

    def __exit__(self, *_):
        for process in self._processes:
            process.terminate()
            process.wait(timeout=60)
        subprocess.run(["umount", "--recursive", "--lazy", self._place], check=True)

    # ------------------------------------------------------------------------------------------ the administrator

    def run(self, *command, status=0, **options):
        """Runs a command as root, without a terminal, and checks its exit status."""
        done = subprocess.run(
            ["chroot", self.root, *command], env=ENVIRONMENT, text=True, timeout=300,
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, **options},
        )
        assert done.returncode == status, f"{command}: exit {done.returncode}\n{done.stdout}"
        return done.stdout

    def fails(self, *command):
        """Runs a command that must fail, and returns its output."""
        done = subprocess.run(
            ["chroot", self.root, *command], env=ENVIRONMENT, text=True, timeout=300, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        assert done.returncode != 0, f"{command} went well\n{done.stdout}"
        return done.stdout

    def bring(self, package):
        """Copies a package in, and returns its path there."""
        shutil.copy(package, self.root / "tmp")
        return f"/tmp/{pathlib.Path(package).name}"

    def install(self, package):
        return self.run("apt-get", "install", "--yes", "--quiet", self.bring(package))

    def path(self, path):
        return self.root / path.lstrip("/")

    def read(self, path):
        return self.path(path).read_text()

    def write(self, path, text, mode=0o644):
        self.path(path).parent.mkdir(parents=True, exist_ok=True)
        self.path(path).write_text(text)
        self.path(path).chmod(mode)

    def exists(self, path):
        return os.path.lexists(self.path(path))

    def stat(self, path):
        """Returns `MODE OWNER GROUP`, as this Debian names them."""
        return self.run("stat", "--format=%a %U %G", path).strip()

    def status(self):
        """Returns dpkg's status of our package."""
        done = self.run("sh", "-c", "dpkg-query --show --showformat='${db:Status-Status}' pam-otp 2> /dev/null || :")
        return done or "not-installed"

    def module(self):
        """Returns the path of the module."""
        (path,) = [line for line in self.run("dpkg", "--listfiles", "pam-otp").split() if line.endswith(MODULE)]
        return path

    def protect(self, service):
        """Adds the line of pam_otp-setup(7), by hand."""
        path = f"/etc/pam.d/{service}"
        before = self.read(path)
        common = "@include common-auth\n"
        self.write(path, before.replace(common, f"{common}auth    required    pam_otp.so\n", 1))
        assert self.read(path) != before

    def common_auth(self):
        """Returns the lines of /etc/pam.d/common-auth, without comments and with single spaces."""
        lines = self.read("/etc/pam.d/common-auth").splitlines()
        return [" ".join(line.split()) for line in lines if line and not line.startswith("#")]

    def everything(self):
        """Returns each path that is not book-keeping, with its mode, owner and content."""
        listed = self.run(
            "find", "/", "-xdev", "-regextype", "egrep", "-regex", "/(proc|dev)", "-prune", "-o",
            "-printf", "%p\t%y %m %u %g %l\n",
        )
        found = dict(line.split("\t") for line in listed.splitlines())
        found = {path: what for path, what in found.items() if not BOOKS.search(path)}
        for path, what in found.items():
            if what.startswith("f "):
                found[path] += f" {hash(self.path(path).read_bytes())}"
        return found

    # -------------------------------------------------------------------------------------------------- the users

    def account(self, name):
        account = Account(self, name)
        self.run("useradd", "--create-home", "--shell", "/bin/sh", name)
        self.run("chpasswd", input=f"{name}:{account.password}\n", stdin=None)
        return account

    def provision(self, account):
        """Gives the account an authenticator none of whose codes has been used."""
        done = subprocess.run(
            ["chroot", self.root, "otp-admin", "provision", account.name, "--json"], env=ENVIRONMENT, text=True,
            capture_output=True, check=True,
        )
        provisioned = json.loads(done.stdout)
        account.codes = codes.Codes(provisioned["secret"], RealClock())
        account.recovery_codes = provisioned["recovery_codes"]

    def enrol(self, account, meanwhile=lambda: None):
        """Plays the user's own dialogue with otp-enroll; `meanwhile` happens while it waits for the first code."""
        child = self.spawn(account, "otp-enroll")
        child.expect(r"[?&]secret=([A-Z2-7]+)")
        account.codes = codes.Codes(child.match[1], RealClock())
        child.expect_exact("device shows now: ")
        meanwhile()
        child.sendline(account.codes.now())
        child.expect_exact("Enter to go on without: ")
        account.recovery_codes = re.findall(RECOVERY_CODE, child.before)
        child.sendline("")
        child.expect_exact("are kept: ")
        child.sendline("kept")
        child.expect_exact("is enrolled, with 10 recovery codes")
        child.close()

    def spawn(self, account, *command):
        """Starts a program at a terminal, as the account."""
        argv = account.running(*command)
        child = pexpect.spawn(
            argv[0], argv[1:], env={**ENVIRONMENT, "HOME": account.home, "TERM": "xterm"}, encoding="utf-8",
            timeout=doors.TIMEOUT_SECONDS, dimensions=(50, 120),
        )
        child.delaybeforesend = None
        return child

    def sshd(self):
        """Starts the distribution's sshd with its own configuration and keys and the settings of pam_otp-setup(7); returns a door."""
        self.write("/etc/ssh/sshd_config.d/10-pam_otp.conf", SSHD_CONFIG)
        self.path("/run/sshd").mkdir(exist_ok=True)
        port = sshd.free_port()
        self._processes.append(subprocess.Popen(
            ["chroot", self.root, "/usr/sbin/sshd", "-D", "-e", "-p", str(port),
             "-o", f"ListenAddress={sshd.HOST}", "-o", "PidFile=/run/sshd-of-a-test.pid"],
            env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=open(self.path("/tmp/sshd.log"), "w"),
        ))
        wait_until(lambda: self.exists("/run/sshd-of-a-test.pid"), "sshd")
        known_hosts = self._place / "known_hosts"
        key = self.read("/etc/ssh/ssh_host_ed25519_key.pub")
        known_hosts.write_text(f"[{sshd.HOST}]:{port} {key}")
        server = type("Server", (), {"port": port, "known_hosts": known_hosts})
        return doors.Ssh(server, sshd.HOST)


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def lets_in(door, account, *replies):
    outcome = door.attempt(account, *replies)
    assert outcome.admitted, outcome
    return outcome


def refuses(door, account, *replies):
    outcome = door.attempt(account, *replies)
    assert outcome.refused, outcome
    return outcome


def changed(deb, place, version, name="pam-otp", **replacements):
    """Makes the package once more, with another version and, in its files, other text."""
    tree = place / f"{name}-{version}"
    subprocess.run(["dpkg-deb", "--raw-extract", deb, tree], check=True)
    # The version changes also where one package depends on another.
    replacements["DEBIAN/control"] = ("0.1.0-1", version)
    for file, (before, after) in replacements.items():
        text = (tree / file).read_text()
        assert before in text, file
        (tree / file).write_text(text.replace(before, after))
    package = place / f"{name}_{version}.deb"
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", tree, package], check=True, stdout=subprocess.DEVNULL)
    return package
