"""Measures a program that talks to a person at a terminal: everything that the table says about it."""

import codecs
import os
import re
import select

import pexpect

import kept
import probe as probes
import table

REPLIES = ["reply to password", "reply to code", "reply to name"]
QUESTIONS = {"hidden": [probes.PASSWORD, probes.CODE], "echoed": [probes.NAME]}
INSIDE = "now inside"


class Program:
    """One program. Subclasses override the parts that differ."""

    services = ()
    person = "person"
    runner = None
    # A command for the program to run once it has let the person in. Its output is another text, because some programs show the command.
    command_inside = "echo 'now' 'inside'"

    def command(self):
        raise NotImplementedError

    def prepare(self):
        """Prepares anything that the program needs besides its PAM service."""

    def spawn(self):
        first, *others = [str(word) for word in self.command()]
        return pexpect.spawn(first, others, encoding="utf-8", codec_errors="replace", timeout=probes.PATIENCE_SECONDS,
                             dimensions=(50, 200))

    def running(self, *words):
        """Returns the command that runs as the account that starts it."""
        return ["/usr/sbin/runuser", "-u", self.runner, "--", *words]

    def begin(self, child):
        """Waits for the first question of the module."""

    def before_next_try(self, child, text):
        """Answers questions before a second try, such as a user name; returns true when that is done. `text` is the output since."""
        return True


def measure(program, probe, row):
    """Measures every key that the probe can tell."""
    includes = table.included_by(program.services[0])
    program.prepare()
    probe.protect(*program.services)
    found = {"services": list(program.services), "includes": includes}
    shown, login = whole_login(program, probe, row)
    found |= table.caller_of(probe, program.person, program.runner) | table.further_calls(probe) | login | shown
    found["lives"] = lives(program, probe)
    found |= refusals(program, probe, row)
    found["keeps"] = kept.keepers()
    return found


def whole_login(program, probe, row):
    """Measures what is shown when, and what is answered, in a login that is let in."""
    probe.plan(probes.EVERYTHING + " =SUCCESS")
    child = program.spawn()
    program.begin(child)
    probe.wait_for("gate")
    screen = Screen(child)
    at_once = {key: probes.comes(lambda: screen.has(text), row[key] == "at once") for key, text in MARKS.items()}
    probe.open_gate()
    echo = None
    for question, reply in zip([probes.PASSWORD, probes.CODE, probes.NAME], REPLIES):
        screen.wait_for(question)
        if question == probes.PASSWORD:
            later = {key: screen.has(text) for key, text in MARKS.items()}
        start = len(screen.text)
        child.sendline(reply)
        if question == probes.NAME:
            echo = start
    screen.wait_for(INSIDE)
    screen.read_to_end()
    table.wait_for_setcred(probe, row)
    refused = table.refused_messages(probe)
    shown = {
        key: "at once" if at_once[key] else "with the next question" if later[key]
        else "refused" if {"information": "info"}.get(key, key) in refused else "never" for key in MARKS
    }
    lines = [line.rstrip() for line in screen.text.replace("\r", "").split("\n")]
    whole = all(any(line.endswith(text) for line in lines) for text in probes.INFORMATION)
    shown["text"] = "" if shown["information"] == "never" else "whole" if whole else "spoilt"
    login = table.answers(probe, REPLIES)
    if login["echoed"] == "asked" and REPLIES[2] not in screen.text[echo:]:
        login["echoed"] = "unseen"
    return shown, login


MARKS = {"information": probes.INFORMATION[0], "error": probes.ERROR}


def lives(program, probe):
    """Returns whether a second login meets the same process."""
    processes = []
    for _ in range(2):
        probe.plan("hidden =SUCCESS")
        child = program.spawn()
        program.begin(child)
        screen = Screen(child)
        screen.wait_for(probes.PASSWORD)
        child.sendline(REPLIES[0])
        screen.wait_for(INSIDE)
        screen.read_to_end()
        processes += [call["pid"] for call in probe.calls("authenticate")]
    assert len(processes) == 2
    return "many logins" if len(set(processes)) == 1 else "one login"


def refusals(program, probe, row):
    found = {"again": []}
    last_words = set()
    for key, result in probes.RESULTS.items():
        probe.plan(f"hidden last ={result}")
        child = program.spawn()
        program.begin(child)
        screen = Screen(child)
        tries = 0
        while tries < MOST_TRIES and screen.next_of(probes.PASSWORD, tries, program):
            tries += 1
            child.sendline(REPLIES[0])
        child.close(force=True)
        assert INSIDE not in screen.text and len(probe.calls("authenticate")) >= tries >= 1
        assert not probe.calls("open_session")
        if tries > 1:
            found["again"].append(key)
        if key == "auth_err":
            found["tries"] = tries if tries < MOST_TRIES else 0
        # A program at a terminal says something, and the row has a part of it.
        found[key] = row[key] if row[key] and row[key] in screen.text else screen.text
        last_words.add(probes.LAST_WORDS in screen.text)
    found["last_words"] = {True: "shown", False: "lost"}[last_words.pop()] if len(last_words) == 1 else "some"
    return found


MOST_TRIES = 8


class Screen:
    """The whole output of a program."""

    def __init__(self, child):
        self._child = child
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._seen = 0
        self.text = ""
        self.ended = False

    def read(self):
        """Reads the output. A terminal that nobody has open is no end: login hangs up, and opens it again."""
        alive = self._child.isalive()
        try:
            while select.select([self._child.child_fd], [], [], 0)[0]:
                self.text += self._decoder.decode(os.read(self._child.child_fd, 65536))
        except OSError:
            self.ended = not alive

    def has(self, text):
        self.read()
        return text in self.text

    def wait_for(self, text):
        """Waits for a text that comes after all earlier waits."""
        def there():
            self.read()
            return re.compile(re.escape(text)).search(self.text, self._seen) or self.ended

        found = probes.wait_until(there, f"{text!r} in {self.text!r}")
        assert found is not True, f"ended without {text!r}: {self.text!r}"
        self._seen = found.end()

    def next_of(self, question, tries, program):
        """Returns whether the question comes again before the program ends."""
        prepared = tries == 0

        def there():
            nonlocal prepared
            self.read()
            if not prepared:
                prepared = program.before_next_try(self._child, self.text[self._seen:])
            return self.text.find(question, self._seen) >= 0 or self.ended

        probes.wait_until(there, f"{question!r}, or an end, in {self.text!r}")
        at = self.text.find(question, self._seen)
        if at < 0:
            return False
        self._seen = at + len(question)
        return True

    def read_to_end(self):
        probes.wait_until(lambda: self.read() or self.ended, "end of the program")
        self._child.close(force=True)
