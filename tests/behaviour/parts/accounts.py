"""Accounts with real passwords, in the private /etc."""

import itertools
import os
import pwd
import secrets
import string
import subprocess


HOMES = "/run/pam_otp-tests/home"


class Account:
    """A name and a password. The account need not exist on this machine: see `stranger`."""

    def __init__(self, name, password):
        self.name = name
        self.known_as = name  # the name that the name service gives for the user id
        self.password = password
        self.codes = None
        self.recovery_codes = []
        self.home = f"{HOMES}/{name}"

    def __repr__(self):
        return self.name

    def running(self, *command):
        """The command, to be run as this user, as in a session of the user's."""
        return ["/usr/bin/setpriv", f"--reuid={self.name}", f"--regid={self.name}", "--init-groups", "--", *command]

    def write_private_file(self, path, text, mode=0o600):
        """Writes a file of the user's own below the home directory."""
        entry = pwd.getpwnam(self.name)
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        os.chown(os.path.dirname(path), entry.pw_uid, entry.pw_gid)
        with open(path, "w", opener=lambda p, flags: os.open(p, flags, mode)) as file:
            file.write(text)
        os.chown(path, entry.pw_uid, entry.pw_gid)


_numbers = itertools.count(100)


def stranger(name, password=None):
    """A user whom this machine does not know. Each test has names of its own, all equally long."""
    return Account(f"{name}{next(_numbers)}", password or random_password())


def create(name, password=None):
    account = stranger(name, password)
    subprocess.run(
        ["useradd", "--create-home", "--base-dir", HOMES, "--shell", "/bin/sh", account.name],
        check=True, capture_output=True,
    )
    set_password(account)
    return account


def set_password(account):
    """A hash with few rounds: passwords here are long and random, and a slow hash would delay each login."""
    subprocess.run(
        ["chpasswd", "--crypt-method=SHA512", "--sha-rounds=1000"], input=f"{account.name}:{account.password}\n", text=True,
        check=True, capture_output=True,
    )


def alias_of(account):
    """A second name of the same user id, with the same password."""
    alias = stranger("ally_", account.password)
    number = str(pwd.getpwnam(account.name).pw_uid)
    subprocess.run(
        ["useradd", "--non-unique", "--uid", number, "--user-group", "--no-create-home", "--home-dir", account.home,
         "--shell", "/bin/sh", alias.name],
        check=True, capture_output=True,
    )
    set_password(alias)
    alias.known_as, alias.home, alias.codes = account.name, account.home, account.codes
    return alias


def random_password():
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(20))


def give_another_number(account):
    """Gives the account another user id, as if the user had been removed and the name given to another person."""
    another = max(entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid < 60000) + 1
    subprocess.run(["usermod", "--uid", str(another), account.name], check=True, capture_output=True)
