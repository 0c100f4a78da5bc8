"""The dialogue of otp-enroll, step by step, as a user sees it."""

import re

import pexpect

CODE = "device shows now: "
SAVE = "Enter to go on without: "
KEPT = "are kept: "


class Talk:
    def __init__(self, machine, *arguments, user="daemon", **options):
        self.machine = machine
        self.child = machine.spawn("--user", user, *arguments, **options)
        self.screen = ""

    def until(self, question):
        """Reads until the question, and returns the text before it."""
        self.child.expect_exact(question)
        self.screen += self.child.before + self.child.after
        return self.child.before

    def secret(self):
        """Reads until the first question and takes the key from the URI."""
        shown = self.until(CODE)
        self.uri = re.search(r"otpauth://\S+", shown)[0]
        return re.search(r"secret=([A-Z2-7]+)", self.uri)[1]

    def answer(self, text):
        self.child.sendline(text)

    def prove(self):
        """Types the right code, and returns the secret."""
        secret = self.secret()
        self.answer(self.machine.code(secret))
        return secret

    def keep(self, save=""):
        """Answers the questions after the code, and returns the recovery codes."""
        if save is not None:
            codes = re.findall(r"(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}", self.until(SAVE))
            self.answer(save)
            self.until(KEPT)
        else:
            codes = re.findall(r"(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}", self.until(KEPT))
        self.answer("kept")
        return codes

    def end(self):
        """Reads the rest; returns the exit status."""
        self.child.expect(pexpect.EOF)
        self.screen += self.child.before
        self.child.wait()
        self.child.close()
        assert self.child.signalstatus is None, "it ends by itself, not by a signal"
        return self.child.exitstatus


def enrol(machine, *arguments, user="daemon", **options):
    """Plays the whole dialogue; returns the secret and the recovery codes."""
    talk = Talk(machine, *arguments, user=user, **options)
    secret = talk.prove()
    codes = talk.keep(save=None if "--save" in arguments else "")
    assert talk.end() == 0, talk.screen
    return secret, codes
