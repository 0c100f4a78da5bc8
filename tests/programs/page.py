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
    "none": "Stack: none. The program asks nothing.",
}
SEEN = {
    "at once": "are shown at once",
    "with the next question": "are shown with the next question",
    "never": "are not shown",
    "refused": "make the login fail",
}
ECHOED = {
    "asked": "",
    "unseen": "Even with \\fBecho_verification_code\\fR, the typed code is not shown.",
    "user name": "With \\fBecho_verification_code\\fR, it answers the question with the user name: do not use that argument.",
    "same reply": "",
    "refused": "With \\fBecho_verification_code\\fR, every login fails: do not use that argument.",
    "not tried": "",
    "by text": "",
    "": "",
}
LAST_WORDS = {
    "shown": "The reason for a refusal is shown.",
    "lost": "The reason for a refusal, such as a lock, is not shown.",
    "some": "The reason is shown for some refusals only.",
}
RESULTS = {
    "auth_err": "a wrong code", "maxtries": "a locked account", "unavail": "a code that could not be checked",
    "ignore": "a stack in which no module decides",
}
REMOTE = {"address": "The client\\(aqs address is known, so networks and places can be trusted.", "localhost": "", "none": ""}


def section():
    """Returns the section as roff."""
    lines = [".SH PROGRAMS"]
    for program in tomllib.loads(TABLE.read_text())["program"]:
        lines += [".TP", f"\\fB{escaped(program['name'])}\\fR", *about(program)]
    return "\n".join(lines) + "\n"


def about(program):
    """Yields a paragraph each on what a program is, what its users see, and what an administrator must beware of."""
    yield f"Tested: {escaped(tried(program['tried']))}."
    services = ", ".join(f"\\fB{escaped(name)}\\fR" for name in program["services"])
    are_many = len(program["services"]) > 1
    taken = f", which include{'' if are_many else 's'} {included(program['includes'])}" if program["includes"] else ""
    yield f"PAM service{'s' if are_many else ''}: {services}{taken}."
    yield from asking(program)
    if program["asks"] != "never":
        yield ".sp 0.5v"
        yield from seeing(program)
        yield from refusing(program)
        can = "can" if program["enrols"] else "cannot"
        yield f"Users {can} set up an authenticator in a login."
    yield ".sp 0.5v"
    yield marked(program["advice"])


def included(files):
    """Returns the file whose lines a service includes."""
    (file,) = files
    name = file.removeprefix("substack ")
    return f"\\fI{escaped(name)}\\fR" + (" as a substack" if name != file else "")


def tried(entries):
    """Returns the versions, by release."""
    return "; ".join(f"{RELEASES[release]} ({package} {version})" for release, package, version in map(str.split, entries))


def asking(program):
    yield STACKS[program["stack"]]
    account = program["runs_as"]
    if account == "user":
        yield "Runs as the user, and checks codes through \\fBotp\\-helper\\fR."
    elif account != "root":
        yield f"Runs as the account \\fI{escaped(account)}\\fR, and checks codes through \\fBotp\\-helper\\fR."
        yield "Name that account in \\fBtrusted_callers\\fR."
    said = {
        "each": "It answers each question separately.",
        "once": "It answers all questions with the same reply.",
        "by text": "It recognises each question by its words.",
        "never": "It does not authenticate users: no question is asked, and no grace begins.",
    }
    yield said[program["asks"]]
    if program["asks"] != "never":
        if ECHOED[program["echoed"]]:
            yield ECHOED[program["echoed"]]
        if REMOTE.get(program["rhost"]):
            yield REMOTE[program["rhost"]]
        if program["repeats"]:
            yield "It sends the same reply again without asking the user, but a code works only once."
            yield "See \\fIPrograms that send the same reply again\\fR."
    if program["account"] == "never":
        yield "It skips the account phase, so an account line has no effect."
    elif program["account"] == "other handle":
        yield "It runs the account phase on a PAM handle of its own."


def seeing(program):
    """Yields sentences on what becomes of messages."""
    if program["flags"].startswith("silent"):
        yield "The program asks modules to be silent: users do not see why they are refused."
    else:
        information, error = SEEN[program["information"]], SEEN[program["error"]]
        if information == error:
            yield f"Messages {information}."
        else:
            yield f"Informational messages {information}. Error messages {error}."
        if program["text"] == "spoilt":
            yield "Texts of several lines are garbled."
        yield LAST_WORDS[program["last_words"]]
    if program["keeps"] != "nowhere":
        kept = program["keeps"].replace("standard error", "standard error, which systemd puts into the journal")
        yield f"Messages are also written to {escaped(kept)}."


def refusing(program):
    """Yields sentences on how a refusal looks."""
    if program["tries"] == 1:
        yield "It asks once."
    elif program["tries"]:
        yield f"It asks up to {program['tries']} times in a row."
    else:
        yield "It asks again without limit."
    words = {}
    for key, what in RESULTS.items():
        if program[key]:
            words.setdefault(program[key], []).append(what)
    if len(words) == 1 and len(next(iter(words.values()))) == len(RESULTS):
        yield f'For every refusal it says "{escaped(next(iter(words)))}".'
    else:
        for text, of in words.items():
            *rest, last = of
            cases = f"{', '.join(rest)} or {last}" if rest else last
            yield f'For {cases} it says "{escaped(text)}".'


def marked(text):
    """Returns prose with its backquoted words in bold."""
    return re.sub("`([^`]*)`", r"\\fB\1\\fR", escaped(text))


def escaped(text):
    return text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")


def whole():
    """Returns the manual with this section in it."""
    page = PAGE.read_text()
    start, end = page.index(".SH PROGRAMS\n"), page.index(".SH HOW THIS IS KNOWN\n")
    return page[:start] + section() + page[end:]


if __name__ == "__main__":
    PAGE.write_text(whole())
