"""A cluster of etcd as a fleet needs it: three members, TLS between all, users by their certificates."""

import base64
import json
import os
import pathlib
import secrets
import signal
import subprocess
import time

import hosts
from clock import wait_until

CLIENTS, PEERS = 2379, 2380
# Far longer than any step takes, even on a machine that is busy with other work.
PATIENCE = 600


class Cluster:
    """`programs` is the directory with etcd and etcdctl; `members` are machines; `desk` is the administrator's machine. `before`
    are words before the command that starts a member."""

    def __init__(self, programs, members, desk, authority, data, before=()):
        self.programs = pathlib.Path(programs)
        self.members = list(members)
        self.desk = desk
        self._authority = authority
        self._data = pathlib.Path(data)
        self._running = {}
        self._before = before
        self._password = secrets.token_hex(16)
        self.endpoints = [f"https://{member.full_name}:{CLIENTS}" for member in self.members]
        for member in self.members:
            authority.sign(member.name, member.full_name)
        self._certificate, self._key = authority.sign("root", f"root.{hosts.DOMAIN}")
        self.authority = authority.certificate
        self.identity = ["--cert", self._certificate, "--key", self._key]

    # ------------------------------------------------------------------------------------------------------ its members

    def begin(self, *options):
        for member in self.members:
            self.start(member, *options)
        # etcd may have to read a million accounts before its first answer.
        wait_until(lambda: self._healthy(len(self.members)), "all members of etcd", PATIENCE)

    def start(self, member, *options, state="new"):
        authority = self._authority.certificate
        certificate, key = (self._authority.directory / f"{member.name}.{kind}" for kind in ("pem", "key"))
        clients, peers = f"https://{member.full_name}:{CLIENTS}", f"https://{member.full_name}:{PEERS}"
        every = ",".join(f"{each.name}=https://{each.full_name}:{PEERS}" for each in self.members)
        self._running[member] = member.start(
            *self._before, self.programs / "etcd", "--name", member.name, "--data-dir", self._data / member.name,
            "--listen-client-urls", f"https://{member.address}:{CLIENTS}", "--advertise-client-urls", clients,
            "--listen-peer-urls", f"https://{member.address}:{PEERS}", "--initial-advertise-peer-urls", peers,
            "--initial-cluster", every, "--initial-cluster-token", "fleet", "--initial-cluster-state", state,
            "--cert-file", certificate, "--key-file", key, "--trusted-ca-file", authority, "--client-cert-auth",
            "--peer-cert-file", certificate, "--peer-key-file", key, "--peer-trusted-ca-file", authority,
            "--peer-client-cert-auth", "--logger", "zap", "--log-level", "warn", *options,
            log="etcd.log", environment={**hosts.REAL, "ETCD_UNSUPPORTED_ARCH": "", "GOMAXPROCS": "2"})
        self.options = options

    def kill(self, member):
        hosts.kill(self._running[member])

    def freeze(self, member):
        """Stops a member like a machine whose disk hangs: its connections stay."""
        self._running[member].send_signal(signal.SIGSTOP)

    def thaw(self, member):
        self._running[member].send_signal(signal.SIGCONT)

    def restart(self, member):
        """Starts a member after `kill`, with the data on its disk."""
        self.start(member, *self.options)

    def pid(self, member):
        return self._running[member].pid

    def thaw_or_restart(self, member):
        """Brings a member back, whatever was done to it."""
        if self._running[member].poll() is None:
            self.thaw(member)
        else:
            self.restart(member)

    def end(self, number=signal.SIGKILL):
        for process in self._running.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
            hosts.kill(process, number)

    def leader(self, among=None):
        """Returns the leader once all members asked agree on it: a leader that was cut off still believes for a while that it leads."""
        asked = among or self.members

        def agreed():
            statuses = {each["Endpoint"]: each["Status"] for each in self._statuses(asked)}
            leaders = {status.get("leader", 0) for status in statuses.values()}
            ids = {status["header"]["member_id"]: endpoint for endpoint, status in statuses.items()}
            if len(statuses) != len(asked) or len(leaders) != 1:
                return None
            endpoint = ids.get(leaders.pop(), "")
            return next((member for member in asked if endpoint.startswith(f"https://{member.full_name}:")), None)

        return wait_until(agreed, "members that agree who leads", PATIENCE)

    def _statuses(self, members):
        """Returns the status of each member that has answered."""
        endpoints = ",".join(f"https://{member.full_name}:{CLIENTS}" for member in members)
        done = self._ask("endpoint", "status", "-w", "json", endpoints=endpoints)
        return json.loads(done.stdout or "[]")

    def _healthy(self, number):
        statuses = self._statuses(self.members)
        return len(statuses) == number and all(status["Status"].get("leader") for status in statuses)

    def ready(self, members=None):
        """Waits until these members, or all that run, accept a write."""
        running = [member for member in members or self.members if self._running[member].poll() is None]
        endpoints = ",".join(f"https://{member.full_name}:{CLIENTS}" for member in running)
        wait_until(
            lambda: self._ask("put", "/tests/ready", "", endpoints=endpoints).returncode == 0, "a write that is taken", PATIENCE)

    # -------------------------------------------------------------------------------------------------- its administrator

    def ask(self, *words, **options):
        """Runs etcdctl, with root's certificate, until it is answered. Members that have just been cut off, or are busy with other work,
        may miss a question, and may still have done what it asks. So this is for requests that may be repeated."""
        deadline = time.monotonic() + PATIENCE
        while (done := self._ask(*words, **options)).returncode != 0:
            assert time.monotonic() < deadline, f"etcdctl {words[0]} ended with {done.returncode}: {done.stderr}"
            time.sleep(0.02)
        return done.stdout

    def ask_once(self, *words, **options):
        """The same for a request that must not be repeated; returns whether it was answered. If not, it may be done, now or later."""
        return self._ask(*words, **options).returncode == 0

    def _ask(self, *words, endpoints=None, **options):
        return self.desk.run(*self.command(*words, endpoints=endpoints), check=False, **options)

    def command(self, *words, endpoints=None):
        # Certificate and key are in files; both etcdctl 3.4 and 3.5 speak version 3.
        return ["env", "ETCDCTL_API=3", self.programs / "etcdctl", "--endpoints", endpoints or ",".join(self.endpoints),
                "--cacert", self._authority.certificate, "--cert", self._certificate, "--key", self._key,
                "--command-timeout", "300s" if words[0] == "snapshot" else "5s", *words]

    def with_users(self, *names, prefix="/pam_otp/"):
        """Turns authentication on, with `root` and users without passwords who may read and write below `prefix`."""
        self._add("user", "add", "root", "--interactive=false", input=self._password + "\n")
        self._add("role", "add", "root")
        self.ask("user", "grant-role", "root", "root")
        self._add("role", "add", "verifier")
        self.ask("role", "grant-permission", "verifier", "readwrite", prefix, "--prefix=true")
        for name in names:
            self._add("user", "add", name, "--no-password")
            self.ask("user", "grant-role", name, "verifier")
        self.ask("auth", "enable")

    def _add(self, *words, **options):
        """Adds an entry. If it exists already, a request without an answer has added it, or etcd itself."""
        def is_there():
            done = self._ask(*words, **options)
            return done.returncode == 0 or "already exists" in done.stderr

        wait_until(is_there, " ".join(words[:3]), PATIENCE)

    def put(self, key, value):
        self.ask("put", key, input=value)

    def get_bytes(self, key):
        (found,) = self.below(key, "").values()
        return found

    def below(self, key, prefix="--prefix"):
        """Returns the values of all keys with this beginning."""
        found = json.loads(self.ask("get", key, *filter(None, [prefix]), "-w", "json")).get("kvs", [])
        return {base64.b64decode(each["key"]).decode(): base64.b64decode(each.get("value", "")) for each in found}

    def revision(self):
        """Returns the latest revision: a member by itself may know an older one."""
        return json.loads(self.ask("get", "/tests/revision", "-w", "json"))["header"]["revision"]

    def history(self, prefix="/pam_otp/"):
        """Returns everything that was ever written, from revision 1 on: (revision, kind, key, value), in the order of revisions. It
        comes from the store's own watch, so it was committed."""
        end = f"/tests/end-{secrets.token_hex(8)}"
        self.put(end, "end")
        return wait_until(lambda: self._history_to(end, prefix), "history that is told to its end", PATIENCE)

    def _history_to(self, end, prefix):
        """Returns `None` if a member or etcdctl has ended the watch."""
        watching = subprocess.Popen(
            self.desk.within(*self.command("watch", "/", "--prefix", "--rev=1", "-w", "json")), env=hosts.REAL,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        found, ended = [], False
        try:
            for line in watching.stdout:
                told = json.loads(line)
                assert not told.get("CompactRevision"), "the history is not whole"
                if told.get("Canceled"):
                    return None
                for event in told["Events"] or []:
                    key = base64.b64decode(event["kv"]["key"]).decode()
                    ended = ended or key == end
                    if key.startswith(prefix):
                        value = base64.b64decode(event["kv"].get("value", ""))
                        found.append((event["kv"]["mod_revision"], "delete" if event.get("type") == 1 else "put", key, value))
                if ended:
                    return found
        finally:
            hosts.kill(watching)
            watching.stdout.close()
            watching.stderr.close()
        return None

    def snapshot(self, path):
        """Saves a snapshot of one member, once it knows everything that the others have agreed upon by now."""
        one = self.endpoints[0]
        self.ask("get", "/tests/snapshot", endpoints=one)
        self.ask("snapshot", "save", str(path), endpoints=one)
        return path

    def restore(self, snapshot, *options):
        """Restarts every member with the data of the snapshot: the same ids, and revisions that are given out again."""
        self.end()
        for member in self.members:
            os.rename(self._data / member.name, self._data / f"{member.name}.before-{secrets.token_hex(4)}")
        self.begin_with(snapshot, *options)

    def begin_with(self, snapshot, *options):
        """Begins like `begin`, with the data of a snapshot, or of the file of another member's database."""
        every = ",".join(f"{each.name}=https://{each.full_name}:{PEERS}" for each in self.members)
        for member in self.members:
            done = self._ask("snapshot", "restore", snapshot, "--skip-hash-check", "--name", member.name,
                             "--data-dir", self._data / member.name, "--initial-cluster", every, "--initial-cluster-token", "fleet",
                             "--initial-advertise-peer-urls", f"https://{member.full_name}:{PEERS}")
            assert done.returncode == 0, done.stderr
        self.begin(*options)
