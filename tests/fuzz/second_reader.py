"""Reads records as pam_otp-format(5) says, for tests/second_reader.rs: this asks tests/commands/second_implementation.py, over
standard input.

A question is a letter (credential, state, first-login, trust, mail), the length in four octets, and the octets. States are read
beside the last credential that was accepted. The answer is the length and the octets of the content, written by the rules;
or "newer" or "refused"; or "no TOML", if a reader may still see that the file is newer.
"""

import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "commands"))

from second_implementation import (  # noqa: E402
    RECORD, Newer, Refused, read_credential, read_first_login, read_mail, read_state, read_trust, write_credential,
    write_first_login, write_mail, write_record, write_trust,
)

USER, UID = "alice", 1001


def main():
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    credential = None
    while head := questions.read(5):
        kind, length = head[:1].decode(), struct.unpack(">I", head[1:])[0]
        content = questions.read(length)
        try:
            if kind == "c":
                credential = read_credential(content, USER, UID)
                answer = "taken\n" + write_credential(credential).decode().split("\n", 1)[1]
            elif kind == "s":
                state, sequence, successor = read_state(content, credential)
                last = sequence == 2**64 - 1
                record = write_record(state, 1 if last else sequence + 1).decode().rstrip("\n")
                assert len(record) < RECORD
                answer = f"taken\n{'no successor' if last else successor}\n{record}"
            elif kind == "t":
                answer = "taken\n" + write_trust(read_trust(content)).decode()
            elif kind == "m":
                answer = "taken\n" + write_mail(*read_mail(content)).decode()
            else:
                uid, when = read_first_login(content)
                answer = "taken\n" + write_first_login(uid, when).decode()
        except Newer:
            answer = "newer\n"
        except Refused as refused:
            answer = "no TOML\n" if str(refused) == "not TOML" else "refused\n"
        octets = answer.encode()
        answers.write(struct.pack(">I", len(octets)) + octets)
        answers.flush()


main()
