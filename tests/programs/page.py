#!/usr/bin/python3
"""Writes the section PROGRAMS of pam_otp-programs(7) from conf/programs.toml, into the manual or, as a module, as text.

    tests/programs/page.py        after a change of the table
"""

import pathlib
import re
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLE = ROOT / "conf/programs.toml"
PAGE = ROOT / "packaging/man/pam_otp-programs.7"

RELEASES = {"bookworm": "Debian 12", "trixie": "Debian 13"}
STACKS = {
    "two questions": "Stack: \\fItwo questions\\fR.",
    "one reply": "Stack: \\fIone reply\\fR.",
    "none": "Stack: nothing to add, since nothing is asked.",
}
SEEN = {
    "at once": "are shown at once",
    "with the next question": "are shown with the next question",
    "never": "are not shown",
    "refused": "make the login fail",
}
ECHOED = {
    "asked": "",
    "unseen": "What is typed at \\fBecho_verification_code\\fR is not shown.",
    "user name": "A question with \\fBecho_verification_code\\fR is answered with the user name: leave it out.",
    "same reply": "",
    "refused": "A question with \\fBecho_verification_code\\fR makes the login fail: leave it out.",
    "not tried": "",
    "by text": "",
    "": "",
}
LAST_WORDS = {
    "shown": "The reason of a refusal is shown.",
    "lost": "The reason of a refusal, such as a lock, is not shown.",
    "some": "The reason of a refusal is shown after some refusals only.",
}
RESULTS = {
    "auth_err": "a wrong code", "maxtries": "a locked account", "unavail": "a code that could not be checked",
    "ignore": "a stack in which no module decides",
}
REMOTE = {"address": "The client\\(aqs address is known, so networks and places can be trusted.", "localhost": "", "none": ""}


def section():
    """It, as roff."""
    lines = [".SH PROGRAMS"]
    for program in tomllib.loads(TABLE.read_text())["program"]:
        lines += [".TP", f"\\fB{escaped(program['name'])}\\fR", *about(program)]
    return "\n".join(lines) + "\n"


def about(program):
    """What an administrator has to know of a program: a paragraph each of what it is, what users see, and what to beware of."""
    yield f"Tried: {escaped(tried(program['tried']))}."
    services = ", ".join(f"\\fB{escaped(name)}\\fR" for name in program["services"])
    taken = f", which takes in \\fI{escaped(', '.join(program['includes']))}\\fR" if program["includes"] else ""
    yield f"PAM service{'s' if len(program['services']) > 1 else ''}: {services}{taken}."
    yield from asking(program)
    if program["asks"] != "never":
        yield ".sp 0.5v"
        yield from seeing(program)
        yield from refusing(program)
        yield "An authenticator can be set up in a login." if program["enrols"] else "No authenticator is set up in a login."
    yield ".sp 0.5v"
    yield marked(program["advice"])


def tried(entries):
    """The versions, by release."""
    return "; ".join(f"{RELEASES[release]} ({package} {version})" for release, package, version in map(str.split, entries))


def asking(program):
    yield STACKS[program["stack"]]
    account = program["runs_as"]
    if account == "user":
        yield "Asks as the user, over \\fBotp\\-helper\\fR."
    elif account != "root":
        yield f"Asks as the account \\fI{account}\\fR, over \\fBotp\\-helper\\fR: name it in \\fBtrusted_callers\\fR."
    said = {
        "each": "Every question is answered on its own.",
        "once": "All questions get one and the same reply.",
        "by text": "Questions are told apart by their words.",
        "never": "It does not authenticate: no question, and no grace begins.",
    }
    yield said[program["asks"]]
    if program["asks"] != "never":
        if ECHOED[program["echoed"]]:
            yield ECHOED[program["echoed"]]
        if REMOTE.get(program["rhost"]):
            yield REMOTE[program["rhost"]]
        if program["repeats"]:
            yield "It sends the same reply again by itself, and a code works once: see \\fB[trust]\\fR, or let it remember."
    if program["account"] == "never":
        yield "The account phase is not asked: an account line has no effect."
    elif program["account"] == "other handle":
        yield "The account phase is asked on a PAM handle of its own."


def seeing(program):
    """What becomes of messages."""
    if program["flags"].startswith("silent"):
        yield "The program asks modules to be silent: users do not see why they are refused."
    else:
        information, error = SEEN[program["information"]], SEEN[program["error"]]
        if information == error:
            yield f"Messages {information}."
        else:
            yield f"Information: these messages {information}. Errors {error}."
        if program["text"] == "spoilt":
            yield "Texts of several lines do not arrive as they were sent."
        yield LAST_WORDS[program["last_words"]]
    if program["keeps"] != "nowhere":
        kept = program["keeps"].replace("standard error", "standard error, which systemd puts into the journal")
        yield f"Messages are kept in {escaped(kept)}."


def refusing(program):
    """How a refusal looks."""
    if program["tries"] == 1:
        yield "It asks once."
    elif program["tries"]:
        yield f"It asks {program['tries']} times in a row."
    else:
        yield "It asks again and again."
    words = {}
    for key, what in RESULTS.items():
        if program[key]:
            words.setdefault(program[key], []).append(what)
    if len(words) == 1 and len(next(iter(words.values()))) == len(RESULTS):
        yield f'After every refusal it says "{escaped(next(iter(words)))}".'
    else:
        for text, of in words.items():
            yield f'After {" and ".join(of)} it says "{escaped(text)}".'


def marked(text):
    """Prose, in which backquotes are around what is typed."""
    return re.sub("`([^`]*)`", r"\\fB\1\\fR", escaped(text))


def escaped(text):
    return text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")


def whole():
    """The manual, with this section in it."""
    page = PAGE.read_text()
    start, end = page.index(".SH PROGRAMS\n"), page.index(".SH HOW THIS IS KNOWN\n")
    return page[:start] + section() + page[end:]


if __name__ == "__main__":
    PAGE.write_text(whole())
