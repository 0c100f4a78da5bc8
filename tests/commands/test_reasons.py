"""tests/reasons: at the end of a run, tests/run prints which tests failed and why, without any code or key."""

import pathlib
import re
import subprocess
import sys

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[1]
CODE, RECOVERY_CODE, KEY = "918273", "ABCD-EF12-GH34-JK56", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
SEALING_KEY = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
SECRETS = CODE, RECOVERY_CODE, KEY, SEALING_KEY, KEY[:6], KEY[-10:]

LIBTEST = f"""
running 3 tests
test good ... ok
test module::bad ... FAILED
test other ... FAILED

failures:

---- module::bad stdout ----
what it had said before

thread 'module::bad' (12) panicked at otp-core/tests/some.rs:5:9:
assertion `left == right` failed: "{CODE}"
  left: {RECOVERY_CODE}
 right: 1763640000
stack backtrace:
   0: __rustc::rust_begin_unwind
note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace.

---- other stdout ----
Error: {KEY}


failures:
    module::bad
    other

test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.21s

error: test failed, to rerun pass `-p otp-core --test some`
     Running tests/over_etcd/main.rs (target/debug/deps/over_etcd-9d98847b20ed760c)

running 2 tests
test over_etcd::good ... ok

thread '<unnamed>' (33) panicked at otp-fleet/tests/over_etcd/figures.rs:72:9:
{SEALING_KEY}
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
test over_etcd::bad ... FAILED

test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out
error: 2 targets failed:
    `-p otp-core --test some`
"""
WHY_LIBTEST = """\
-- rust: module::bad
   thread 'module::bad' (12) panicked at otp-core/tests/some.rs:5:9:
   assertion `left == right` failed: "******"
     left: *******************
    right: 1763640000
-- rust: other
   Error: ********************************
-- rust: over_etcd::bad
   thread '<unnamed>' (33) panicked at otp-fleet/tests/over_etcd/figures.rs:72:9:
   ****************************************************************
"""
COMPILER = """
   Compiling otp-core v0.1.0
error[E0425]: cannot find value `nothing` in this scope
 --> otp-core/src/lib.rs:3:5
"""


def reasons(*arguments):
    done = subprocess.run([TESTS / "reasons", *arguments], capture_output=True, text=True, check=True)
    assert not any(secret in done.stdout for secret in SECRETS)
    return done.stdout


def test_panics_are_reported_by_test(tmp_path):
    log = tmp_path / "rust.log"
    log.write_text(LIBTEST)
    assert reasons("rust", "rust", log) == WHY_LIBTEST


def test_compiler_errors_are_reported(tmp_path):
    log = tmp_path / "rust.log"
    log.write_text(COMPILER)
    assert "   error[E0425]: cannot find value `nothing` in this scope\n" in reasons("rust", "rust", log)


def test_failures_in_pytests_report_are_reported_by_test(tmp_path):
    (tmp_path / "test_it.py").write_text(f"""
import pytest

@pytest.fixture
def broken():
    raise OSError("nothing there")

def check(code):
    typed = "typed {CODE}"
    assert typed == code

def test_good():
    pass

@pytest.mark.parametrize("which", ["a"])
def test_bad(which):
    check("typed {KEY}")

def test_never_begun(broken):
    pass

def test_long():
    assert list(range(100, 200)) == []

def test_wide():
    raise AssertionError("first" + 2000 * " x" + "last")
""")
    report = tmp_path / "report.xml"
    words = ["-p", "no:cacheprovider", "-q", "-o", "junit_family=xunit1", f"--junitxml={report}", "test_it.py"]
    # tests/run uses the machine's own Python packages, not those of the user who runs it.
    subprocess.run([sys.executable, "-B", "-m", "pytest", *words], cwd=tmp_path, stdout=subprocess.DEVNULL, check=False)
    told = reasons("behaviour ours it", "junit", report)
    parts = dict(re.findall(r"(?m)^-- behaviour ours it: test_it::(\S+)\n((?:   .*\n)+)", told))
    assert list(parts) == ["test_bad[a]", "test_never_begun", "test_long", "test_wide"]
    assert "AssertionError: assert 'typed ******' == 'typed *" in parts["test_bad[a]"]
    assert re.search(r"\n   test_it.py:\d+: AssertionError\n$", parts["test_bad[a]"])
    assert "OSError: nothing there" in parts["test_never_begun"]
    assert "first x" in parts["test_wide"] and "x xlast" in parts["test_wide"]
    assert all(len(lines.splitlines()) < 15 for lines in parts.values())
    assert max(map(len, told.splitlines())) < 310


def test_run_without_a_report_is_reported_by_its_last_words(tmp_path):
    log = tmp_path / "it.log"
    log.write_text("".join(f"line {number}\n" for number in range(50)))
    told = reasons("packages", "log", log, "nothing", "junit", tmp_path / "missing")
    assert told.startswith("-- packages: no report\n   line 36\n") and told.endswith("   line 49\n")
    log.write_text("much\nE: Unable to locate package\nmore\n")
    assert reasons("packages", "log", log) == "-- packages: no report\n   E: Unable to locate package\n"


def test_only_some_of_very_many_failures_are_reported(tmp_path):
    log = tmp_path / "rust.log"
    log.write_text("".join(f"test number{number} ... FAILED\n" for number in range(30)))
    told = reasons("rust", "rust", log).splitlines()
    assert len(told) == 21 and told[-1] == "-- rust: and 10 more"


@pytest.mark.parametrize("harmless", ["127.0.0.1:41155", "1763640000", "after 300 s", "revision 1234", "10.99.0.12"])
def test_harmless_numbers_are_shown(tmp_path, harmless):
    log = tmp_path / "rust.log"
    log.write_text(f"thread 'x' panicked at a.rs:1:2:\n{harmless}\ntest x ... FAILED\n")
    assert harmless in reasons("rust", "rust", log)
