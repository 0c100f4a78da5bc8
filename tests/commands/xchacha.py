"""XChaCha20-Poly1305 in plain Python, for the second implementation: RFC 8439, with the nonce of draft-irtf-cfrg-xchacha-03."""

import hmac
import struct

CONSTANTS = struct.unpack("<4I", b"expand 32-byte k")


def _rounds(state):
    words = list(state)

    def quarter(a, b, c, d):
        for into, other, turn, by in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            words[into] = (words[into] + words[other]) & 0xFFFFFFFF
            mixed = words[turn] ^ words[into]
            words[turn] = (mixed << by | mixed >> (32 - by)) & 0xFFFFFFFF

    for _ in range(10):
        for column in range(4):
            quarter(column, column + 4, column + 8, column + 12)
        for turn in range(4):
            quarter(turn, 4 + (turn + 1) % 4, 8 + (turn + 2) % 4, 12 + (turn + 3) % 4)
    return words


def _hchacha(key, nonce):
    words = _rounds([*CONSTANTS, *struct.unpack("<8I", key), *struct.unpack("<4I", nonce)])
    return struct.pack("<8I", *words[:4], *words[12:])


def _block(key, counter, nonce):
    state = [*CONSTANTS, *struct.unpack("<8I", key), counter, *struct.unpack("<3I", nonce)]
    return struct.pack("<16I", *((one + two) & 0xFFFFFFFF for one, two in zip(state, _rounds(state))))


def _crypt(key, nonce, text):
    stream = b"".join(_block(key, counter, nonce) for counter in range(1, len(text) // 64 + 2))
    return bytes(one ^ two for one, two in zip(text, stream))


def _tag(key, nonce, associated, sealed):
    once = _block(key, 0, nonce)[:32]
    r = int.from_bytes(once[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    padded = b"".join(part + bytes(-len(part) % 16) for part in (associated, sealed))
    padded += struct.pack("<2Q", len(associated), len(sealed))
    total = 0
    for at in range(0, len(padded), 16):
        total = (total + int.from_bytes(padded[at:at + 16] + b"\x01", "little")) * r % (2**130 - 5)
    return ((total + int.from_bytes(once[16:], "little")) % 2**128).to_bytes(16, "little")


def seal(key, nonce, associated, text):
    key, nonce = _hchacha(key, nonce[:16]), bytes(4) + nonce[16:]
    sealed = _crypt(key, nonce, text)
    return sealed + _tag(key, nonce, associated, sealed)


def unseal(key, nonce, associated, sealed):
    """Decrypts a text; returns None if it does not open."""
    key, nonce = _hchacha(key, nonce[:16]), bytes(4) + nonce[16:]
    sealed, tag = sealed[:-16], sealed[-16:]
    if not hmac.compare_digest(tag, _tag(key, nonce, associated, sealed)):
        return None
    return _crypt(key, nonce, sealed)


def test_vector():
    """draft-irtf-cfrg-xchacha-03, appendix A.3.1."""
    text = (b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen "
            b"would be it.")
    key, nonce = bytes(range(0x80, 0xA0)), bytes(range(0x40, 0x58))
    associated = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
    sealed = seal(key, nonce, associated, text)
    assert sealed.hex().startswith("bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb")
    assert sealed[-16:].hex() == "c0875924c1c7987947deafd8780acf49"
    assert unseal(key, nonce, associated, sealed) == text
    assert unseal(key, nonce, associated + b"x", sealed) is None
