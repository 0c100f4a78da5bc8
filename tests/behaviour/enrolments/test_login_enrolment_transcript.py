"""Everything that a new user reads from the first login to the lock and out of it again, in every language.

The transcripts are in transcripts/. OTP_WRITE_TRANSCRIPTS=1 writes new ones, not there (the tests run in a copy of the
tree) but in target/tests/ours/transcripts, to be read and copied.
"""

import os
import pathlib
import re

import pytest

import terminal
from locking import FAILURES
from login_enrolment import ENGLISH, KEY_IN_GROUPS, KOREAN, REQUIRE, both_lines, enrol, lines  # noqa: F401  (fixtures)
from self_service import RECOVERY_CODE, policy  # noqa: F401  (a fixture)
from together import together

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("both_lines")]

RECORDED = pathlib.Path(__file__).with_name("transcripts")
WRITTEN = pathlib.Path("/run/pam_otp-tests/results/transcripts")


@pytest.mark.parametrize("language, words", [("en", ENGLISH), ("ko", KOREAN)])
def test_everything_a_new_user_reads_is_as_recorded(ssh, bobby, clock, policy, language, words, capsys):  # noqa: F811
    policy(f'language = "{language}"\nissuer = "Example"\n', REQUIRE)

    def log_in(code):
        return ssh.attempt(bobby, bobby.password, code, prompts=[words.code])

    way = {"First login": enrol(ssh, bobby, clock, words).result}
    clock.advance(30)
    way["Next login"] = log_in(bobby.codes.now())
    clock.advance(30)
    for number, outcome in enumerate(together([lambda: log_in(bobby.codes.wrong())] * (FAILURES - 1)), 1):
        way[f"Wrong code {number}"] = outcome
    way[f"Wrong code {FAILURES}"] = log_in(bobby.codes.wrong())
    way["The right code, while locked"] = log_in(bobby.codes.now())
    way["A recovery code"] = log_in(bobby.recovery_codes[0])
    way["The code again"] = log_in(bobby.codes.now())
    # sshpass looks for a word that only the question for the password contains; it would answer any question that has it.
    for outcome in way.values():
        assert "assword" not in outcome.transcript.lower().replace("password: ", ""), outcome.transcript
    assert [outcome.admitted for outcome in way.values()] == [True, True, *[False] * (FAILURES + 1), True, True]
    compare(language, "\n".join(f"== {title}\n{stable(outcome.transcript)}" for title, outcome in way.items()), capsys)


def stable(transcript):
    """The text without what differs each time (key, codes, QR code, host), and as it was sent: in the last words of a
    refused login, ssh shows bytes that are not ASCII in octal."""
    sent = re.sub(r"(?:\\[0-3][0-7]{2})+", lambda found: octal(found[0]), transcript)
    text, drawing = [], False
    for line in sent.replace("\r", "").split("\n"):
        if not terminal.is_drawn(line):
            text.append(line)
        elif not drawing:
            text.append("[QR code]")
        drawing = terminal.is_drawn(line)
    text = KEY_IN_GROUPS.sub(" ".join(["KKKK"] * 8), "\n".join(text))
    text = re.sub(r"(secret=|: )[A-Z2-7]{32}\b", r"\1" + "K" * 32, text)
    text = re.sub(RECOVERY_CODE, "XXXX-XXXX-XXXX-XXXX", text)
    text = re.sub(r"\b\d{6}\b", "######", text)
    host = re.escape(os.uname().nodename.split(".")[0])
    return re.sub(rf"(?m){host}(?=.*, 2027-01-15 08:00 UTC$)", "HOST", text)


def octal(text):
    return bytes(int(number, 8) for number in text.split("\\")[1:]).decode()


def compare(language, found, capsys):
    new = WRITTEN / f"{language}.txt"
    recorded = RECORDED / f"{language}.txt"
    if os.environ.get("OTP_WRITE_TRANSCRIPTS") == "1":
        WRITTEN.mkdir(exist_ok=True)
        new.write_text(found)
        with capsys.disabled():
            print(f"\nwritten: target/tests/ours/transcripts/{new.name}, to be read and copied to tests/behaviour/enrolments/transcripts")
        return
    assert recorded.exists(), "no transcript is recorded: OTP_WRITE_TRANSCRIPTS=1 writes one"
    assert found == recorded.read_text(), "the text differs from the recorded one: OTP_WRITE_TRANSCRIPTS=1 writes it anew"
