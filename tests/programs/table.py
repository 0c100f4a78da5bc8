"""Compares a row of conf/programs.toml with the measurements."""

import os
import pathlib
import pwd
import re
import subprocess
import tomllib

import probe as probes

RELEASE = os.environ.get("OTP_RELEASE", "")
PROGRAMS = tomllib.loads(pathlib.Path(__file__).with_name("programs.toml").read_text())["program"]
# /etc/pam.d as the packages have installed it.
PRISTINE = pathlib.Path("/run/suite/pristine")
# Keys that no probe can measure. tests/behaviour/enrolments/test_login_enrolment_services.py proves `enrols`.
PROSE = {"name", "tried", "proven", "stack", "enrols", "advice"}


def row(*names):
    """Returns the row of that name; if there are several, the one that was tried on this release."""
    (found,) = [one for one in PROGRAMS if one["name"] in names and any(tried.startswith(RELEASE + " ") for tried in one["tried"])]
    return found


def compare(row, measured):
    """Fails with every key that differs from the table, and with those that were not measured."""
    assert set(measured) == set(row) - PROSE, "keys that are measured, and keys of the table"
    different = [
        f"{key}: the table says {row[key]!r}, measured {measured[key]!r}" for key in measured if measured[key] != row[key]
    ]
    version = version_of(row)
    if os.environ["OTP_VERSIONS"] == "compared" and not any(tried == version for tried in row["tried"]):
        different.append(f"tried: the table says {row['tried']}, this is {version!r}")
    assert not different, f"{row['name']} on {RELEASE}:\n" + "\n".join(different)


def version_of(row):
    """Returns the version in the form of `tried`: without Debian's own part, because updates of a release keep the rest."""
    (package,) = {tried.split(" ")[1] for tried in row["tried"] if tried.startswith(RELEASE + " ")}
    version = run("dpkg-query", "--show", "--showformat=${Version}", package)
    return f"{RELEASE} {package} {re.sub(r'-[^-]*$', '', version.partition(':')[2] or version)}"


def included_by(service):
    """Returns the file whose auth lines Debian's file includes."""
    for directory in (PRISTINE, "/usr/lib/pam.d"):
        path = pathlib.Path(directory, service)
        if path.exists():
            found = re.findall(r"(?m)^(?:@include\s+(\S+)|-?auth\s+(include|substack)\s+(\S+))", path.read_text())
            names = [whole or (f"substack {name}" if how == "substack" else name) for whole, how, name in found]
            return [name for name in names if not re.search(r"common-(account|session|password)", name)]
    return []


# ---------------------------------------------------------------------------------------------- from the module's log


def caller_of(probe, person, runner=None):
    """Returns the keys about the caller. `person` logs in; `runner` is the account that started the program, if it is a
    person's account."""
    call = probe.calls()[0]
    account = pwd.getpwuid(call["euid"]).pw_name
    ruser = call["ruser"] or "none"
    return {
        "runs_as": "user" if account == person else account,
        "process": call["process"],
        "threads": "one" if call["threads"] == 1 else "many",
        "rhost": "address" if re.fullmatch(r"127\.0\.0\.\d+|::1", call["rhost"] or "") else call["rhost"] or "none",
        "tty": tty_of(call["tty"]),
        "ruser": "caller" if ruser == runner else "user" if ruser == person else ruser,
        "flags": flags_of(probe),
    }


def tty_of(tty):
    if re.fullmatch(r"(/dev/)?(pts/|tty)\d+", tty or ""):
        return "terminal"
    return "display" if re.fullmatch(r":\d+(\.\d+)?", tty or "") else tty or "none"


def flags_of(probe):
    said = []
    for name in ("authenticate", "acct_mgmt"):
        for call in probe.calls(name)[:1]:
            known = {probes.SILENT: "silent", probes.DISALLOW_NULL: "disallow null"}
            assert not call["flags"] & ~sum(known), call
            said.append(", ".join(word for bit, word in known.items() if call["flags"] & bit) or "0")
    return said[0] if len(set(said)) == 1 else " / ".join(said)


def further_calls(probe):
    """Returns the keys about the calls besides pam_authenticate, from a login that was completed."""
    asked = (probe.calls("authenticate") or [None])[0]
    account = (probe.calls("acct_mgmt") or [None])[0]
    setcred, session = probe.calls("setcred"), (probe.calls("open_session") or [None])[0]
    home = asked or account or setcred[0]

    def place(call):
        return "never" if call is None else "same process" if call["pid"] == home["pid"] else "other process"

    found = {
        "account": "alone" if account and not asked else place(account),
        "setcred": [probes.SETCRED[call["flags"] & ~probes.SILENT] for call in setcred],
        "setcred_in": "",
        "data": bool(setcred) and setcred[0]["data"],
        "session": place(session),
    }
    if found["account"] == "same process" and asked and not account["data"]:
        found["account"] = "other handle"
    if setcred:
        found["setcred_in"] = ", ".join(dict.fromkeys(place(call) for call in setcred))
    return found


def wait_for_setcred(probe, row):
    """Waits, because a server may still have something to call after its client has gone."""
    probes.comes(lambda: len(probe.calls("setcred")) >= len(row["setcred"]), expected=True)


def answers(probe, typed):
    """Returns `asks`, `echoed` and `repeats`, from a login in which EVERYTHING was asked and a person typed these replies, in order."""
    hidden, (echoed,) = probe.replies("hidden"), probe.replies("echoed")
    user = probe.calls("authenticate")[0]["user"]
    if hidden == typed[:2]:
        asks = "each"
    else:
        assert len(set(hidden)) == 1 and hidden[0] == typed[0], hidden
        asks = "once"
    how = {"refused": "refused", user: "user name", hidden[0]: "same reply"}.get(echoed)
    if how is None:
        assert asks == "each" and echoed == typed[2], echoed
        how = "asked"
    return {"asks": asks, "echoed": how, "repeats": len(probe.calls("authenticate")) > 1}


def refused_messages(probe):
    """Returns the kinds of messages, information or error, after which the conversation had failed."""
    return {line["step"] for line in probe.steps if line["step"] in ("info", "error") and line["code"] != 0}


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          **options).stdout.strip()
