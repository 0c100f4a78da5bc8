"""The Linux console, as the kernel draws it with a font of console-setup (drivers/tty/vt/vt.c, and PSF fonts as kbd has them)."""

import gzip
import re
import struct

COLUMNS, LINES = 100, 50
BLACK, GREY, WHITE = 0x00, 0xAA, 0xFF
# The colours that otp-enroll uses where TERM is "linux". The ground has eight colours: its white is grey, also with 107.
INK = {"30": BLACK, "97": WHITE}
GROUND = {"40": BLACK, "47": GREY, "107": GREY}


class Font:
    def __init__(self, path):
        data = gzip.open(path).read()
        if data[:4] == b"\x72\xb5\x4a\x86":
            _, start, flags, count, size, self.height, self.width = struct.unpack("<7I", data[4:32])
            table = data[start + count * size :] if flags & 1 else b""
            entries = [entry.split(b"\xfe")[0].decode() for entry in table.split(b"\xff")]
        else:
            assert data[:2] == b"\x36\x04", f"{path}: no PSF font"
            mode, size = data[2:4]
            start, count, self.height, self.width = 4, 512 if mode & 1 else 256, size, 8
            numbers = [number for (number,) in struct.iter_unpack("<H", data[start + count * size :])]
            entries, entry = [], []
            for number in numbers:
                if number == 0xFFFF:
                    entries.append("".join(map(chr, entry)).split("\ufffe")[0])
                    entry = []
                else:
                    entry.append(number)
        self._glyphs = {}
        for number, entry in enumerate(entries[:count]):
            bits = data[start + number * size : start + (number + 1) * size]
            for character in entry:
                self._glyphs.setdefault(character, bits)

    def has(self, character):
        return character in self._glyphs

    def rows(self, character):
        """Yields for each line whether each pixel is ink."""
        # A missing character is drawn as U+FFFD; if that is missing too, as a question mark in swapped colours.
        shown = next(one for one in (character, "\ufffd", "?") if self.has(one))
        swapped = shown == "?" != character
        bits, line = self._glyphs[shown], (self.width + 7) // 8
        for at in range(0, self.height * line, line):
            row = int.from_bytes(bits[at : at + line], "big")
            yield [bool(row >> (8 * line - 1 - x) & 1) != swapped for x in range(self.width)]


def shown(text, font):
    """Returns the pixels of a console that shows this text, line by line."""
    lines = []
    for line in text.splitlines():
        ink, ground = GREY, BLACK
        rows = [b""] * font.height
        for sequence, character in re.findall(r"\x1b\[([\d;]*)m|(.)", line):
            if character:
                for at, pixels in enumerate(font.rows(character)):
                    rows[at] += bytes(ink if inked else ground for inked in pixels)
                continue
            for number in sequence.split(";"):
                if number == "0":
                    ink, ground = GREY, BLACK
                elif number in INK:
                    ink = INK[number]
                else:
                    ground = GROUND[number]
        lines += [row.ljust(COLUMNS * font.width, bytes([BLACK])) for row in rows]
    empty = bytes([BLACK]) * COLUMNS * font.width
    return lines + [empty] * (LINES * font.height - len(lines))
