"""A place that keeps what logins must remember: a directory on the disk or on a tmpfs, with the records of a number of users."""

import base64
import concurrent.futures
import json
import os
import pathlib
import pwd
import secrets
import shutil
import subprocess

import second_implementation as records

PAM_OTP = "/var/lib/pam_otp"
OATH = "/var/lib/oath"
HOMES = "/run/pam_otp-tests/home"
ADMIN = "/run/pam_otp-tests/bin/otp-admin"
MARK = pathlib.Path("/etc/security/pam_otp.enrolled")
PERMISSIONS = "/run/pam_otp-tests/bin/permissions"

# Mounts the directories of a place where the programs under test look for their records.
MOUNT = f"""
place=$1; shift
mount --bind "$place/pam_otp" {PAM_OTP} && mount --bind "$place/oath" {OATH} && mount --bind "$place/home" {HOMES} &&
    exec "$@"
"""
# This many strangers share the same two files.
PART = 5_000


class Place:
    """Records of `people`, whose secrets are in `secret` by module and name, and of strangers, `users` in all."""

    def __init__(self, root, people, users):
        self.root = pathlib.Path(root)
        self.people = people
        self.users = users
        self.secret = {}
        for name in ("pam_otp", "oath", "home", "floor"):
            (self.root / name).mkdir(parents=True, mode=0o755)
        subprocess.run(self.inside(PERMISSIONS, PAM_OTP), check=True)
        # On a machine that has seen records elsewhere, this directory would count as a file system that is not mounted.
        MARK.unlink(missing_ok=True)
        for name in people:
            self._enrol(name)
        self._add_strangers(users - len(people))
        # Data that is not on the disk yet would be written during the first rounds.
        subprocess.run(["sync", "--file-system", self.root], check=True)

    def inside(self, *command):
        """Returns the command that runs with the records of this place."""
        enter = ["unshare", "--mount", "--propagation", "private", "sh", "-c", MOUNT, "sh"]
        return [*enter, str(self.root), *map(str, command)]

    def remove(self):
        in_parts(remove_strangers, self.root / "pam_otp", self.users - len(self.people))
        shutil.rmtree(self.root)

    # ------------------------------------------------------------------------------------------------ people who log in

    def _enrol(self, name):
        command = self.inside(ADMIN, "provision", name, "--json")
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert done.returncode == 0, f"otp-admin provision: {done.stderr}"
        self.secret["pam_otp", name] = json.loads(done.stdout)["secret"]
        self.secret["google", name] = self._enrol_google(name)
        self.secret["oath", name] = base64.b32encode(os.urandom(20)).decode()
        floor = self.root / "floor" / name
        floor.mkdir()
        (floor / "state").write_bytes(bytes([1]) * records.RECORD + bytes([2]) * records.RECORD)

    def _enrol_google(self, name):
        """Enrols a user with codes that work once, and with the window that google-authenticator proposes."""
        secret = base64.b32encode(os.urandom(20)).decode()
        entry = pwd.getpwnam(name)
        home = self.root / "home" / name
        home.mkdir(mode=0o700)
        path = home / ".google_authenticator"
        scratch = [str(10_000_000 + secrets.randbelow(90_000_000)) for _ in range(5)]
        path.write_text("\n".join([secret, '" WINDOW_SIZE 3', '" DISALLOW_REUSE', '" TOTP_AUTH', *scratch]) + "\n")
        path.chmod(0o400)
        for each in (home, path):
            os.chown(each, entry.pw_uid, entry.pw_gid)
        return secret

    # -------------------------------------------------------------------------------------------------- strangers

    def _add_strangers(self, count):
        """Adds strangers' directories beside those of the people, and strangers before and after the people in pam_oath's one file."""
        in_parts(write_strangers, self.root / "pam_otp", count)
        with open(self.root / "oath" / "users.oath", "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            for number in range(count // 2):
                file.write(oath_line(stranger(number), os.urandom(20)))
            for name in self.people:
                file.write(oath_line(name, base64.b32decode(self.secret["oath", name])))
            for number in range(count // 2, count):
                file.write(oath_line(stranger(number), os.urandom(20)))


def stranger(number):
    return f"stranger{number:07}"


def oath_line(name, secret):
    return f"HOTP/T30 {name} + {secret.hex()}\n"


def in_parts(work, directory, count):
    """Has a worker on each processor do this work for strangers, some thousands at a time."""
    parts = [range(at, min(at + PART, count)) for at in range(0, count, PART)]
    with concurrent.futures.ProcessPoolExecutor() as workers:
        list(workers.map(work, [directory] * len(parts), parts))


def write_strangers(directory, numbers):
    """Makes a directory for each stranger. All share the two files of the first: no login opens the files of others, and some
    disks take hours to forget two million files."""
    group = os.stat(directory).st_gid
    files = {}
    for number in numbers:
        own = f"{directory}/{stranger(number)}"
        os.mkdir(own)
        os.chmod(own, 0o2770)
        for name, path in files.items():
            os.link(path, f"{own}/{name}")
        if not files:
            files = {name: f"{own}/{name}" for name in ("credential.toml", "state")}
            credential, state = record(number)
            write(files["credential.toml"], credential, 0o640, group)
            write(files["state"], state, 0o660, group)


def record(number):
    """Returns the two files as otp-admin would leave them, by the implementation that knows them only from their manual."""
    authenticator = records.Authenticator(secrets.token_hex(8), "phone", os.urandom(20), created=1_800_000_000)
    hashes = [os.urandom(32) for _ in range(10)]
    recovery = records.RecoverySet(secrets.token_hex(8), os.urandom(16), hashes, created=1_800_000_000)
    credential = records.Credential(stranger(number), 100_000 + number, [authenticator], recovery)
    state = records.fresh_state(credential)
    return records.write_credential(credential), records.write_record(state, 1) + records.write_record(state, 2)


def remove_strangers(directory, numbers):
    """Removes them in the order in which they were made, in which they lie on the disk."""
    for number in numbers:
        own = f"{directory}/{stranger(number)}"
        os.unlink(f"{own}/credential.toml")
        os.unlink(f"{own}/state")
        os.rmdir(own)


def write(path, content, mode, group):
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    os.write(file, content)
    os.fchown(file, 0, group)
    os.fchmod(file, mode)
    os.close(file)
