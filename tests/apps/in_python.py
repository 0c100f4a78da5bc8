"""The codes that a Python library computes: `python3 in_python.py NAME < cases.json`, at the time of the process (libfaketime).

tests/apps/run describes cases and answers.
"""

import hmac
import json
import sys


def pyotp(case):
    import pyotp

    totp = pyotp.parse_uri(case["uri"])
    return totp.now(), totp.name


def passlib(case):
    from passlib.totp import TOTP

    totp = TOTP.from_uri(case["uri"])
    return totp.generate().token, totp.label


def numberstation(case):
    sys.path.insert(0, "/usr/share/numberstation")
    from numberstation.otpurl import OTPUrl

    url = OTPUrl(case["uri"])
    return url.get_token()[0], url.label.partition(":")[2]


def ykman(case):
    """Computes the code from the values that ykman would write to a token, which computes it there."""
    from yubikit.oath import CredentialData

    data = CredentialData.parse_uri(case["uri"])
    hash_name = {1: "sha1", 2: "sha256", 3: "sha512"}[int(data.hash_algorithm)]
    return computed(data.secret, hash_name, data.digits, data.period), data.name


def computed(key, algorithm, digits, period):
    """RFC 4226 section 5.3."""
    import time

    mac = hmac.digest(key, int(time.time() // period).to_bytes(8, "big"), algorithm)
    at = mac[-1] & 15
    return str((int.from_bytes(mac[at:at + 4], "big") & 0x7FFFFFFF) % 10**digits).zfill(digits)


def answer(program, case):
    try:
        code, account = program(case)
        return {"code": code, "account": account}
    except Exception as error:  # whatever a library says no with
        return {"refused": f"{type(error).__name__}: {error}"[:60]}


if __name__ == "__main__":
    program = {"pyotp": pyotp, "passlib": passlib, "numberstation": numberstation, "ykman": ykman}[sys.argv[1]]
    print(json.dumps([answer(program, case) for case in json.load(sys.stdin)["cases"]]))
