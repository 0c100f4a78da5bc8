"""The events that pam_otp(8) lists, and whether a line of the log keeps to them."""

import re

from under_test import BINARIES

MANUAL = BINARIES / "pam_otp.8"

SEVERITIES = {3: "err", 4: "warning", 5: "notice", 6: "info", 7: "debug"}

# A line of the module, the helper, otp-mail, a verifier, the portal's login part, or the hook of shadow-utils. No quotation mark
# comes before these.
LINE = re.compile(
    r'<(?P<priority>\d+)>[^"]*?'
    r'(?:pam_otp\([^"]*?\)|otp-helper\[\d+\]|otp-mail\[\d+\]|otp-verifier\[\d+\]|otp-portal-login\[\d+\]|otp-admin(?:\[\d+\])?)'
    r': (?P<event>otp\.\w+)(?P<rest>.*)'
)
VALUE = r' (\w+)="((?:[^"\\]|\\.)*)"'


def table():
    """Severities and keys by event. Every key of a line is one of its event's, or one that all events can have."""
    events = MANUAL.read_text().partition("\n.SS Events\n")[2].partition("\n.SS Keys\n")[0]
    above, *paragraphs = events.split("\n.TP\n")
    everywhere = set(re.findall(r"[a-z_]+", above.partition("\n.IR ")[2])) - {"and"}
    found = {}
    for paragraph in paragraphs:
        name = paragraph.partition("\n")[0].removeprefix(".B ")
        severities, keys = (re.search(rf"^{label}: (.*)\.$", paragraph, re.M)[1].split(", ") for label in ("Severity", "Keys"))
        found[name] = set(severities), set(keys) | everywhere
    assert {"otp.accept", "otp.denied"} <= found.keys() and {"user", "account"} <= everywhere
    return found


def assert_kept_to(lines):
    """Each line of ours is an event of the manual, with a severity and keys that it lists there, each key once."""
    known = table()
    for line in lines:
        found = LINE.match(line)
        if not found:
            continue
        severities, keys = known[found["event"]]
        assert re.fullmatch(f"(?:{VALUE})*", found["rest"]), line
        used = [key for key, _ in re.findall(VALUE, found["rest"])]
        assert set(used) <= keys and len(set(used)) == len(used), line
        assert SEVERITIES[int(found["priority"]) % 8] in severities, line
