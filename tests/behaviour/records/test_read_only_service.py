"""A service for which everything is read-only, as with ProtectSystem=strict, with and without the records in
ReadWritePaths."""

import pytest

from application import AUTH_ERR, AUTHINFO_UNAVAIL, SUCCESS, Application, program, service  # noqa: F401  (fixtures)

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("service")]


class Strict:
    """Does as systemd does: a private view of the mounts, in which only the named ones stay writable."""

    def __init__(self, *writable):
        self._writable = writable

    def running(self, *command):
        keep = "".join(f"mount --bind {path} {path} && " for path in self._writable)
        script = f"{keep}mount -o remount,bind,ro /etc && mount -o remount,bind,ro /var/lib && exec \"$@\""
        return ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script, "sh", *map(str, command)]


def test_records_in_read_write_paths_are_enough(program, alice, under_test, machine_clock, journal):
    with Application(program, Strict(under_test.state_directory)) as running:
        code = alice.codes.now()
        assert running.login(alice, code).code == SUCCESS
        assert running.login(alice, code).code == AUTH_ERR
        assert running.login(alice, alice.codes.wrong()).code == AUTH_ERR
    assert journal.names(alice.name) == ["otp.accept", "otp.replay", "otp.reject"]


def test_nobody_is_admitted_without_them_and_the_log_says_what_to_do(program, alice, machine_clock, journal):
    with Application(program, Strict()) as running:
        for reply in (alice.codes.now(), alice.codes.wrong()):
            assert running.login(alice, reply).code == AUTHINFO_UNAVAIL
            assert "ReadWritePaths=/var/lib/pam_otp" in journal.events(alice.name)[-1]["reason"]
