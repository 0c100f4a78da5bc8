"""A machine on which rpm installs the package, and the work of an administrator and of users on it.

It is a copy of this machine, thrown away afterwards. The packages that ours requires have Fedora's names, so rpm is told not to
look for them. Time is real.
"""

import json
import pathlib
import re
import secrets
import shutil
import subprocess

import pytest

import codes
from real_clock import RealClock

TOP = pathlib.Path(__file__).resolve().parents[2]
SPEC = (TOP / "packaging/pam_otp.spec").read_text()
PACKAGES = ("pam-otp", "pam-otp-verifier", "pam-otp-portal")
MODULE = "/usr/lib64/security/pam_otp.so"
HELPER = "/usr/libexec/pam_otp/otp-helper"
RECORDS = "/var/lib/pam_otp"
POLICY = "/etc/security/pam_otp.conf"

COPY = """
mount -t tmpfs -o mode=0755 copy /mnt
mkdir /mnt/upper /mnt/work /mnt/machine
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work copy /mnt/machine
cd /mnt/machine
mount -t proc proc proc
mount -t tmpfs -o mode=1777 tmp tmp
mount -t tmpfs -o mode=0755 run run
mount -t tmpfs -o mode=0755 dev dev
for node in null zero full random urandom tty; do
    : > dev/$node
    mount --bind /dev/$node dev/$node
done
mkdir -p run/faillock var/run/faillock
rm -rf usr/lib64/security
rm -f etc/authselect/authselect.conf etc/nologin
"$0" .
echo ready
exec cat
"""


class Machine:
    """A copy of this machine, without packages of rpm and without pam_otp. All changes to it end with it."""

    def __init__(self):
        words = ["unshare", "--mount", "--propagation", "private", "/bin/sh", "-ec", COPY, TOP / "tests/without-ours"]
        pipe = subprocess.PIPE
        self._holder = subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        if self._holder.stdout.readline() != "ready\n":
            pytest.fail(f"no copy of this machine could be made: {self._holder.communicate()[1]}")
        self.root = pathlib.Path(f"/proc/{self._holder.pid}/root/mnt/machine")

    def close(self):
        self._holder.communicate()

    def path(self, absolute):
        return self.root / absolute.lstrip("/")

    def run(self, *words, typed="", status=0):
        """Runs a command there as root, and checks its exit status unless `status` is None."""
        inside = ["nsenter", f"--target={self._holder.pid}", "--mount", "chroot", "/mnt/machine"]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/tmp"}
        done = subprocess.run(
            [*inside, *map(str, words)], input=typed, text=True, capture_output=True, timeout=120, env=environment
        )
        if status not in (None, done.returncode):
            # The output may hold secrets; error messages do not.
            pytest.fail(f"{words}: exit {done.returncode}\n{done.stderr}")
        return done

    def rpm(self, *words, status=0):
        """Runs rpm, after copying the packages of this machine that it names."""
        for package in words:
            if isinstance(package, pathlib.Path):
                shutil.copy(package, self.path(f"/tmp/{package.name}"))
        there = [f"/tmp/{word.name}" if isinstance(word, pathlib.Path) else word for word in words]
        return self.run("rpm", *there, status=status)

    def version(self):
        return self.run("rpm", "-q", "--qf", "%{VERSION}", "pam-otp").stdout

    def write(self, absolute, text):
        path = self.path(absolute)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(text)
        path.chmod(0o644)

    def below(self, *directories):
        """Returns every file there with its content, mode and owner."""
        found = {}
        for path in (path for directory in directories for path in self.path(directory).rglob("*")):
            about = path.lstat()
            content = path.read_bytes() if path.is_file() else None
            found[str(path.relative_to(self.root))] = (about.st_mode, about.st_uid, about.st_gid, content)
        return found

    def mode_and_owner(self, absolute):
        return self.run("stat", "--format=%a %U:%G", absolute).stdout.strip()

    def login(self, service, user, *replies, as_user=False):
        """Makes one login by pamtester, as root or as the user. Returns whether it was let in, and the output."""
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if as_user else []
        typed = Unshown("".join(f"{reply!s}\n" for reply in replies))
        done = self.run(*become, "pamtester", service, user, "authenticate", "acct_mgmt", typed=typed, status=None)
        said = done.stdout + done.stderr
        assert done.returncode in (0, 1), said
        return done.returncode == 0, said


class Unshown(str):
    """A password, a code or a key, which reports of pytest must not show."""

    def __repr__(self):
        return "(not shown)"


class Device(codes.Codes):
    """The authenticator app of a user."""

    def __init__(self, secret):
        super().__init__(Unshown(secret), RealClock())

    def from_step(self, steps, count):
        return [Unshown(code) for code in super().from_step(steps, count)]


class Account:
    """A user with a password and, after `enrol`, an authenticator."""

    def __init__(self, machine, name):
        self.name = name
        self.password = Unshown(secrets.token_urlsafe(12))
        machine.run("useradd", "--no-create-home", "--shell=/bin/sh", name)
        machine.run("chpasswd", typed=Unshown(f"{name}:{self.password!s}\n"))
        self._machine = machine

    def enrol(self):
        made = self._machine.run("otp-admin", "provision", self.name, "--json")
        self.codes = Device(json.loads(made.stdout)["secret"])
        return self

    def attempts(self):
        shown = self._machine.run("otp-enroll", "--user", self.name, "status", "--json")
        return json.loads(shown.stdout)["failures"]


def unpack(package, place):
    """Unpacks the package into files. Their owners are left out: the group does not exist here."""
    words = ["rpm", f"--root={place}", "--dbpath=/database", "-i", "--nodeps", "--noscripts", package]
    subprocess.run(words, check=True, capture_output=True)
    shutil.rmtree(place / "database")
    return place


def next_version(unpacked, place):
    """Makes the next version of the same packages, which has another default policy; in the order of PACKAGES."""
    shutil.copytree(TOP / "packaging", place / "packaging")
    copies = "\n".join(f"cp -a {one}/. %{{buildroot}}" for one in unpacked)
    made = f"{copies}\necho '# Newer.' >> %{{buildroot}}{POLICY}"
    copied = re.sub(r"(?ms)^%install\n.*?(?=^%pre\b)", f"%install\n{made}\n\n", SPEC)
    spec = place / "pam_otp.spec"
    spec.write_text(re.sub(r"(?m)^Version:.*$", "Version: 999", copied))
    words = ["rpmbuild", "--quiet", "-bb", "--build-in-place", "--nodeps", "--define", f"_topdir {place}/rpmbuild"]
    words += ["--define", "__os_install_post %{nil}", "--define", "_build_id_links none", str(spec)]
    done = subprocess.run(words, cwd=place, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.fail(f"no newer package could be made: {done.stderr}")
    return [next((place / "rpmbuild").rglob(f"{name}-999-*.rpm")) for name in PACKAGES]
