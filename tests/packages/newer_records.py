"""Records as a newer version of pam_otp would write them, which this one cannot read."""

FORMATS = {
    "credential.toml": (b"version = 1\n", b"version = 2\n"),
    "state": (b"pam_otp-state 1\n", b"pam_otp-state 2\n"),
}


def make_newer(file):
    """Gives a file of a record, which `FORMATS` names, the next format."""
    before, after = FORMATS[file.name]
    contents = file.read_bytes()
    if before not in contents:
        raise ValueError(f"{file}: not in the format of this version")
    file.write_bytes(contents.replace(before, after, 1))
