"""privacyIDEA, a peer of a fleet's verifier, installed from PyPI as its documentation says: a database server, a WSGI server, TLS.
It runs on one machine of the fleet's wire."""

import json
import os
import pathlib
import subprocess

import hosts
import postgresql
from clock import wait_until

PORT = 443
CONFIGURATION = """
SECRET_KEY = "{secret}"
PI_PEPPER = "{secret}"
SQLALCHEMY_DATABASE_URI = "postgresql+psycopg2://postgres@/postgres?host={place}"
PI_ENCFILE = "{place}/enckey"
PI_AUDIT_KEY_PRIVATE = "{place}/private.pem"
PI_AUDIT_KEY_PUBLIC = "{place}/public.pem"
PI_LOGFILE = "{place}/privacyidea.log"
PI_LOGLEVEL = 40
"""
APPLICATION = """
from privacyidea.app import create_app
application = create_app(config_name="production", config_file="{place}/pi.cfg", silent=True)
"""
# Makes a realm with a file of users, and a token for each. privacyIDEA's own library does it.
FILL = """
import json, sys
from application import application
with application.app_context():
    from privacyidea.lib.realm import set_default_realm, set_realm
    from privacyidea.lib.resolver import save_resolver
    from privacyidea.lib.token import init_token
    from privacyidea.lib.user import User
    users = json.load(sys.stdin)
    save_resolver({{"resolver": "users", "type": "passwdresolver", "fileName": "{place}/passwd"}})
    set_realm("users", [{{"name": "users"}}])
    set_default_realm("users")
    for name, key in users:
        init_token({{"type": "totp", "otpkey": key, "otplen": 6, "timeStep": 30, "hashlib": "sha1"}}, user=User(name, "users"))
"""


class Server:
    """`with Server(...) as server:`; `users` are names and keys (in hex). The server is bound to the processor `core`."""

    def __init__(self, environment, host, authority, place, users, core, workers):
        self._python = pathlib.Path(environment) / "bin/python"
        self._bin = self._python.parent
        self.host = host
        self.place = pathlib.Path(place)
        self._core = str(core)
        self._workers = str(workers)
        self._postgresql = postgresql.programs()
        self._environment = {**hosts.REAL, "PRIVACYIDEA_CONFIGFILE": f"{self.place}/pi.cfg", "HOME": str(self.place)}
        self._certificate, self._key = authority.sign(host.name, host.full_name)
        self._users = users
        self.processes = []

    def __enter__(self):
        self.place.mkdir()
        self._begin_database()
        secret = os.urandom(24).hex()
        (self.place / "pi.cfg").write_text(CONFIGURATION.format(place=self.place, secret=secret))
        (self.place / "application.py").write_text(APPLICATION.format(place=self.place))
        (self.place / "fill.py").write_text(FILL.format(place=self.place))
        lines = [f"{name}:x:{number}:100:A Person:/home/{name}:/bin/sh\n" for number, (name, _) in enumerate(self._users, 1000)]
        (self.place / "passwd").write_text("".join(lines))
        for words in ("create_enckey", "create_audit_keys", "create_tables"):
            self._run(self._bin / "pi-manage", "setup", words)
        self._run("fill.py", input=json.dumps(self._users))
        self.processes.append(self.host.start(
            "env", "-C", self.place, "taskset", "-c", self._core, self._python, "-m", "gunicorn", "--workers", self._workers,
            "--timeout", "120", "--bind", f"{self.host.address}:{PORT}", "--certfile", self._certificate,
            "--keyfile", self._key, "--no-control-socket", "application:application", environment=self._environment,
            log="gunicorn.log"))
        wait_until(lambda: f":{PORT}" in self.host.run("ss", "-tlnH").stdout, "gunicorn")
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
            process.wait(timeout=60)

    def _begin_database(self):
        postgresql.make_user()
        data, socket = self.place / "data", self.place
        subprocess.run(["chown", f"{postgresql.USER}:", socket], check=True)
        as_postgres = ["setpriv", f"--reuid={postgresql.USER}", f"--regid={postgresql.USER}", "--init-groups", "--"]
        self.host.run(*as_postgres, self._postgresql / "initdb", "--pgdata", data, "--auth=trust", "--locale=C.UTF-8",
                      "--encoding=UTF8", "--username", postgresql.USER)
        with open(data / "postgresql.conf", "a") as settings:
            settings.write(f"listen_addresses = ''\nunix_socket_directories = '{socket}'\nmax_connections = 100\njit = off\n")
        self.processes.append(self.host.start(
            "taskset", "-c", self._core, *as_postgres, self._postgresql / "postgres", "-D", data, log="postgresql.log"))
        ready = [self._postgresql / "pg_isready", "-q", "-h", socket]
        wait_until(lambda: self.host.run(*ready, check=False).returncode == 0, "PostgreSQL")

    def _run(self, *words, **options):
        self.host.run("env", "-C", self.place, self._python, *words, environment=self._environment, **options)
