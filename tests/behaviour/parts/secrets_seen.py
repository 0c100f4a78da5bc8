"""The places where a secret could be seen: command lines, environments, memory; and the traces to search for there."""

import base64
import pathlib
import re
import struct
import threading

WINDOW = 8


class Watch:
    """The command lines and environments of all processes, read over and over until the end of the block."""

    def __enter__(self):
        self._seen = {"cmdline": set(), "environ": set()}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()

    def _look(self):
        while not self._done.is_set():
            for process in pathlib.Path("/proc").iterdir():
                if process.name.isdigit():
                    for what, seen in self._seen.items():
                        try:
                            seen.add((process / what).read_bytes())
                        except OSError:
                            pass  # it ended meanwhile
            self._done.wait(0.002)

    def seen(self, what):
        return b"\n".join(self._seen[what])


def memory(pid):
    """All writable memory of a process, in one piece, with marks between ranges that are not adjacent."""
    pieces = []
    maps = pathlib.Path("/proc", str(pid), "maps").read_text()
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as source:
        for first, last, rights in re.findall(r"^(\w+)-(\w+) (\S+) ", maps, re.MULTILINE):
            if rights.startswith("rw"):
                source.seek(int(first, 16))
                pieces.append(source.read(int(last, 16) - int(first, 16)))
    return b"\xff\0gap\0\xff".join(pieces)


def traces_of_key(base32_text):
    """The traces that give a shared key away, by name: a few bytes of it in each form that it takes on its way through
    HMAC.

    HMAC mixes the key with two constants, and SHA reads the result in words of four bytes, in the other byte order on this
    kind of machine. Eight bytes in a row are too many to be there by chance.
    """
    key = base64.b32decode(base32_text)
    letters = base32_text.encode()
    traces = {f"base32 from {at}": part for at, part in windows(letters)}
    traces |= {f"base32 in lower case from {at}": part for at, part in windows(letters.lower())}
    for form, mask in {"key": 0, "inner pad": 0x36, "outer pad": 0x5C}.items():
        masked = bytes(byte ^ mask for byte in key)
        for order, text in {"": masked, " in words": swapped(masked), " backwards": masked[::-1]}.items():
            traces |= {f"{form}{order} from {at}": part for at, part in windows(text)}
    # The state of SHA-1 after a pad is as good as the key. It is in words, in the byte order of this kind of machine.
    for form, mask in {"inner": 0x36, "outer": 0x5C}.items():
        state = sha1_after(bytes(byte ^ mask for byte in key.ljust(64, b"\0")))
        traces |= {f"state after the {form} pad from {at}": part for at, part in windows(struct.pack("<5I", *state))}
    return traces


def sha1_after(block):
    """The five words that SHA-1 holds after one block of 64 bytes (FIPS 180-4 section 6.1.2)."""
    def turned(word, by):
        return (word << by | word >> (32 - by)) & 0xFFFFFFFF

    words = list(struct.unpack(">16I", block))
    for at in range(16, 80):
        words.append(turned(words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16], 1))
    start = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0)
    a, b, c, d, e = start
    for at, word in enumerate(words):
        if at < 20:
            mixed, constant = b & c | ~b & d, 0x5A827999
        elif at < 40:
            mixed, constant = b ^ c ^ d, 0x6ED9EBA1
        elif at < 60:
            mixed, constant = b & c | b & d | c & d, 0x8F1BBCDC
        else:
            mixed, constant = b ^ c ^ d, 0xCA62C1D6
        a, b, c, d, e = (turned(a, 5) + (mixed & 0xFFFFFFFF) + e + constant + word) & 0xFFFFFFFF, a, turned(b, 30), c, d
    return [(one + two) & 0xFFFFFFFF for one, two in zip(start, (a, b, c, d, e))]


def traces_of_recovery_code(code):
    letters = code.replace("-", "")
    number = 0
    for letter in letters:
        number = number << 5 | "0123456789ABCDEFGHJKMNPQRSTVWXYZ".index(letter)
    raw = number.to_bytes(10, "big")
    texts = {code, code.lower(), letters, letters.lower()}
    traces = {f"text {number}": text.encode() for number, text in enumerate(sorted(texts))}
    traces |= {f"first half {number}": text[:9].encode() for number, text in enumerate(sorted(texts))}
    for order, text in {"": raw, " backwards": raw[::-1], " in words": swapped(raw)}.items():
        traces |= {f"bytes{order} from {at}": part for at, part in windows(text)}
    return traces


def windows(text):
    return [(at, text[at : at + WINDOW]) for at in range(len(text) - WINDOW + 1)]


def swapped(text):
    return b"".join(text[at : at + 4][::-1] for at in range(0, len(text), 4))


def found_in(haystack, traces):
    """The names of the traces that the text contains."""
    return [name for name, trace in traces.items() if trace in haystack]
