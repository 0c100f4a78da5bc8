"""Fixtures for every scenario. OTP_UNDER_TEST names the implementation under test."""

import os
import pathlib
import re
import signal
import sys

import pytest

PARTS = pathlib.Path(__file__).with_name("parts")
sys.path.insert(0, str(PARTS))
# Failed assertions of these modules are reported with the same detail as those of a scenario.
pytest.register_assert_rewrite(*(path.stem for path in PARTS.glob("*.py")))

import accounts  # noqa: E402  (the path above has to come first)
import clock as clocks  # noqa: E402
import codes  # noqa: E402
import doors  # noqa: E402
import journal as journals  # noqa: E402
import sshd  # noqa: E402
import vocabulary  # noqa: E402
from under_test import IMPLEMENTATIONS  # noqa: E402

UNDER_TEST = os.environ.get("OTP_UNDER_TEST") or "ours"
# The peers' secrets can be read only by root, or only by the user; ours has a helper.
DOORS = tuple(name for name in doors.SERVICES if UNDER_TEST == "ours" or name != doors.Pamtester.service)
SUDOERS = """
Defaults timestamp_timeout=0, passwd_tries=1, lecture=never, !fqdn
ALL ALL=(ALL:ALL) ALL
"""


def pytest_configure(config):
    # A shell without job control starts background processes with these signals ignored, and all processes that tests start
    # would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    config.addinivalue_line("markers", "promised_by(*names): the implementations that promise this")
    # After a fork the child does nothing but exec.
    config.addinivalue_line("filterwarnings", "ignore:.*multi-threaded.*forkpty:DeprecationWarning")
    if UNDER_TEST not in IMPLEMENTATIONS:
        raise pytest.UsageError(f"OTP_UNDER_TEST={UNDER_TEST}: one of {', '.join(IMPLEMENTATIONS)}")
    if not pathlib.Path("/run/pam_otp-tests/etc").is_dir():
        raise pytest.UsageError("these tests add accounts and move the clock: start them with tests/run")


def pytest_collection_modifyitems(config, items):
    """Selects the tests that the implementation promises. Each test must have a `promised_by`; the nearest one counts."""
    promised = []
    for item in items:
        marker = item.get_closest_marker("promised_by")
        if marker is None:
            raise pytest.UsageError(f"{item.nodeid}: no promised_by")
        if UNDER_TEST in marker.args:
            promised.append(item)
    config.hook.pytest_deselected(items=[item for item in items if item not in promised])
    items[:] = promised


@pytest.fixture(scope="session")
def under_test():
    implementation = IMPLEMENTATIONS[UNDER_TEST]()
    implementation.prepare()
    return implementation


@pytest.fixture(scope="session")
def journal():
    return journals.Journal()


@pytest.fixture(scope="session")
def machine_clock():
    return clocks.Clock()


@pytest.fixture
def clock(machine_clock):
    """The clock of all PAM programs. Each test begins at the same moment."""
    machine_clock.set(clocks.START)
    return machine_clock


@pytest.fixture(scope="session")
def server(machine_clock, journal):
    with sshd.Sshd() as running:
        yield running


@pytest.fixture(scope="session")
def every_door(machine_clock, journal, server):
    pathlib.Path("/etc/sudoers").write_text(SUDOERS)
    login_defs = pathlib.Path("/etc/login.defs")
    login_defs.write_text(re.sub(r"(?m)^FAIL_DELAY.*\n", "", login_defs.read_text()) + "FAIL_DELAY 0\n")
    caller = accounts.create("visitor")
    every = [doors.Ssh(server, sshd.HOST), doors.Sudo(), doors.Su(caller), doors.Pamtester()]
    assert tuple(door.service for door in every) == doors.SERVICES
    return {door.service: door for door in every}


@pytest.fixture
def protect():
    """`protect(LINE, ...)` makes these the auth lines of every service behind a door. They stay until a test writes others."""

    def write(*auth_lines):
        lines = [*(f"auth {line}" for line in auth_lines), "account required pam_unix.so", "session required pam_permit.so"]
        for service in doors.SERVICES:
            pathlib.Path("/etc/pam.d", service).write_text("\n".join(lines) + "\n")

    return write


@pytest.fixture(autouse=True)
def password_then_code(protect, under_test):
    """The stack that pam_otp-setup(7) recommends; a test that wants another stack calls `protect` itself."""
    protect("required pam_unix.so nodelay", under_test.line())


@pytest.fixture
def ssh(every_door, clock):
    return every_door["sshd"]


@pytest.fixture(params=DOORS)
def door(every_door, clock, request):
    """Each of sshd, sudo and su in turn, as root; and pamtester, as the account, over the helper."""
    return every_door[request.param]


@pytest.fixture
def enrol(under_test, clock, journal):
    """`enrol(NAME)` creates an account with a password, a secret and recovery codes."""

    def create(name, password=None):
        account = accounts.create(name, password)
        account.codes = codes.Codes(under_test.enrol(account), clock)
        return account

    return create


@pytest.fixture
def carol(enrol):
    """Another enrolled user."""
    return enrol("carol")


@pytest.fixture
def alice(enrol):
    """A user with an account, a password and an authenticator."""
    return enrol("alice")


@pytest.fixture
def bobby(clock, journal):
    """A user with an account and a password, who has never enrolled."""
    return accounts.create("bobby")


@pytest.fixture(autouse=True)
def nothing_typed_is_logged(journal):
    """After every scenario: the log contains no password, code or recovery code that was typed, and its entries keep to the
    manual."""
    doors.TYPED.clear()
    before = len(journal.lines())
    yield
    lines = journal.lines()[before:]
    if UNDER_TEST == "ours":
        vocabulary.assert_kept_to(lines)
    # Without process numbers: beyond a hundred thousand these look like codes.
    logged = "\n".join(re.sub(r"^(<\d+>(?:\w+ +\d+ [\d:]+ )?[\w-]+)\[\d+\]:", r"\1:", line) for line in lines) + "\n"
    logged += sshd.LOG.read_text(errors="replace") if sshd.LOG.exists() else ""
    # A log has thousands of lines: a plain search is quick there, and one with a look-behind is not.
    for reply in (reply for reply in doors.TYPED if reply in logged):
        assert len(reply) < 6 or not re.search(rf"(?<!\w){re.escape(reply)}(?!\w)", logged), "a reply is in the log"
