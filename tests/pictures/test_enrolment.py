"""The pictures in README.md and README.ko.md have otp-enroll's words of today, and their QR codes hold the URIs beside them."""

import pathlib
import re

import enrolment
import pytest
import scan
import test_dialogue_transcript

HERE = pathlib.Path(__file__).parent
PICTURES = {
    "en": (HERE / "enrolment.svg").read_text(),
    "ko": (HERE / "enrolment.ko.svg").read_text(),
}
SAID = {
    "en": ("6-digit code", "Recovery codes of", 'Type "kept"', "is enrolled"),
    "ko": ("6자리 인증 코드", "복구 코드,", '"보관"을 입력해 주세요', "인증 수단을 등록하고"),
}
FIRST = "alice@server:~$ otp-enroll"


def dialogue(language):
    """Returns the lines of the recorded dialogue of a first enrolment."""
    recorded = (test_dialogue_transcript.RECORDED / f"{language}.txt").read_text()
    return recorded.split("== exit 0")[0].splitlines()[1:]


@pytest.mark.parametrize("language", PICTURES)
def test_the_picture_reads_as_the_recorded_dialogue(language):
    first, *shown = enrolment.text(PICTURES[language])
    assert first == FIRST
    stable = test_dialogue_transcript.stable("\n".join(shown), "/nowhere")
    for ours, recorded in [("alice at server, ", "daemon at HOST, "), ("server의 alice ", "HOST의 daemon "), ("alice", "daemon")]:
        stable = stable.replace(ours, recorded)
    moment = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC")
    lines = [moment.sub("", line).rstrip() for line in stable.splitlines()]
    recorded = iter(moment.sub("", line).rstrip() for line in dialogue(language))
    for line in lines:
        assert any(line == one for one in recorded), f"otp-enroll does not say this here: {line}"
    for said in SAID[language]:
        assert any(said in line for line in lines), said


@pytest.mark.parametrize("language", PICTURES)
def test_the_qr_code_of_the_picture_is_that_of_its_uri(tmp_path, language):
    picture = PICTURES[language]
    (uri,) = [word for line in enrolment.text(picture) for word in line.split() if word.startswith("otpauth://")]
    width, height = map(int, re.search(r'viewBox="0 0 (\d+) (\d+)"', picture).groups())
    pixels = [bytearray([scan.BLACK]) * width for _ in range(height)]
    rectangles = re.findall(r"M(\d+) (\d+)h(\d+)v(\d+)h-\d+z", picture)
    for left, top, across, down in (map(int, one) for one in rectangles):
        for row in pixels[top : top + down]:
            row[left : left + across] = bytes([scan.WHITE]) * across
    path = tmp_path / "picture.pgm"
    path.write_bytes(b"P5 %d %d 255\n" % (width, height) + b"".join(pixels))
    assert scan.picture(path) == [uri]
