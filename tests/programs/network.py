"""Measures a program that people reach over the network, everything that the table says about it: a server, and logins of a client."""

import os
import socket
import subprocess

import kept
import probe as probes
import table

# A program that asks once gives the same password to every question; nobody checks it.
REPLIES = ["reply-to-password", "reply-to-code", "reply-to-name"]
HERE = "127.0.0.1"
# The steps of the module behind two keys of the table, and the text to look for.
STEPS = {"information": "info", "error": "error"}
MARKS = {"information": probes.INFORMATION[0], "error": probes.ERROR}


class Program:
    """One program. Subclasses override the parts that differ."""

    services = ()
    person = "person"
    runner = None
    # The name of the file with the daemon's standard output and error.
    name = ""
    # Everything that the module does, except the gate: a client sees nothing before it gets its answer.
    everything = "info error empty hidden hidden echoed =SUCCESS"
    port = 0

    def prepare(self):
        """Writes the program's configuration, and anything else that it needs besides its PAM service."""

    def command(self):
        raise NotImplementedError

    def ready(self):
        return listens(self.port)

    def log_in(self, person, replies):
        """Makes one login by a client. Returns whether it was let in, and everything that the client was told."""
        raise NotImplementedError

    def log_in_and_go_on(self, person, replies):
        """Makes a login by a client that goes on as clients of the program do; the program's questions to PAM are counted."""
        return self.log_in(person, replies)

    def shown(self, probe, told):
        """Returns the keys about messages, from the last login; `told` is what its client was told."""
        refused = table.refused_messages(probe)
        found = {key: "refused" if step in refused else "never" for key, step in STEPS.items()}
        assert not any(text in told for text in MARKS.values()), f"shown after all: {told}"
        return {**found, "text": ""}

    def __enter__(self):
        self.prepare()
        with kept.output_of(self.name) as output:
            self.process = subprocess.Popen(
                [str(word) for word in self.command()], stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/",
                env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}, start_new_session=True,
            )
        probes.wait_until(self._up, f"{self.name}: {self.said()}")
        return self

    def _up(self):
        assert self.process.poll() is None, self.said()
        return self.ready()

    def said(self):
        return (kept.OUTPUT / self.name).read_text(errors="replace")

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(timeout=60)


def listens(port):
    with socket.socket() as client:
        return client.connect_ex((HERE, port)) == 0


def free_port():
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        return probe.getsockname()[1]


def configured_by_text(probe, typed):
    """Returns `asks` and `echoed` of a program whose configuration names the words of each question and its answer."""
    user = probe.calls("authenticate")[0]["user"]
    hidden, (echoed,) = probe.replies("hidden"), probe.replies("echoed")
    assert (hidden, echoed) == (typed[:2], user), (hidden, echoed)
    return {"asks": "by text", "echoed": "by text"}


def measure(program, probe, row, answers=table.answers):
    """Measures every key that the probe can tell."""
    includes = table.included_by(program.services[0])
    probe.protect(*program.services)
    found = {"services": list(program.services), "includes": includes}
    with program:
        probe.plan(program.everything)
        admitted, told = program.log_in(program.person, REPLIES)
        assert admitted, told
        probe.wait_for_call("acct_mgmt")
        found |= table.caller_of(probe, program.person, program.runner) | table.further_calls(probe)
        found |= program.shown(probe, told)
        found |= answers(probe, REPLIES)
        found["repeats"] = repeats(program, probe)
        found["lives"] = lives(program, probe)
        found |= refusals(program, probe, row)
    found["keeps"] = kept.keepers()
    return found


def repeats(program, probe):
    """Returns whether PAM is asked again because of something that a client does by itself."""
    probe.plan("hidden =SUCCESS")
    admitted, told = program.log_in_and_go_on(program.person, REPLIES)
    assert admitted, told
    return len(probe.calls("authenticate")) > 1


def lives(program, probe):
    """Returns whether a second login meets the same process. A pool of processes shares many logins between them."""
    processes = []
    for _ in range(MANY):
        probe.plan("hidden =SUCCESS")
        admitted, told = program.log_in(program.person, REPLIES)
        assert admitted, told
        processes += [call["pid"] for call in probe.calls("authenticate")]
    assert len(processes) >= MANY
    return "many logins" if len(set(processes)) < len(processes) else "one login"


def refusals(program, probe, row):
    found = {"again": []}
    last_words = set()
    for key, result in probes.RESULTS.items():
        probe.plan(f"hidden last ={result}")
        admitted, told = program.log_in(program.person, REPLIES)
        assert not admitted, told
        assert not probe.calls("open_session")
        tries = len(probe.calls("authenticate"))
        assert tries >= 1
        if tries > 1:
            found["again"].append(key)
        if key == "auth_err":
            found["tries"] = tries
        found[key] = row[key] if row[key] and row[key] in told else f"not in {told!r}" if row[key] else ""
        last_words.add(probes.LAST_WORDS in told)
    found["last_words"] = {True: "shown", False: "lost"}[last_words.pop()] if len(last_words) == 1 else "some"
    return found


MANY = 4
