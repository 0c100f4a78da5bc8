"""The attempts of a user with a shell."""

import json
import pathlib
import resource
import subprocess


def as_user(account, script):
    subprocess.run(account.running("/bin/sh", "-c", script), check=True, capture_output=True)


INTRUDER = pathlib.Path(__file__).with_name("intruder.py")


def tried_by(account, *arguments, groups=""):
    command = account.running("/usr/bin/python3", "-B", INTRUDER, *arguments)
    if groups:
        command = ["/usr/bin/setpriv", f"--groups={groups}", f"--reuid={account.name}", f"--regid={account.name}",
                   "/usr/bin/python3", "-B", INTRUDER, *arguments]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd="/")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def group_entry():
    done = subprocess.run(["getent", "group", "pam_otp"], capture_output=True, text=True, check=True)
    return done.stdout.strip().split(":")


def as_large_as_can_be():
    """The limit of core files. sudo sets it to 0 if these tests run under it, and root may not raise it everywhere."""
    return {resource.RLIMIT_CORE: resource.getrlimit(resource.RLIMIT_CORE)[1]}
