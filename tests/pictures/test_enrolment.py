"""The picture in README.md has otp-enroll's words of today, and its QR code holds the URI beside it."""

import pathlib
import re

import enrolment
import scan
import test_dialogue_transcript

PICTURE = (pathlib.Path(__file__).parent / "enrolment.svg").read_text()
FIRST = "alice@server:~$ otp-enroll"


def dialogue():
    """Returns the lines of the recorded dialogue of a first enrolment."""
    recorded = (test_dialogue_transcript.RECORDED / "en.txt").read_text()
    return recorded.split("== exit 0")[0].splitlines()[1:]


def test_the_picture_reads_as_the_recorded_dialogue():
    first, *shown = enrolment.text(PICTURE)
    assert first == FIRST
    stable = test_dialogue_transcript.stable("\n".join(shown), "/nowhere")
    stable = stable.replace("alice at server, ", "daemon at HOST, ").replace("alice", "daemon")
    moment = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC")
    lines = [moment.sub("", line).rstrip() for line in stable.splitlines()]
    recorded = iter(moment.sub("", line).rstrip() for line in dialogue())
    for line in lines:
        assert any(line == one for one in recorded), f"otp-enroll does not say this here: {line}"
    for said in ("6-digit code", "Recovery codes of", 'Type "kept"', "is enrolled"):
        assert any(said in line for line in lines), said


def test_the_qr_code_of_the_picture_is_that_of_its_uri(tmp_path):
    (uri,) = [word for line in enrolment.text(PICTURE) for word in line.split() if word.startswith("otpauth://")]
    width, height = map(int, re.search(r'viewBox="0 0 (\d+) (\d+)"', PICTURE).groups())
    pixels = [bytearray([scan.BLACK]) * width for _ in range(height)]
    rectangles = re.findall(r"M(\d+) (\d+)h(\d+)v(\d+)h-\d+z", PICTURE)
    for left, top, across, down in (map(int, one) for one in rectangles):
        for row in pixels[top : top + down]:
            row[left : left + across] = bytes([scan.WHITE]) * across
    path = tmp_path / "picture.pgm"
    path.write_bytes(b"P5 %d %d 255\n" % (width, height) + b"".join(pixels))
    assert scan.picture(path) == [uri]
