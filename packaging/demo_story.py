"""The story that packaging/demo tells: one user from the QR code to the recovery code, over a real sshd.

It runs inside the private copy of the machine that tests/behaviour/namespace.sh makes. Codes come from oathtool and the
real clock. Each step says what it does, shows what the user sees, and is checked. The story ends at the first step that
fails.
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
import demo_portal  # noqa: E402
import doors  # noqa: E402
import journal as journals  # noqa: E402
import self_service  # noqa: E402
import sshd  # noqa: E402

BINARIES = WORLD / "bin"
MODULE = BINARIES / "pam_otp.so"
TIMEOUT_SECONDS = 60
STACK = f"""auth required pam_unix.so nodelay
auth required {MODULE}
account required pam_unix.so
session required pam_permit.so
"""


class RealClock:
    """The clock that `codes` asks for the time."""

    def utc(self, offset=0):
        now = datetime.datetime.fromtimestamp(time.time() + offset, datetime.timezone.utc)
        return now.strftime("%Y-%m-%d %H:%M:%S")


class Story:
    def __init__(self):
        self.done = []

    def step(self, title):
        print(f"\n\033[1m== {len(self.done) + 1}. {title}\033[0m" if sys.stdout.isatty() else
              f"\n== {len(self.done) + 1}. {title}", flush=True)
        self.done.append(title)

    def must(self, truth, otherwise):
        if not truth:
            print(f"\npackaging/demo: {otherwise}", flush=True)
            print(f"demo: {len(self.done) - 1} steps passed, then this one failed: {self.done[-1]}")
            sys.exit(1)


def main():
    story = Story()
    install()
    log = journals.Journal()
    user = accounts.create("demo")
    with sshd.Sshd() as server:
        door = doors.Ssh(server, sshd.HOST)

        story.step("otp-enroll, as the user: scan, type the code, keep the recovery codes")
        secret, (recovery_code, another) = enrol(user)
        story.must(secret and recovery_code, "the dialogue showed no key or no recovery codes")
        user.codes = codes.Codes(secret, RealClock())
        # The code that proved the device is used up, so the logins below use the one after it.
        code = user.codes.at_step(1)

        for title, reply, admitted, fragment in [
            ("ssh: the password and the right code let the user in", code, True, ""),
            ("ssh: the same code again is refused", code, False, "already used"),
            ("ssh: a wrong code is refused", user.codes.wrong(), False, "wrong"),
            ("ssh: four more wrong codes lock the account", user.codes.wrong(), False, "locked until"),
            ("ssh: while the account is locked, no code is checked", user.codes.at_step(1), False, "locked until"),
            ("ssh: a recovery code opens the lock", recovery_code, True, "9 left"),
            ("ssh: a recovery code works once", recovery_code, False, "already used"),
        ]:
            story.step(title)
            for _ in range(3 if "four more" in title else 0):
                door.attempt(user, user.password, reply)
            outcome = door.attempt(user, user.password, reply)
            show(outcome, log, user)
            story.must(outcome.admitted is admitted, "the user was " + ("let in" if outcome.admitted else "refused"))
            story.must(fragment in outcome.messages, f"the user was not told: {fragment}")

        story.step("ssh: a user without an authenticator sets one up in the login itself")
        newcomer = accounts.create("newby")
        story.must(enrols_in_the_login(door, newcomer), "the newcomer did not get in")

    story.step("otp-enroll: new recovery codes, after the password and an old one")
    talk = self_service.Talk(user, "recovery-codes")
    talk.prove_who(another)
    fresh = talk.keep_codes()
    story.must(talk.end() == 0 and len(fresh) == 10, "there were no new recovery codes")
    print(indented(talk.screen.strip().splitlines()[-1]))

    story.step("otp-admin: what the administrator sees")
    seen = subprocess.run([BINARIES / "otp-admin", "show", user.name], capture_output=True, text=True, check=True)
    print(indented(seen.stdout))

    visitor = accounts.create("visitor")
    demo_portal.tell(story, str(MODULE), visitor, RealClock())

    print(f"\ndemo: {len(story.done)} steps passed. Accounts, PAM and sshd of this machine are unchanged.")


def install():
    """Installs the module under its own name, a store, and PAM services that ask for password and code."""
    (BINARIES / "libpam_otp.so").rename(MODULE)
    MODULE.chmod(0o644)
    helper = pathlib.Path("/usr/libexec/pam_otp/otp-helper")
    helper.parent.mkdir()
    shutil.copy(BINARIES / "otp-helper", helper)
    shutil.copy(BINARIES / "otp-mail", helper.with_name("otp-mail"))
    subprocess.run([BINARIES / "permissions", "/var/lib/pam_otp", helper], check=True)
    # The account line sets up an authenticator in the login, because the policy says so.
    pathlib.Path("/etc/pam.d/sshd").write_text(f"account required {MODULE}\n{STACK}")
    pathlib.Path("/etc/security/pam_otp.conf").write_text('[enroll]\nat_login = "require"\n')
    pathlib.Path("/etc/pam.d/otp-enroll").write_text(STACK)


def enrol(user):
    """Plays the user, without root, at otp-enroll's terminal. Returns the key and a recovery code, both read off the screen."""
    command = user.running(str(BINARIES / "otp-enroll"))
    environment = {"PATH": os.environ["PATH"], "TERM": os.environ.get("TERM", "dumb"), "LC_ALL": "C.UTF-8"}
    terminal = pexpect.spawn(
        command[0], command[1:], env=environment, encoding="utf-8",
        timeout=TIMEOUT_SECONDS, dimensions=(24, 80),
    )
    terminal.delaybeforesend = None
    terminal.logfile_read = sys.stdout
    terminal.expect(r"[?&]secret=([A-Z2-7]+)")
    secret = terminal.match[1]
    terminal.expect("[Cc]ode[^\r\n]*: ")
    terminal.sendline(codes.Codes(secret, RealClock()).now())
    terminal.expect("([0-9A-Z]{4}(?:-[0-9A-Z]{4}){3})")
    recovery_codes = [terminal.match[1]]
    terminal.expect("([0-9A-Z]{4}(?:-[0-9A-Z]{4}){3})")
    recovery_codes.append(terminal.match[1])
    terminal.expect("[Ss]ave[^\r\n]*: ")
    terminal.sendline("")
    terminal.expect("kept")
    terminal.expect(": ")
    terminal.sendline("kept")
    terminal.expect(pexpect.EOF)
    terminal.close()
    if terminal.exitstatus != 0:
        sys.exit(f"packaging/demo: otp-enroll ended with {terminal.exitstatus}")
    return secret, recovery_codes


def enrols_in_the_login(door, user):
    """Plays a user who only wanted to log in, and shows that user's screen."""
    prompts = ["Press Enter to set it up: ", "6-digit code that the device shows now: ",
               'Type "kept" when the recovery codes are kept: ']
    with door.visit(user, prompts=prompts) as visit:
        for reply in (
            lambda: user.password,
            lambda: "",
            lambda: codes.Codes(re.search(r"[?&]secret=([A-Z2-7]+)", visit._text)[1], RealClock()).now(),
            lambda: "kept",
        ):
            if visit.prompt() is None:
                break
            visit.reply(reply())
        outcome = visit.outcome()
    print(indented(re.sub(r"\r\n", "\n", outcome.transcript)))
    return outcome.admitted


def show(outcome, log, user):
    print(indented(re.sub(r"\r\n", "\n", outcome.transcript)))
    line = log.lines()[-1]
    print(indented("log: " + line[line.find("pam_otp("):]))


def indented(text):
    return "\n".join("    " + line for line in text.strip().splitlines())


try:
    main()
except KeyboardInterrupt:
    sys.exit("\npackaging/demo: interrupted; nothing is left behind")
