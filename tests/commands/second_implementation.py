"""A second implementation of pam_otp-format(5), from that page alone, without knowledge of the code.

It shows whether the page is sufficient. So it shares no code and no word with the real programs, and the page decides where
the two differ. It handles files only as bytes: without owners, modes, the lock and the order of writes. AN ATTEMPT of the
page is in second_attempt.py.
"""

import base64
import ctypes
import dataclasses
import hashlib
import hmac
import ipaddress
import re
import secrets
import tomllib
import unicodedata

import xchacha

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RECORD = 2048
INVISIBLE = re.compile(
    "[\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)


class Refused(Exception):
    """Input that a reader must refuse."""


class Newer(Refused):
    """A version that this reader does not know."""


def require(condition, reason):
    if not condition:
        raise Refused(reason)


# ----------------------------------------------------------------------------------------------------- credential.toml


@dataclasses.dataclass
class Authenticator:
    id: str
    name: str
    secret: bytes = dataclasses.field(repr=False)
    created: int
    period: int | None = 30  # None: HOTP
    algorithm: str = "SHA1"
    digits: int = 6
    window: tuple | None = None  # TOTP: steps before and after; HOTP: the number of counter values

    def code(self, step):
        """RFC 4226 section 5.3."""
        mac = hmac.digest(self.secret, step.to_bytes(8), self.algorithm.lower())
        offset = mac[-1] & 15
        return str((int.from_bytes(mac[offset:offset + 4]) & 0x7FFFFFFF) % 10**self.digits).zfill(self.digits)


@dataclasses.dataclass
class RecoverySet:
    id: str
    salt: bytes
    codes: list
    created: int
    slow: bool = False  # 8 digits each, hashed with argon2id


@dataclasses.dataclass
class Credential:
    user: str
    uid: int
    authenticators: list
    recovery: RecoverySet | None


class Table:
    """A table whose keys are taken one by one; any that is left at the end is unknown."""

    def __init__(self, values):
        require(isinstance(values, dict), "a table")
        self.values = dict(values)

    def number(self, key, least=0, most=2**63 - 1):
        value = self.values.pop(key, None)
        require(type(value) is int and least <= value <= most, f"{key}: a number from {least} to {most}")
        return value

    def text(self, key, form=".*"):
        value = self.values.pop(key, None)
        require(isinstance(value, str) and re.fullmatch(form, value, re.DOTALL), f"{key}: a string")
        return value

    def end(self):
        require(not self.values, "an unknown key")


class Sealed:
    """The keys that open or seal a credential, by their ids; the first one seals. Without keys it is not sealed."""

    def __init__(self, key_file, user, uid):
        lines = [line.strip() for line in (key_file or "").splitlines()]
        keys = [bytes.fromhex(line) for line in lines if line and not line.startswith("#")]
        self.keys = {hashlib.sha256(b"pam_otp id of a sealing key\0" + key).hexdigest()[:16]: key for key in keys}
        self.user, self.uid = user, uid

    def place(self, what, id):
        return f"pam_otp/3/{what}/{id}/{self.uid}/{self.user}".encode()

    def open(self, text, what, id):
        key, nonce, sealed = text.split(".")
        require(key in self.keys, "sealed by another key")
        opened = xchacha.unseal(self.keys[key], bytes.fromhex(nonce), self.place(what, id), bytes.fromhex(sealed))
        require(opened is not None, "does not open")
        return opened

    def seal(self, opened, what, id):
        id_of_key, key = next(iter(self.keys.items()))
        nonce = secrets.token_bytes(24)
        return f"{id_of_key}.{nonce.hex()}.{xchacha.seal(key, nonce, self.place(what, id), opened).hex()}"


SEALED = r"[0-9a-f]{16}\.[0-9a-f]{48}\.([0-9a-f]{2}){16,}"


def read_credential(content, user, uid, key_file=None):
    require(len(content) <= 16384, "too large")
    try:
        root = Table(tomllib.loads(content.decode()))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise Refused("not TOML") from None
    version = root.number("version", 1)
    if version > 3:
        raise Newer("credential.toml")
    require(content.rstrip(b" \t\n\r\f").endswith(b"# end"), "cut off")
    require((root.text("user"), root.number("uid")) == (user, uid), "somebody else's")
    tables = root.values.pop("authenticator", [])
    require(isinstance(tables, list) and 1 <= len(tables) <= 4, "1 to 4 authenticators")
    sealed = Sealed(key_file, user, uid)
    authenticators = [read_authenticator(Table(table), version, sealed) for table in tables]
    for distinct in ({one.id for one in authenticators}, {one.name for one in authenticators}):
        require(len(distinct) == len(authenticators), "two with one id or name")
    recovery = read_recovery(Table(root.values.pop("recovery")), version, sealed) if "recovery" in root.values else None
    root.end()
    return Credential(user, uid, authenticators, recovery)


def read_secret(table, version, sealed):
    if version == 3:
        return sealed.open(table.text("sealed", SEALED), "key", table.values.get("id"))
    letters = re.sub("[ -]", "", table.text("secret").rstrip("=")).upper()
    try:
        secret = base64.b32decode(letters + "=" * (-len(letters) % 8))
    except ValueError:
        raise Refused("secret: not base32") from None
    require(base64.b32encode(secret).decode().rstrip("=") == letters, "secret: bits left over")
    return secret


def read_authenticator(table, version, sealed):
    kind = table.text("type", "totp|hotp")
    secret = read_secret(table, version, sealed)
    require(10 <= len(secret) <= 128, "secret: length")
    name = table.text("name", r'[^"\\]{1,32}')
    plain = not INVISIBLE.search(name) and not any(unicodedata.category(letter) == "Cc" for letter in name)
    require(plain and name == name.strip(), "name")
    one = Authenticator(
        table.text("id", "[0-9a-f]{16}"), name, secret, table.number("created"),
        table.number("period", 15, 120) if kind == "totp" else None,
        table.text("algorithm", "SHA1|SHA256|SHA512"), table.number("digits", 6, 8),
        read_window(table, kind) if version >= 2 else None,
    )
    table.end()
    return one


def read_window(table, kind):
    if kind == "hotp":
        return (table.number("look_ahead", 1, 100),) if "look_ahead" in table.values else None
    require(("before" in table.values) == ("after" in table.values), "before and after")
    return (table.number("before", 0, 10), table.number("after", 0, 10)) if "before" in table.values else None


def read_recovery(table, version, sealed):
    slow = version >= 2 and "hash" in table.values and bool(table.text("hash", "argon2id"))
    codes = table.values.pop("codes", None)
    require(isinstance(codes, list) and len(codes) <= 32, "codes: at most 32")
    for code in codes:
        require(isinstance(code, str) and re.fullmatch("[0-9a-f]{64}", code), "codes: 64 digits each")
    if version == 3 and slow:
        salt = sealed.open(table.text("sealed", SEALED), "salt", table.values.get("id"))
        require(len(salt) == 16, "salt: length")
    else:
        salt = bytes.fromhex(table.text("salt", "[0-9a-f]{32}"))
    hashes = [bytes.fromhex(code) for code in codes]
    one = RecoverySet(table.text("id", "[0-9a-f]{16}"), salt, hashes, table.number("created"), slow)
    table.end()
    return one


def write_credential(credential, key_file=None):
    sealed = Sealed(key_file, credential.user, credential.uid)
    user = credential.user.replace("\\", "\\\\").replace('"', '\\"')
    recovery = credential.recovery
    newer = any(one.window for one in credential.authenticators) or (recovery and recovery.slow)
    lines = ["# Of the second implementation.", f"version = {3 if key_file else 2 if newer else 1}", f'user = "{user}"', f"uid = {credential.uid}"]
    for one in credential.authenticators:
        kind = ['type = "hotp"'] if one.period is None else ['type = "totp"', f"period = {one.period}"]
        names = ["look_ahead"] if one.period is None else ["before", "after"]
        kind += [f"{name} = {number}" for name, number in zip(names, one.window or ())]
        lines += ["", "[[authenticator]]", f'id = "{one.id}"', f'name = "{one.name}"', *kind]
        lines += [f'algorithm = "{one.algorithm}"', f"digits = {one.digits}"]
        letters = base64.b32encode(one.secret).decode().rstrip("=")
        secret = f'sealed = "{sealed.seal(one.secret, "key", one.id)}"' if key_file else f'secret = "{letters}"'
        lines += [secret, f"created = {one.created}"]
    if recovery:
        slow = ['hash = "argon2id"'] if recovery.slow else []
        salt = f'salt = "{recovery.salt.hex()}"'
        if key_file and recovery.slow:
            salt = f'sealed = "{sealed.seal(recovery.salt, "salt", recovery.id)}"'
        lines += ["", "[recovery]", f'id = "{recovery.id}"', *slow, salt]
        hashes = [f'    "{code.hex()}",' for code in recovery.codes]
        lines += [f"created = {recovery.created}", "codes = [", *hashes, "]"]
    return "\n".join([*lines, "# end", ""]).encode()


def recovery_code(octets):
    """The recovery code as its owner sees it."""
    number = int.from_bytes(octets)
    letters = "".join(LETTERS[number >> 5 * at & 31] for at in reversed(range(16)))
    return "-".join(re.findall("....", letters))


WHITE_SPACE = "\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
DASHES, UNSEEN = "-\u2010-\u2015\u2212", "\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"


def without_what_may_stand_between(reply):
    plain = re.sub("[\uff01-\uff5e]", lambda wide: chr(ord(wide[0]) - 0xFEE0), reply)
    return re.sub(f"[{DASHES}{WHITE_SPACE}{UNSEEN}]", "", plain)


def typed_recovery_code(reply):
    letters = without_what_may_stand_between(reply).upper().translate(str.maketrans("OIL", "011"))
    if len(letters) != 16 or not set(letters) <= set(LETTERS):
        return None
    number = 0
    for letter in letters:
        number = number << 5 | LETTERS.index(letter)
    return number.to_bytes(10)


def recovery_hash(salt, octets):
    return hmac.digest(salt, octets, "sha256")


def slow_hash(salt, digits):
    """The hash by libargon2, the reference implementation of argon2."""
    tag = ctypes.create_string_buffer(32)
    password = digits.encode("ascii")
    library = ctypes.CDLL("libargon2.so.1")
    size = ctypes.c_size_t
    failed = library.argon2id_hash_raw(5, 7168, 1, password, size(len(password)), salt, size(len(salt)), tag, size(len(tag)))
    assert not failed, failed
    return tag.raw


# --------------------------------------------------------------------------------------------------------------- state


@dataclasses.dataclass
class Entry:
    last_step: int | None = None
    drift: int = 0
    resync: tuple | None = None  # step, distance
    last_used: int | None = None


@dataclasses.dataclass
class State:
    standing: tuple = ("open",)  # or "locked", since when, for how many seconds; or "held"; or "disabled"
    counts: list = dataclasses.field(default_factory=lambda: [0, 0, 0])
    refused: tuple | None = None  # when, why
    recovery: dict = dataclasses.field(default_factory=dict)  # by id: the used codes, bit by bit
    authenticators: dict = dataclasses.field(default_factory=dict)  # by id: Entry


def fresh_state(credential):
    state = State(authenticators={one.id: Entry() for one in credential.authenticators})
    if credential.recovery:
        state.recovery[credential.recovery.id] = 0
    return state


def write_record(state, sequence):
    def words(*values):
        return " ".join("-" if value is None else str(value) for value in values)

    lines = ["pam_otp-state 1", words("sequence", sequence), words("standing", *state.standing)]
    lines += [words("failures", *state.counts), words("refused", *(state.refused or [None]))]
    lines += [words("recovery", id, f"{used:08x}") for id, used in state.recovery.items()]
    for id, entry in state.authenticators.items():
        resync = entry.resync or (None, None)
        lines.append(words("authenticator", id, entry.last_step, entry.drift, *resync, entry.last_used))
    body = "\n".join([*lines, ""])
    return f"{body}checksum {hashlib.sha256(body.encode()).hexdigest()[:32]}\n".ljust(RECORD, "\n").encode()


N, ID, DRIFT = "(?:0|[1-9][0-9]*)", "[0-9a-f]{16}", "(?:0|-?[1-9][0-9]*)"
BODY = re.compile(
    rf"pam_otp-state 1\nsequence (?P<sequence>{N})\nstanding (?P<standing>open|held|disabled|locked {N} {N})\n"
    rf"failures (?P<counts>{N} {N} {N})\nrefused (?P<refused>-|{N} (?:wrong-code|already-used|locked|clock-off))\n"
    rf"(?P<recovery>(?:recovery {ID} [0-9a-f]{{8}}\n){{0,2}})"
    rf"(?P<entries>(?:authenticator {ID} (?:-|{N}) {DRIFT} (?:- -|{N} {DRIFT}) (?:-|{N})\n){{0,8}})"
)


def read_record(record):
    """Reads one record; returns the state and its sequence, or None if it is damaged."""
    version = re.match(rb"pam_otp-state ([1-9][0-9]*)\n", record)
    if version and 1 < int(version[1]) < 2**32:
        raise Newer("state")
    parts = re.fullmatch(rb"(.*?\n)checksum ([0-9a-f]{32})\n+", record, re.DOTALL)
    if not parts or hashlib.sha256(parts[1]).hexdigest()[:32].encode() != parts[2] or not parts[1].isascii():
        return None
    found = BODY.fullmatch(parts[1].decode())
    if not found:
        return None
    state = State(counts=[int(count) for count in found["counts"].split()])
    standing, *lock = found["standing"].split()
    state.standing = (standing, *map(int, lock))
    if found["refused"] != "-":
        when, why = found["refused"].split()
        state.refused = (int(when), why)
    for _, id, used in map(str.split, found["recovery"].splitlines()):
        state.recovery.setdefault(id, int(used, 16))
    for _, id, *values in map(str.split, found["entries"].splitlines()):
        last_step, drift, step, distance, last_used = (None if value == "-" else int(value) for value in values)
        resync = None if step is None else (step, distance)
        if max(abs(drift), abs(distance or 0)) > 40:
            return None
        state.authenticators.setdefault(id, Entry(last_step, drift, resync, last_used))
    in_range = max(state.counts) < 2**32 and all(int(n) < 2**64 for n in re.findall(r"\b[0-9]+\b", parts[1].decode()))
    return (state, int(found["sequence"])) if in_range else None


def read_state(content, credential):
    """Returns the valid state, its sequence, and the offset of its successor."""
    require(len(content) == 2 * RECORD, "size")
    records = [(read_record(content[at:at + RECORD]), at) for at in (0, RECORD)]
    valid = [(*read, RECORD - at) for read, at in records if read]
    require(valid, "both records are damaged")
    state, sequence, successor = max(valid, key=lambda one: one[1])
    require({one.id for one in credential.authenticators} <= set(state.authenticators), "an authenticator has no entry")
    require(not credential.recovery or credential.recovery.id in state.recovery, "the recovery codes have no entry")
    return state, sequence, successor


# --------------------------------------------------------------------------------------------- trust and first-login


def read_table(content, most):
    """A TOML file of version 1."""
    require(0 < len(content) <= most, "size")
    try:
        require(not content.startswith(b"\xef\xbb\xbf"), "a byte order mark")
        root = Table(tomllib.loads(content.decode()))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise Refused("not TOML") from None
    if root.number("version", 1) > 1:
        raise Newer("TOML")
    return root


def read_trust(content):
    """The remembered places, oldest first: service, address and time."""
    root = read_table(content, 4096)
    tables = root.values.pop("place", [])
    require(isinstance(tables, list), "places")
    root.end()
    places = []
    for table in map(Table, tables):
        service = table.text("service", "[A-Za-z0-9._+@-]{1,64}")
        try:
            address = ipaddress.ip_address(table.text("address"))
        except ValueError:
            raise Refused("no address") from None
        require(getattr(address, "scope_id", None) is None, "no number alone")
        places.append((service, address, table.number("since")))
        table.end()
    return sorted(places, key=lambda place: place[2])


def write_trust(places):
    lines = ["version = 1"]
    for service, address, since in places:
        lines += ["", "[[place]]", f'service = "{service}"', f'address = "{address}"', f"since = {since}"]
    return "\n".join([*lines, ""]).encode()


def read_first_login(content):
    """The user id, and the time of the first login."""
    root = read_table(content, 256)
    found = root.number("uid", most=2**32 - 1), root.number("first_login")
    root.end()
    return found


@dataclasses.dataclass
class Mail:
    """The stored data about an account's mail."""

    sent: list
    outstanding: tuple = None
    confirmed: tuple = None


LOCAL = r"(?=[^@]{1,64}@)[A-Za-z0-9_](?:\.?[A-Za-z0-9_+=~-])*"
LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"


def read_mail(content):
    """Reads that data; returns it with the user id."""
    root = read_table(content, 1024)
    uid, sent = root.number("uid", most=2**32 - 1), root.values.pop("sent", None)
    require(isinstance(sent, list) and len(sent) <= 5, "times")
    mail = Mail(sorted(Table({"time": time}).number("time") for time in sent))
    if "outstanding" in root.values:
        table = Table(root.values.pop("outstanding"))
        mail.outstanding = bytes.fromhex(table.text("hash", "[0-9a-f]{64}")), table.number("since")
        table.end()
    if "confirmed" in root.values:
        table = Table(root.values.pop("confirmed"))
        mail.confirmed = table.text("address", rf"(?=.{{3,254}}$){LOCAL}@{LABEL}(?:\.{LABEL})*"), table.number("when")
        table.end()
    root.end()
    return uid, mail


def write_mail(uid, mail):
    lines = ["version = 1", f"uid = {uid}", f"sent = [{', '.join(map(str, mail.sent))}]"]
    if mail.outstanding:
        lines += ["", "[outstanding]", f'hash = "{mail.outstanding[0].hex()}"', f"since = {mail.outstanding[1]}"]
    if mail.confirmed:
        lines += ["", "[confirmed]", f'address = "{mail.confirmed[0]}"', f"when = {mail.confirmed[1]}"]
    return "\n".join([*lines, ""]).encode()


def mailed_hash(key, user, uid, digits):
    """The stored data about a code that was mailed for the login with that key."""
    text = b"pam_otp mailed code\0" + uid.to_bytes(4, "big") + digits.encode() + user.encode()
    return hmac.digest(key, text, "sha256")


def write_first_login(uid, when):
    return f"version = 1\nuid = {uid}\nfirst_login = {when}\n".encode()
