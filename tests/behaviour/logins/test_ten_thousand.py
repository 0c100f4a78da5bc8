"""Ten thousand logins in one process, each with a PAM handle of its own, leave nothing behind but the module itself."""

import os
import pathlib
import re
import subprocess
import tempfile

import pytest

import doors
from application import SERVICE, service  # noqa: F401
from codes import PERIOD

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("service")]

SOURCE = pathlib.Path(__file__).parents[1] / "parts" / "many.c"
LOGINS = 10_000
SAMPLES = 10
# malloc's own reserve, of which it lends out parts.
SLACK_KIB = 256
SLACK_MAPPINGS = 2


@pytest.fixture(scope="module")
def many():
    path = pathlib.Path(tempfile.mkdtemp(prefix="many."), "many")
    path.parent.chmod(0o755)
    flags = ["-O1", "-g", "-Wall", "-Wextra", "-Werror"]
    subprocess.run(["gcc", *flags, "-o", path, SOURCE, "-lpam", "-pthread"], check=True)
    return path


def moments(accounts, clock, count):
    """That many lines for the program. A step is left out if a nearby step has the same code."""
    columns = [account.codes.from_step(0, count + count // 100 + 10) for account in accounts]
    lines = []
    for at in range(2, len(columns[0]) - 2):
        here = [column[at] for column in columns]
        near = [code for column in columns for code in column[at - 2 : at + 3]]
        if all(near.count(code) == 1 for code in here):
            lines.append(" ".join([str(clock.now + at * PERIOD), *here]) + "\n")
    doors.TYPED.extend(lines[0].split()[1:])
    assert len(lines) >= count
    return "".join(lines[:count])


def samples(program, accounts, clock, count, every, *tool):
    """The resources of the process after every `every` moments."""
    done = subprocess.run(
        [*tool, program, SERVICE, str(every), *(account.name for account in accounts)],
        input=moments(accounts, clock, count), capture_output=True, text=True, timeout=900,
        env={"PATH": os.environ["PATH"]},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = [dict(zip(words[::2], map(int, words[1::2]))) for words in map(str.split, done.stdout.splitlines())]
    assert [sample["accepted"] for sample in found] == [
        len(accounts) * every * (at + 1) for at in range(len(found))
    ], found[-1]
    return found, done.stderr


@pytest.mark.parametrize("threads", [1, 8])
def test_no_resource_grows(many, enrol, clock, capsys, threads):
    accounts = [enrol(f"many{at}") for at in range(threads)]
    count = LOGINS // threads
    found, _ = samples(many, accounts, clock, count, count // SAMPLES)
    first, last = found[1], found[-1]
    with capsys.disabled():
        print(f"\n{LOGINS} logins by {threads} threads: {first} -> {last}")
    for what in ("descriptors", "threads"):
        assert last[what] == first[what], found
    assert last["mappings"] - first["mappings"] <= SLACK_MAPPINGS, found
    assert last["heap"] - first["heap"] < SLACK_KIB * 1024, found
    assert last["resident"] - first["resident"] < SLACK_KIB, found


def test_valgrind_finds_nothing_lost(many, alice, clock, capsys):
    """No memory is lost, and after twenty logins the process holds no more than after five."""
    log = pathlib.Path(tempfile.mkdtemp(prefix="valgrind."), "log")
    tool = ["valgrind", "--leak-check=full", "--show-leak-kinds=definite,possible", f"--log-file={log}"]
    held = []
    for count in (5, 20):
        samples(many, [alice], clock, count, count, *tool)
        clock.advance((count + 20) * PERIOD)
        text = log.read_text()
        held.append(re.search(r"in use at exit: ([\d,]+) bytes in ([\d,]+) blocks", text).groups())
        assert re.search(r"ERROR SUMMARY: 0 errors", text), text[-4000:]
    with capsys.disabled():
        print(f"\nheld after 5 and after 20 logins (octets, blocks): {held}")
    assert held[0] == held[1]
