"""The record of one user on disk, and the second implementation's view of it."""

import pwd

import pytest
from second_implementation import read_credential, read_state, write_credential, write_record

USER = "daemon"
UID = pwd.getpwnam(USER).pw_uid


class Files:
    """The files of USER in the directory of all records."""

    def __init__(self, machine):
        self.machine = machine
        self.directory = machine.records / USER
        self.credential = self.directory / "credential.toml"
        self.state = self.directory / "state"

    def read(self):
        credential = read_credential(self.credential.read_bytes(), USER, UID)
        return credential, *read_state(self.state.read_bytes(), credential)

    def write(self, credential, state):
        """Writes a record that no real program has seen, with the state that it has before any attempt."""
        self.directory.mkdir(mode=0o700)
        self.put(self.state, write_record(state, 1) + write_record(state, 2), 0o660)
        self.put(self.credential, write_credential(credential), 0o640)

    def put(self, path, content, mode):
        path.write_bytes(content)
        path.chmod(mode)

    def provision(self, *options):
        """Has `otp-admin provision` write the record. Its secret stays out of the report of a failed test."""
        made = self.machine.provision(USER, *options)
        self.secret = made["secret"]
        return made

    def content(self):
        """The record's files with their modes. Links are followed, and anything that is not a file has no content."""
        return {
            path.name: (path.lstat().st_mode, path.read_bytes() if path.is_file() else None)
            for path in self.directory.iterdir()
        }


@pytest.fixture
def files(machine):
    return Files(machine)
