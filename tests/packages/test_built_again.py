"""The same commit gives the same bytes, by any builder and in any directory."""

import hashlib
import os
import pathlib
import subprocess

import pytest
from conftest import named

TOP = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory):
    """A clone in another folder."""
    place = tmp_path_factory.mktemp("another")
    clone = place / "longer" / "folder"
    # Root clones another user's checkout. This is a file, because git clears the environment for the process that reads the clone.
    (place / "gitconfig").write_text("[safe]\n\tdirectory = *\n")
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": str(place / "gitconfig")}
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", TOP, clone], env=environment, check=True)
    return clone


@pytest.mark.parametrize("kind", ["deb", "rpm"])
def test_a_second_build_in_another_folder_is_the_same(elsewhere, kind):
    first = [named(f"PAM_OTP{package}_{kind.upper()}") for package in ("", "_VERIFIER", "_PORTAL")]
    given = ("CARGO_TARGET_DIR", "LC_ALL")
    environment = {name: value for name, value in os.environ.items() if name not in given}
    environment |= {
        "TZ": "Asia/Seoul", "LANG": "C", "USER": "somebody",
        "CDPATH": "/usr:/etc", "TAR_OPTIONS": "--exclude=README.md", "CARGO_BUILD_TARGET": "none-such",
        "CARGO_PROFILE_RELEASE_OPT_LEVEL": "1",
        # As a ~/.gitconfig might set them.
        "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.autocrlf", "GIT_CONFIG_VALUE_0": "true",
    }
    done = subprocess.run(
        [f"packaging/{kind}"], cwd=elsewhere, env=environment, umask=0o077, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, text=True, check=True,
    )
    second = [pathlib.Path(line) for line in done.stdout.splitlines()]
    assert [made.name for made in second] == [made.name for made in first]
    for before, made in zip(first, second):
        assert made.is_relative_to(elsewhere) and digest(made) == digest(before), made.name


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()
