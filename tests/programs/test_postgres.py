"""PostgreSQL, asked by psql."""

# light
# bookworm: postgresql-15

import pathlib
import subprocess

import network
import pytest
import table

BIN = pathlib.Path("/usr/lib/postgresql/15/bin")
PLACE = pathlib.Path("/var/lib/of-a-test")


class Postgresql(network.Program):
    services = ("postgresql",)
    name = "postgresql"

    def prepare(self):
        self.port = network.free_port()
        PLACE.mkdir()
        table.run("chown", "postgres:", PLACE)
        table.run(*as_postgres(BIN / "initdb", "--pgdata", PLACE / "data", "--auth=peer", "--no-sync", "--username=postgres"),
                  cwd="/")
        (PLACE / "data/pg_hba.conf").write_text(
            f"local all postgres peer\nhost all all {network.HERE}/32 pam pamservice=postgresql\n")
        with open(PLACE / "data/postgresql.conf", "a") as settings:
            settings.write(f"listen_addresses = '{network.HERE}'\nport = {self.port}\nunix_socket_directories = '{PLACE}'\n"
                           "fsync = off\nlog_min_messages = debug1\n")

    def command(self):
        return as_postgres(BIN / "postgres", "-D", PLACE / "data")

    def ready(self):
        return "ready to accept connections" in self.said()

    def log_in(self, person, replies):
        table.run(*as_postgres(BIN / "psql", "-h", PLACE, "-p", self.port, "-q", "-c",
                               f"DO $$ BEGIN CREATE ROLE {person} LOGIN; EXCEPTION WHEN duplicate_object THEN END $$", "postgres"),
                  cwd="/")
        passwords = pathlib.Path("/root/.pgpass")
        passwords.write_text(f"{network.HERE}:{self.port}:postgres:{person}:{replies[0]}\n")
        passwords.chmod(0o600)
        done = subprocess.run([BIN / "psql", "-h", network.HERE, "-p", str(self.port), "-U", person, "-w", "-At", "-c", "SELECT 1",
                               "postgres"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              cwd="/")
        return done.returncode == 0, done.stdout


def as_postgres(*command):
    return ["/usr/bin/setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--", *map(str, command)]


@pytest.mark.program("PostgreSQL")
def test_postgresql(row, probe):
    table.compare(row, network.measure(Postgresql(), probe, row))
