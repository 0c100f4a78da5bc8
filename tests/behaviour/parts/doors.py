"""Ways into the machine: the real ssh, sudo and su, each at a terminal of its own; and pamtester, which stands for any
program that runs PAM without being root.

A test says who wants in and what they type. `Outcome` says what they were asked, what they were told, and whether the door
opened. Any result that is neither "admitted" nor "refused" is an error of the test, never a refusal.
"""

import os
import re
import signal
import tempfile

import pexpect

import clock

TIMEOUT_SECONDS = 60
ADMITTED = re.compile(r"admitted:(\w+)\r\n")
# The shell joins the two parts, so that an echo of the command cannot be taken for the marker.
COMMAND = "echo admitted:$(id -un)"
PROMPTS = [
    r"\[sudo\] password for \w+: ",
    r"Password & verification code: ",
    r"Password: ",
    r"Verification code: ",
    r"Code from the email: ",
    r"One-time password \(OATH\) for `\w+': ",
]


# Every reply of the running scenario, for the check that none of them is logged.
TYPED = []


class Outcome:
    """How an attempt ended. `prompts` and `messages` name the user USER, so that two users' can be compared."""

    def __init__(self, door, admitted, prompts, messages, transcript):
        self._door = door
        self.admitted = admitted
        self.refused = not admitted
        self.prompts = prompts
        self.messages = messages
        self.transcript = transcript

    def says(self, words):
        """Whether the user was told these words; at a door that asks PAM for silence, whether they were kept back."""
        return (words in " ".join(self.messages.split())) == self._door.passes_messages_on

    def __repr__(self):
        return f"{'admitted' if self.admitted else 'refused'} after {self.prompts}:\n{self.transcript}"


class Visit:
    """One attempt in progress. `with door.visit(account) as visit:` ends it, whatever happens inside."""

    def __init__(self, door, account, argv, prompts):
        self._door = door
        self._account = account
        self._prompts = re.compile("|".join([*map(re.escape, prompts), *PROMPTS]))
        self._text = ""
        self.prompts = []
        environment = {"PATH": os.environ["PATH"], "TERM": "dumb", "LC_ALL": "C.UTF-8"}
        environment.update(door.environment)
        self._terminal = pexpect.spawn(
            argv[0], argv[1:], env=environment, encoding="utf-8", codec_errors="replace",
            timeout=TIMEOUT_SECONDS, dimensions=(50, 200),
        )
        self._terminal.delaybeforesend = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cut()

    def prompt(self):
        """Waits for the next question and returns it, or None if the program asks no more."""
        found = self._terminal.expect([self._prompts, ADMITTED, pexpect.EOF])
        self._text += self._terminal.before + (self._terminal.after if found < 2 else "")
        if found == 0:
            self.prompts.append(self._anonymous(self._terminal.after))
            return self.prompts[-1]
        self._admitted_as = self._terminal.match[1] if found == 1 else None
        return None

    def reply(self, text):
        TYPED.append(text)
        self._terminal.send(text + "\n")

    def outcome(self):
        """After the last reply: waits for the end, and returns the outcome."""
        surplus = self.prompt()
        assert surplus is None, f"one question too many: {surplus!r} in\n{self._text}"
        return self.ended()

    def ended(self):
        """The outcome, after `prompt` returned None."""
        if self._admitted_as:
            self._terminal.expect(pexpect.EOF)
            self._text += self._terminal.before
        self._terminal.wait()
        self._terminal.close()
        said_no = re.search(self._door.refusal, self._text)
        # How it ended comes before the text, which a report may cut.
        ended = f"exit status {self._terminal.exitstatus}, signal {self._terminal.signalstatus}, refusal {said_no and said_no[0]!r}\n{self._text}"
        if self._admitted_as:
            assert self._admitted_as == self._door.becomes(self._account), ended
            assert self._terminal.exitstatus == 0 and not said_no, ended
        else:
            assert self._terminal.exitstatus == self._door.refusal_status and said_no, ended
        text = self._anonymous(self._text)
        messages = self._prompts.sub("", text).replace(f"(USER@{self._door.host}) ", "")
        return Outcome(self._door, bool(self._admitted_as), self.prompts, messages, text)

    def cut(self):
        """Closes the connection without a farewell."""
        if self._terminal.isalive():
            self._terminal.kill(signal.SIGKILL)
            # However long that takes: closing a terminal leaves its program only a moment to end.
            self._terminal.wait()
        self._terminal.close()

    def _anonymous(self, text):
        return text.replace(self._account.name, "USER")


