"""Recovery codes of 8 digits in an account's record, as an import from another program leaves them.

The second implementation of the format writes them, so no importer has a part in it.
"""

import os
import pathlib
import pwd
import sys

from under_test import BINARIES

sys.path.append(str(BINARIES))
import second_implementation as second  # noqa: E402  (only tests/run puts it there)


def give(under_test, account, *digits):
    """Replaces the account's recovery codes by these; its authenticators stay."""
    directory = pathlib.Path(under_test.state_directory, account.name)
    uid = pwd.getpwnam(account.name).pw_uid
    path, state_path = directory / "credential.toml", directory / "state"
    credential = second.read_credential(path.read_bytes(), account.name, uid)
    state, *_ = second.read_state(state_path.read_bytes(), credential)
    salt = os.urandom(16)
    hashes = [second.slow_hash(salt, code) for code in digits]
    credential.recovery = second.RecoverySet(os.urandom(8).hex(), salt, hashes, 0, slow=True)
    state.recovery = {credential.recovery.id: 0}
    state_path.write_bytes(second.write_record(state, 1) + second.write_record(state, 2))
    path.write_bytes(second.write_credential(credential))
    account.recovery_codes = list(digits)
