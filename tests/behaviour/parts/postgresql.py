"""A PostgreSQL server of our own on a free loopback port, which checks passwords by PAM; and psql, which logs in."""

import glob
import os
import pathlib
import subprocess
import uuid

import doors
import sshd
from clock import wait_until

# The machine's own PostgreSQL, or the one that tests/run has unpacked beside it.
PLACES = ["/usr/lib/postgresql/*/bin", "/run/pam_otp-tests/postgresql/usr/lib/postgresql/*/bin"]
SERVICE = "postgresql"
USER = "postgres"


def programs():
    found = [place for pattern in PLACES for place in sorted(glob.glob(pattern)) if os.path.exists(f"{place}/initdb")]
    assert found, "no PostgreSQL here; tests/run provides it"
    return pathlib.Path(found[-1])


class Server:
    """`with Server() as server:` runs it until the end of the block, as the ordinary user `postgres`."""

    def __init__(self):
        sshd.bring_loopback_up()
        self._bin = programs()
        self._directory = pathlib.Path("/var/lib/postgresql-tests")
        self.port = sshd.free_port()
        make_user()
        self._directory.mkdir()
        run("chown", f"{USER}:", self._directory)
        self._data = self._directory / "data"
        run(*as_postgres(self._bin / "initdb", "--pgdata", self._data, "--auth=peer", "--no-sync", "--locale=C.UTF-8",
                         "--encoding=UTF8", "--username", USER))
        (self._data / "pg_hba.conf").write_text(
            f"local all {USER} peer\nhost all all {sshd.HOST}/32 pam pamservice={SERVICE}\n")
        with open(self._data / "postgresql.conf", "a") as settings:
            settings.write(
                f"listen_addresses = '{sshd.HOST}'\nport = {self.port}\nunix_socket_directories = '{self._directory}'\n"
                "fsync = off\nshared_buffers = 16MB\nmax_connections = 40\nssl = off\njit = off\nlogging_collector = off\n")

    def __enter__(self):
        self.log = self._directory / "log"
        with open(self.log, "wb") as log:
            self._process = subprocess.Popen(
                as_postgres(self._bin / "postgres", "-D", self._data), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd="/", env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            )
        wait_until(self._ready, "PostgreSQL")
        return self

    def _ready(self):
        assert self._process.poll() is None, self.log.read_text()
        return subprocess.run([self._bin / "pg_isready", "-q", "-h", sshd.HOST, "-p", str(self.port)]).returncode == 0

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(timeout=60)

    @property
    def pid(self):
        return self._process.pid

    def may_log_in(self, account):
        """Creates the role of that name. PAM identifies the user, the server decides what they may do."""
        run(*as_postgres(self._bin / "psql", "-h", self._directory, "-p", str(self.port), "-q", "-c",
                         f'CREATE ROLE "{account.name}" LOGIN', "postgres"))

    def log_in(self, account, reply):
        """Logs in with psql, as the account; the reply comes from its password file. Returns True if admitted."""
        doors.TYPED.append(reply)
        passwords = f"{account.home}/.pgpass.{uuid.uuid4().hex}"
        account.write_private_file(passwords, f"{sshd.HOST}:{self.port}:postgres:{account.name}:{reply}\n")
        done = subprocess.run(
            account.running(self._bin / "psql", "-h", sshd.HOST, "-p", str(self.port), "-U", account.name, "-w", "-At",
                            "-c", "SELECT 'admitted:' || current_user", "postgres"),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=doors.TIMEOUT_SECONDS, cwd="/",
            env={"PATH": os.environ["PATH"], "PGPASSFILE": passwords, "LC_ALL": "C.UTF-8"},
        )
        admitted = done.stdout == f"admitted:{account.name}\n" and done.returncode == 0
        # Anything else is an error of the test, never a refusal.
        assert admitted or (done.returncode == 2 and "PAM authentication failed" in done.stderr), done
        return admitted


def make_user():
    """Creates `postgres` in the private /etc, if the machine has none, and puts it into the group with which pam_unix can
    read password hashes."""
    if subprocess.run(["getent", "passwd", USER], capture_output=True).returncode != 0:
        run("useradd", "--system", "--user-group", "--home-dir", "/nonexistent", "--shell", "/bin/sh", USER)
    run("usermod", "--append", "--groups", "shadow", USER)


def as_postgres(*command):
    return ["/usr/bin/setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups", "--", *map(str, command)]


def run(*command):
    subprocess.run(list(map(str, command)), check=True, capture_output=True, cwd="/")
