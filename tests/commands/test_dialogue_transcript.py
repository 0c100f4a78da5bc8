"""Everything that a user reads at the terminal, in every language.

The transcripts are in transcripts/. OTP_WRITE_TRANSCRIPTS=1 writes new ones there, to be read before they are committed.
"""

import os
import pathlib
import re

import pytest
import scan
from talk import Talk

RECORDED = pathlib.Path(__file__).with_name("transcripts")
QUESTIONS = {
    "en": ("device shows now: ", "Enter to go on without: ", "are kept: "),
    "ko": ("자리 인증 코드: ", "저장 안 함: Enter): ", '"보관"을 입력해 주세요: '),
}
SMALL, WIDE = (24, 80), (60, 400)


@pytest.mark.parametrize("language", QUESTIONS)
def test_every_dialogue_reads_as_recorded(machine, language):
    machine.policy(f'issuer = "Example"\nlanguage = "{language}"\n[enroll]\nmax_authenticators = 2\n[enforce]\nexempt_users = ["daemon"]\n')
    machine.terminal = "dumb"
    code, save, kept = QUESTIONS[language]
    files = ("--qr-file", machine.directory / "code.svg", "--save", machine.directory / "codes")
    found = [
        play(machine, language, words, size, answers)
        for words, size, answers in [
            ((), SMALL, [(code, "hello"), (code, "inverted"), (code, right), (save, "copy"), (save, ""), (kept, "y"), (kept, "kept")]),
            (files, WIDE, [(code, right), (kept, "보관")]),
            (("add", "tablet"), SMALL, [(code, right)]),
            (("recovery-codes",), SMALL, [(save, "kept"), (kept, "kept")]),
            (("remove", "phone"), SMALL, []),
            (("remove",), SMALL, []),
            (("add", "tablet", "--qr", "ascii"), SMALL, [(code, "1"), (code, "2"), (code, "3")]),
            (("--qr", "ascii"), (24, 60), [(code, right), (save, ""), *[(kept, "no")] * 5]),
        ]
    ]
    compare(language, "\n".join(found))


def right(machine, secret):
    return machine.code(secret)


def play(machine, language, words, size, answers):
    machine.now += 60
    talk = Talk(machine, "--lang", language, *words, size=size)
    for question, answer in answers:
        talk.until(question)
        talk.answer(answer(machine, re.search(r"secret=([A-Z2-7]+)", talk.screen)[1]) if callable(answer) else answer)
    status = talk.end()
    screen = stable(talk.screen, machine.directory)
    return stable(f"== {' '.join(map(str, words)) or 'otp-enroll'}", machine.directory) + f"\n{screen}== exit {status}\n"


def stable(screen, directory):
    """The text without what differs each time: key, codes, QR code and its size, host, folder."""
    drawn, text = set(scan.drawn_lines(screen)), []
    for line in screen.replace("\r", "").split("\n"):
        if line not in drawn:
            text.append(line)
        elif text[-1] != "[QR code]":
            text.append("[QR code]")
    text = "\n".join(text).replace(str(directory), "/DIR")
    text = re.sub(r"\b[A-Z2-7]{4}( [A-Z2-7]{4}){7}", " ".join(["KKKK"] * 8), text)
    text = re.sub(r"(secret=|: )[A-Z2-7]{32}\b", r"\1" + "K" * 32, text)
    text = re.sub(r"(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}", "XXXX-XXXX-XXXX-XXXX", text)
    text = re.sub(r"\x1b\]52;c;[^\x07]+\x07", "[to the clipboard]", text)
    text = re.sub(r"takes \d+ (columns|lines)", r"takes NN \1", text)
    text = re.sub(r"\d+(칸이어야|줄이 필요)", r"NN\1", text)
    host = re.escape(os.uname().nodename)
    return re.sub(r"\b\d{6}\b", "######", re.sub(rf"(?m){host}(?=.*, 2027-01-15 \d\d:\d\d UTC$)", "HOST", text))


def compare(language, found):
    recorded = RECORDED / f"{language}.txt"
    if os.environ.get("OTP_WRITE_TRANSCRIPTS") == "1":
        recorded.write_text(found)
    assert found == recorded.read_text(), "the text differs from the recorded one: OTP_WRITE_TRANSCRIPTS=1 writes it anew"