class Door:
    environment = {}
    host = ""
    passes_messages_on = True

    def logged(self, message):
        """The id of a message to a user at this door, as the log has it."""
        return message if self.passes_messages_on else f"{message} (not shown)"

    def attempt(self, account, *replies, prompts=()):
        """Types one reply to each question. Fewer questions than replies are an error, and so are more.

        `prompts` names further questions, which a test has configured.
        """
        with self.visit(account, prompts=prompts) as visit:
            for reply in replies:
                asked = visit.prompt()
                assert asked is not None, f"nobody asked for reply {len(visit.prompts) + 1}: {visit._text}"
                visit.reply(reply)
            return visit.outcome()


class Ssh(Door):
    """The real ssh client against our own sshd, by keyboard-interactive unless told otherwise."""

    service = "sshd"
    refusal = r"Permission denied \("
    refusal_status = 255
    environment = clock.REAL_TIME

    def __init__(self, server, host, methods="keyboard-interactive", identity="none"):
        self.host = host
        self._options = [
            "-p", str(server.port), "-o", f"IdentityFile={identity}", "-o", "IdentitiesOnly=yes",
            "-o", "IdentityAgent=none", "-o", f"UserKnownHostsFile={server.known_hosts}",
            "-o", "GlobalKnownHostsFile=none", "-o", "StrictHostKeyChecking=yes",
            "-o", f"PreferredAuthentications={methods}", "-o", "NumberOfPasswordPrompts=1",
        ]

    def visit(self, account, prompts=()):
        # ssh refuses user names with quotes on the command line; in its configuration it accepts them unchanged.
        quoted = account.name.replace("\\", "\\\\").replace('"', '\\"')
        with tempfile.NamedTemporaryFile("w", prefix="ssh.", suffix=".config", delete=False) as config:
            config.write(f'User "{quoted}"\n')
        return Visit(self, account, ["/usr/bin/ssh", "-F", config.name, *self._options, self.host, COMMAND], prompts)

    def becomes(self, account):
        return account.known_as


class Sudo(Door):
    """The account itself asks sudo for root."""

    service = "sudo"
    refusal = "sudo: 1 incorrect password attempt"
    refusal_status = 1
    passes_messages_on = False  # sudo calls PAM with PAM_SILENT, at least by default

    def visit(self, account, prompts=()):
        return Visit(self, account, account.running("/usr/bin/sudo", "/bin/sh", "-c", COMMAND), prompts)

    def becomes(self, account):
        return "root"


class Su(Door):
    """Another ordinary user becomes the account."""

    service = "su"
    refusal = r"su: (Authentication (failure|service cannot retrieve)|Have exhausted maximum|Permission denied)"
    refusal_status = 1

    def __init__(self, caller):
        self.caller = caller

    def visit(self, account, prompts=()):
        return Visit(self, account, self.caller.running("/usr/bin/su", account.name, "-c", COMMAND), prompts)

    def becomes(self, account):
        return account.known_as


class Pamtester(Door):
    """A program that runs PAM as the account itself, without privileges, so that the module asks the helper."""

    service = "pamtester"
    refusal = r"pamtester: (Authentication (failure|service cannot retrieve)|Have exhausted maximum|Permission denied)"
    refusal_status = 1

    def visit(self, account, prompts=()):
        script = f'/usr/bin/pamtester {self.service} "$1" authenticate && {COMMAND}'
        return Visit(self, account, account.running("/bin/sh", "-c", script, "sh", account.name), prompts)

    def becomes(self, account):
        return account.known_as


class Dbclient(Ssh):
    """dropbear's ssh client, as on routers and rescue systems. It drops every character of PAM's text that is not ASCII."""

    refusal = r"dbclient: .*(No auth methods could be used|Disconnect|Remote closed)"
    refusal_status = 1

    def __init__(self, server, host):
        self.host = host
        self._port = str(server.port)

    def visit(self, account, prompts=()):
        # -y -y: the key of a host that no other program can reach.
        words = ["/usr/bin/dbclient", "-y", "-y", "-p", self._port, "-l", account.name, self.host, COMMAND]
        return Visit(self, account, words, prompts)


# The PAM services that a scenario runs through in turn; every stack and every policy of a test is written for all of
# them.
SERVICES = tuple(door.service for door in (Ssh, Sudo, Su, Pamtester))
