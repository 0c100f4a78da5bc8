"""Draws the pictures of packaging/screens, from a real user's way through the portal: tests/portal/screens starts it.

The keys and codes in them are of an account that is gone when this ends."""

import ctypes
import pathlib
import socket
import struct
import subprocess
import tempfile
import zlib

import accounts
import pytest
import sshd
from browser import Browser
from clock import START
from portals import ENROLS, HOME, Person
from web_servers import WORLD

pytestmark = pytest.mark.promised_by("ours")

PLACE = WORLD / "results/screens"
MACHINE, ISSUER = "web1", "Example"
# The window is as wide as a page in a README, and higher than any page: each picture ends where its page ends.
SIZE = (860, 480)
CLONE_NEWUTS = 0x04000000
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def become_another_machine():
    """Changes the host name of all programs started from here: recovery codes name their machine."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.unshare(CLONE_NEWUTS) == 0, ctypes.get_errno()
    socket.sethostname(MACHINE)


# This comes before any fixture starts a program.
become_another_machine()


@pytest.fixture
def alice():
    account = accounts.Account("alice", accounts.random_password())
    subprocess.run(["useradd", "--create-home", "--base-dir", accounts.HOMES, "--shell", "/bin/sh", account.name], check=True)
    accounts.set_password(account)
    yield account
    subprocess.run(["userdel", "--remove", account.name], check=True, capture_output=True)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_guide(language):
    """Before there is a portal, which a guide would name."""
    sshd.bring_loopback_up()
    with tempfile.TemporaryDirectory() as place, Browser(language, SIZE) as browser:
        conf, page = pathlib.Path(place, "policy.conf"), pathlib.Path(place, "guide.html")
        conf.write_text(f'issuer = "{ISSUER}"\nlanguage = "{language}"\n')
        command = [WORLD / "bin/otp-admin", "--conf", conf, "--lang", language, "guide", "--html"]
        page.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
        browser.go(f"file://{page}")
        small(browser.picture(PLACE / f"guide.{language}.png"))


@pytest.mark.parametrize("language", ["en", "ko"])
def test_screens(portal, nginx, clock, policy, under_test, alice, language):
    policy(f'issuer = "{ISSUER}"\n{ENROLS}')
    with Browser(language, SIZE) as browser:
        person = Person(alice, browser, clock)

        def draw(name):
            browser.driver.execute_script("document.activeElement.blur()")
            small(browser.picture(PLACE / f"{name}.{language}.png"))

        browser.go(f"{HOME}login")
        draw("login")
        browser.fill("user", alice.name)
        browser.fill("answer", alice.password)
        if not browser.has(".qr svg"):
            browser.press(browser.one("form.card button"))
        draw("first-login")
        person.scan()
        browser.fill("answer", alice.codes.now())
        draw("recovery-codes")
        browser.tick("answer")
        person.log_out()
        clock.set(START + 3 * 86_400 + 3_600)
        person.begin()
        draw("code")
        browser.fill("answer", person.code())
        browser.go(f"{HOME}devices/add")
        browser.fill("name", {"en": "laptop", "ko": "노트북"}[language])
        person.prove()
        first = alice.codes
        person.scan()
        draw("enrol")
        browser.fill("code", alice.codes.now())
        alice.codes = first
        browser.go(HOME)
        draw("overview")
    under_test.reset(alice)


def small(path):
    """Gives the picture a palette: screens have few colours, and small differences of shade are invisible."""
    width, height, shades = pixels(path.read_bytes())
    # Each channel keeps its visible part: six bits or, with too many colours, five or four.
    for bits in (6, 5, 4):
        most = 255 >> 8 - bits
        coarse = {shade: bytes((value >> 8 - bits) * 255 // most for value in shade) for shade in set(shades)}
        palette = sorted(set(coarse.values()))
        if len(palette) <= 256:
            break
    else:
        raise ValueError(f"{path}: too many colours")
    number = {shade: palette.index(coarse[shade]) for shade in coarse}
    rows = b"".join(b"\0" + bytes(number[shade] for shade in shades[row * width:(row + 1) * width]) for row in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"PLTE", b"".join(palette)), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    path.write_bytes(SIGNATURE + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks))


def pixels(data):
    """Returns width, height, and the colours of all pixels in order, of a PNG as Chromium writes it."""
    at, chunks = len(SIGNATURE), []
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        chunks.append((kind, data[at + 8:at + 8 + length]))
        at += 12 + length
    width, height, depth, colours, *_, interlaced = struct.unpack(">IIBBBBB", dict(chunks)[b"IHDR"])
    assert depth == 8 and colours in (2, 6) and not interlaced
    step = 4 if colours == 6 else 3
    raw = zlib.decompress(b"".join(data for kind, data in chunks if kind == b"IDAT"))
    above, shades = bytes(width * step), []
    for start in range(0, len(raw), width * step + 1):
        row = unfiltered(raw[start], bytearray(raw[start + 1:start + 1 + width * step]), above, step)
        shades += [tuple(row[index:index + 3]) for index in range(0, len(row), step)]
        above = row
    return width, height, shades


def unfiltered(how, row, above, step):
    """Returns one row as it was before its filter (PNG, section 9)."""
    if how == 2:
        return bytearray((value + up) & 255 for value, up in zip(row, above))
    for index in range(len(row)) if how else ():
        left, over = (row[index - step], above[index - step]) if index >= step else (0, 0)
        up = above[index]
        if how == 1:
            guess = left
        elif how == 3:
            guess = (left + up) // 2
        elif up == over:
            guess = left
        elif left == over:
            guess = up
        else:
            guess = min((abs(up - over), 0, left), (abs(left - over), 1, up), (abs(left + up - 2 * over), 2, over))[2]
        row[index] = (row[index] + guess) & 255
    return row
