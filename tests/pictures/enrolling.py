"""Plays a user who enrols, in the private copy of the machine that `enrolment` makes, and writes the terminal's text.

    enrolling.py LANGUAGE SCREEN

The shell, otp-enroll and otp-helper are real, and so is the clock. The code comes from oathtool.
"""

import datetime
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import pexpect

WORLD = pathlib.Path("/run/pam_otp-tests")
sys.path.insert(0, str(WORLD / "suite/parts"))

import accounts  # noqa: E402  (the path above has to come first)
import codes  # noqa: E402

NAME, PROMPT = "alice", "alice@server:~$ "
COLUMNS, LINES = 80, 24
# How the questions for the code, for a file and for the word end.
QUESTIONS = {
    "en": ("device shows now: ", "Enter to go on without: ", "are kept: "),
    "ko": ("자리 인증 코드: ", "Enter): ", "입력해 주세요: "),
}


class RealClock:
    """The clock that `codes` asks for the time."""

    def utc(self, offset=0):
        now = datetime.datetime.fromtimestamp(time.time() + offset, datetime.timezone.utc)
        return now.strftime("%Y-%m-%d %H:%M:%S")


def main(language, path):
    install(language)
    subprocess.run(["useradd", "--create-home", "--base-dir", accounts.HOMES, "--shell", "/bin/bash", NAME], check=True)
    alice = accounts.Account(NAME, None)
    command = alice.running("/bin/bash", "--noprofile", "--norc", "--noediting", "-i")
    environment = {
        "PATH": f"{WORLD}/bin:{os.environ['PATH']}", "HOME": alice.home, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8",
        "TZ": "UTC", "PS1": PROMPT,
    }
    shell = pexpect.spawn(
        command[0], command[1:], cwd=alice.home, env=environment, encoding="utf-8", timeout=60, dimensions=(LINES, COLUMNS),
    )
    shell.delaybeforesend = None
    screen = ""

    def until(words, answer):
        nonlocal screen
        shell.expect_exact(words)
        screen += shell.before + shell.after
        if answer is not None:
            shell.sendline(answer(screen) if callable(answer) else answer)

    until(PROMPT, "otp-enroll")
    for question, answer in zip(QUESTIONS[language], (code, "", "kept")):
        until(question, answer)
    until(PROMPT, None)
    shell.close(force=True)
    pathlib.Path(path).write_text(screen.removesuffix(PROMPT))


def install(language):
    """Installs the helper with its group, and a policy that names the site and the language."""
    helper = pathlib.Path("/usr/libexec/pam_otp/otp-helper")
    helper.parent.mkdir(exist_ok=True)
    shutil.copy(WORLD / "bin/otp-helper", helper)
    subprocess.run([WORLD / "bin/permissions", "/var/lib/pam_otp", helper], check=True)
    policy = pathlib.Path("/etc/security/pam_otp.conf")
    policy.write_text(f'issuer = "Example"\nlanguage = "{language}"\n')
    policy.chmod(0o644)


def code(screen):
    return codes.Codes(re.search(r"[?&]secret=([A-Z2-7]+)", screen)[1], RealClock()).now()


main(*sys.argv[1:])
