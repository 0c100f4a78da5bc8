"""Reads and writes a fleet's data in etcd once more, sharing no code with the verifiers: pam_otp-fleet(7), FORMAT.

    /pam_otp/fleet           the fleet's id, and its epoch
    /pam_otp/m/NAME          a machine or an administrator
    /pam_otp/a/NAME/         the guard of an account: new with each write of it
    /pam_otp/a/NAME/PART     a part of it, as pam_otp-format(5) describes the file, with its runs of line feeds counted
"""

import re
import secrets
import struct
import sys

import hosts
from register import Acceptance

sys.path.insert(0, str(hosts.WORLD / "bin"))
import second_implementation as records  # noqa: E402  (the path above has to come first)

ACCOUNTS = "/pam_otp/a/"
RUN = 16


def fleet(epoch=1, id=None):
    return f"pam_otp-fleet 1\nid {id or secrets.token_hex(16)}\nepoch {epoch}\nfloor -\n"


def guard(by="-", epoch=1, accepted="-"):
    return f"pam_otp-guard 1\nnonce {secrets.token_hex(16)}\nepoch {epoch}\nby {by}\naccepted {accepted}\n"


def member(name, role="machine", zones=(), added=1_800_000_000):
    named = ", ".join(f'"{zone}"' for zone in zones)
    return f'version = 1\nname = "{name}"\nrole = "{role}"\nzones = [{named}]\nadded = {added}\nrevoked = false\n'


def part(content):
    """Returns the value of a part."""
    value, rest = b"pam_otp-part 1\n", content
    while rest:
        run = re.search(rb"\n{%d,}" % RUN, rest)
        end, fill = (run.start(), run.end() - run.start()) if run else (len(rest), 0)
        value += struct.pack(">I", end) + rest[:end] + struct.pack(">I", fill)
        rest = rest[end + fill:]
    return value


def content(value):
    """Returns the part of a value."""
    head, rest = value[:15], value[15:]
    assert head == b"pam_otp-part 1\n", "a value that is no part"
    found = b""
    while rest:
        (length,) = struct.unpack(">I", rest[:4])
        (fill,) = struct.unpack(">I", rest[4 + length:8 + length])
        found += rest[4:4 + length] + fill * b"\n"
        rest = rest[8 + length:]
    return found


def account(name, uid, key, created=1_800_000_000):
    """Returns the keys and values of an account with one authenticator, which has that key (bytes)."""
    authenticator = records.Authenticator(secrets.token_hex(8), "phone", key, created=created)
    credential = records.Credential(name, uid, [authenticator], None)
    state = records.fresh_state(credential)
    both = records.write_record(state, 1) + records.write_record(state, 2)
    below = f"{ACCOUNTS}{name}/"
    parts = {"credential": records.write_credential(credential), "state": both}
    return {below: guard().encode(), **{f"{below}{name}": part(content) for name, content in parts.items()}}


def fields(value):
    """Returns the lines of a guard, by their first word."""
    return dict(line.split(" ", 1) for line in value.decode().splitlines())


def last_step(value):
    """Returns the highest step that was accepted, from a state; None: none was."""
    found = content(value)
    read = [records.read_record(found[at:at + records.RECORD]) for at in (0, records.RECORD)]
    state, _ = max((one for one in read if one), key=lambda one: one[1])
    return max((entry.last_step for entry in state.authenticators.values() if entry.last_step is not None), default=None)


def acceptances(history):
    """Returns each rise of the last step of an account, in a history as `Cluster.history` returns it."""
    by, highest, found = {}, {}, []
    for revision, kind, key, value in history:
        if not key.startswith(ACCOUNTS) or kind != "put":
            continue
        name, _, which = key.removeprefix(ACCOUNTS).partition("/")
        if which == "":
            by[name, revision] = fields(value)["by"]
    for revision, kind, key, value in history:
        name, _, which = key.removeprefix(ACCOUNTS).partition("/")
        if not key.startswith(ACCOUNTS) or kind != "put" or which != "state":
            continue
        step = last_step(value)
        if step != highest.get(name):
            # A step that goes down is included: the checker must see it.
            found.append(Acceptance(name, by[name, revision], -1 if step is None else step, revision))
            highest[name] = step
    return found
