"""Records as a newer version of pam_otp would write them, which this one cannot read."""

import re

# For each file, the line of its version, and the same line with the first unknown version.
FORMATS = {
    "credential.toml": (rb"^version = [123]\n", b"version = 4\n"),
    "state": (rb"^pam_otp-state 1\n", b"pam_otp-state 2\n"),
}


def make_newer(file):
    """Gives a file of a record, one of `FORMATS`, the next format."""
    known, newer = FORMATS[file.name]
    contents, changed = re.subn(known, newer, file.read_bytes(), count=1, flags=re.MULTILINE)
    if not changed:
        raise ValueError(f"{file}: not in a format of this version")
    file.write_bytes(contents)
