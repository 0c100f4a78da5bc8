"""The fixtures of every proof of a row."""

import pathlib
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
pytest.register_assert_rewrite("probe", "table", "kept", "terminal", "screen")

import kept  # noqa: E402  (the path has to come first)
import probe as probes  # noqa: E402
import table  # noqa: E402

PERSON, RUNNER, PASSWORD = "person", "runner", "password-of-person"


def pytest_configure(config):
    # The child of a fork goes straight on to exec, so this warning does not apply.
    config.addinivalue_line("filterwarnings", "ignore:.*multi-threaded.*forkpty:DeprecationWarning")
    config.addinivalue_line("markers", "program(*names): the rows that a test proves")
    if not pathlib.Path("/run/probe").is_dir() or not table.RELEASE:
        raise pytest.UsageError("these tests change PAM services: start them with tests/programs/run")
    shutil.copytree("/etc/pam.d", table.PRISTINE)


@pytest.fixture(scope="session")
def accounts():
    """`person`, who logs in, and `runner`, who starts programs for others; both may do whatever a program asks for."""
    for name in (PERSON, RUNNER):
        table.run("useradd", "--create-home", "--shell", "/bin/sh", name)
        subprocess.run(["chpasswd"], input=f"{name}:{PASSWORD}\n", text=True, check=True)
    defs = pathlib.Path("/etc/login.defs")
    if defs.exists():
        defs.write_text("\n".join(line for line in defs.read_text().splitlines() if "FAIL_DELAY" not in line) + "\nFAIL_DELAY 0\n")


@pytest.fixture(scope="session")
def system_log():
    return kept.SystemLog()


@pytest.fixture
def probe(system_log, accounts):
    found = probes.Probe()
    # Services without a file end here, and not in a file that Debian has for them.
    pathlib.Path("/etc/pam.d/other").write_text("auth required pam_deny.so\naccount required pam_deny.so\nsession required pam_deny.so\n")
    kept.assert_search_finds()
    yield found


@pytest.fixture
def row(request):
    """The row that a test names: @pytest.mark.program(NAME...)."""
    return table.row(*request.node.get_closest_marker("program").args)


def pytest_collection_modifyitems(items):
    for item in items:
        assert item.get_closest_marker("program"), f"{item.nodeid}: of which program?"
