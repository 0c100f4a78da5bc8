#!/usr/bin/python3
"""Writes the sections APPS and NOT TRIED of pam_otp-apps(7) from conf/apps.toml, into the manual or, as a module, as text.

    tests/apps/manual.py        after a change of the table
"""

import pathlib
import re
import textwrap
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLE = ROOT / "conf/apps.toml"
PAGE = ROOT / "packaging/man/pam_otp-apps.7"
OF_36 = 36

INTRODUCTION = [
    f"For each app, the first line says for how many of the {OF_36} combinations of hash, digits and period its codes are right.",
    "The other lines say what it gets wrong.",
]
SETTINGS = {"algorithm": "the hash", "digits": "the number of digits", "period": "the period"}
SAID = {
    "ignored": "Ignores {} without a warning, so its codes are wrong.",
    "refused": "Refuses {} other than the default.",
    "wrong": "Accepts {} but shows wrong codes, without a warning.",
    "up to 60": "Treats a period of more than 60 s as 60 s, without a warning.",
}
SPACES = {
    "": "", "yes": "", "refused": "Refuses a key with spaces.",
    "wrong": "Accepts a key with spaces but shows wrong codes, without a warning.",
}
COLON = {
    "yes": "", "refused": "Refuses an issuer with a colon.",
    "account": "Shows another account name if the issuer has a colon.", "wrong": "Shows wrong codes if the issuer has a colon.",
}


def sections():
    """Returns both sections as roff."""
    table = tomllib.loads(TABLE.read_text())
    lines = [".SH APPS", *INTRODUCTION]
    for app in table["app"]:
        lines += [".TP", f"\\fB{escaped(app['name'])}\\fR {escaped(app['version'])}", f"{app['codes']} of {OF_36} right.", *about(app)]
    lines += [".SH NOT TRIED", "These apps need a phone or a screen and were not tested:"]
    lines += textwrap.wrap(", ".join(map(escaped, table["not_tried"])) + ".", 110)
    return "\n".join(lines) + "\n"


def about(app):
    """Yields the sentences about one app."""
    for key, setting in SETTINGS.items():
        value = app[key]
        if value in SAID:
            yield SAID[value].format(setting)
        elif value != "yes":
            # "refused 7": only that one value is refused.
            way, number = value.split(" ")
            assert way == "refused", f"no words for {value}"
            yield f"Refuses {number} {key}." if key == "digits" else f"Refuses {number} for {setting}."
    for found in (SPACES[app["spaces"]], COLON[app["colon"]]):
        if found:
            yield found
    if app["refuses"]:
        characters = ", ".join(f'"{one}"' for one in app["refuses"])
        yield f"Refuses an issuer with {characters}."


def escaped(text):
    return text.replace("-", "\\-").replace("'", "\\(aq")


def whole():
    """Returns the manual with these sections in it."""
    page = PAGE.read_text()
    start, end = page.index(".SH APPS\n"), page.index(".SH HOW THIS IS KNOWN\n")
    assert re.search(r"(?m)^\.SH NOT TRIED$", page)
    return page[:start] + sections() + page[end:]


if __name__ == "__main__":
    PAGE.write_text(whole())
