"""A running fleet: verifiers over the cluster, machines whose policy names them, people whose records are in the store."""

import base64
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tomllib

import codes
import etcd
import hosts
import logins
import store
from clock import wait_until

BINARIES = hosts.WORLD / "bin"
USER = "_pam-otp-verifier"
VERIFIER = BINARIES / "otp-verifier"
CLIENT = pathlib.Path("/usr/libexec/pam_otp/otp-fleet")
PORT = 6238
KEYS = pathlib.Path("/etc/pam_otp-fleet")
POLICY = "/etc/security/pam_otp.conf"
CONFIGURATION = """
listen = ["{address}:{port}"]
certificate = "{keys}/verifier.pem"
key = "{keys}/verifier.key"
ca = "{keys}/fleet-ca.pem"
state = "/var/lib/pam_otp-verifier"

[etcd]
endpoints = [{endpoints}]
ca = "{keys}/etcd-ca.pem"
certificate = "{keys}/etcd.pem"
key = "{keys}/etcd.key"
"""
MACHINE = """
[fleet]
verifiers = [{verifiers}]
ca = "{keys}/fleet-ca.pem"
certificate = "{keys}/machine.pem"
key = "{keys}/machine.key"
"""


def user_of(verifier):
    """Returns the verifier's name in etcd."""
    return f"{verifier}-etcd"


class Clock:
    """The clock of all machines; a machine may be ahead of it (`Host.ahead`, in seconds)."""

    def __init__(self, machine_clock, machines):
        self._own = machine_clock
        self._machines = machines
        for machine in machines:
            machine.begin_clock()

    @property
    def now(self):
        return self._own.now

    def set(self, now):
        self._own.set(now)
        for machine in self._machines:
            machine.set_clock(now)

    def advance(self, seconds):
        self.set(self.now + seconds)

    def utc(self, offset=0):
        return self._own.utc(offset)


class Fleet:
    """`group` may read the keys of machines. `before` are words before the command that starts a verifier."""

    def __init__(self, cluster, verifiers, machines, authorities, clock, group, before=()):
        self.cluster = cluster
        self.verifiers = verifiers
        self.machines = machines
        self.clock = clock
        self._of_fleet, self._of_etcd = authorities
        self._group = group
        self._before = before
        self._running = {}

    # --------------------------------------------------------------------------------------------------------- verifiers

    def begin(self):
        # The package's sysusers file makes the user in the same way.
        if USER not in {entry.pw_name for entry in pwd.getpwall()}:
            subprocess.run(["useradd", "--system", "--user-group", "--no-create-home", USER], check=True)
        self.cluster.put("/pam_otp/fleet", store.fleet())
        for machine in self.machines:
            self.register(machine)
            self.prepare_machine(machine)
        for verifier in self.verifiers:
            self.prepare_verifier(verifier)
            self.start(verifier)
        for verifier in self.verifiers:
            self.wait_for(verifier)
        wait_until(self.all_serve, "verifiers that serve", etcd.PATIENCE)

    def prepare_verifier(self, verifier):
        shutil.chown(verifier.own("/var/lib/pam_otp-verifier", mode=0o700), USER, USER)
        verifier.own(KEYS, mode=0o755)
        self.give_certificates(verifier)
        endpoints = ", ".join(f'"{each.full_name}:2379"' for each in self.cluster.members)
        verifier.own("/etc/security/pam_otp-verifier.conf", CONFIGURATION.format(
            address=verifier.address, port=PORT, keys=KEYS, endpoints=endpoints))
        verifier.own(POLICY, "")

    def give_certificates(self, verifier):
        """Gives a verifier the certificates by which machines and etcd know it."""
        self._give(verifier, self._of_fleet, "verifier", verifier.name, verifier.full_name)
        user = user_of(verifier.name)
        self._give(verifier, self._of_etcd, "etcd", user, f"{user}.{hosts.DOMAIN}")

    def give_certificate(self, machine, name=None):
        """Gives a machine the certificate by which verifiers know it, in its own name or in another."""
        self._give(machine, self._of_fleet, "machine", machine.name, name or machine.full_name)

    def _give(self, host, authority, role, common_name, dns_name):
        """Replaces a key and certificate, as programs that renew them do: each by a rename."""
        certificate, key = authority.sign(common_name, dns_name, f"{host.name}-{role}")
        place = host.own(KEYS, mode=0o755)
        # Only the machine's helper, or the verifier, may read the key.
        group = self._group if role == "machine" else pwd.getpwnam(USER).pw_gid
        for source, file, mode in (
            (authority.certificate, authority.certificate.name, 0o644),
            (certificate, f"{role}.pem", 0o644),
            (key, f"{role}.key", 0o640),
        ):
            new = place / f"{file}.new"
            new.write_bytes(source.read_bytes())
            new.chmod(mode)
            os.chown(new, 0, group if source == key else 0)
            new.rename(place / file)

    def start(self, verifier):
        self._running[verifier] = verifier.start(*self._before, VERIFIER, log="verifier.log")

    def wait_for(self, verifier):
        def is_up():
            assert self._running[verifier].poll() is None, (verifier.files / "verifier.log").read_text()[-2000:]
            return f"{verifier.address}:{PORT}" in verifier.run("ss", "-tlnH").stdout

        wait_until(is_up, f"verifier {verifier.name}", etcd.PATIENCE)

    def kill(self, verifier):
        hosts.kill(self._running[verifier])

    def stop(self, verifier):
        """Stops a verifier as systemd does; it finishes the requests that it has begun."""
        hosts.kill(self._running[verifier], signal.SIGTERM)
        return self._running[verifier].returncode

    def freeze(self, verifier):
        self._running[verifier].send_signal(signal.SIGSTOP)

    def pid(self, verifier):
        return self._running[verifier].pid

    def repair(self):
        """Repairs the fleet, whatever was done to it: all programs run again, on a wire that is whole."""
        for member in self.cluster.members:
            self.cluster.thaw_or_restart(member)
        self.cluster.ready()
        for verifier in self.verifiers:
            if self._running[verifier].poll() is None:
                self._running[verifier].send_signal(signal.SIGCONT)
            else:
                self.start(verifier)
        for verifier in self.verifiers:
            self.wait_for(verifier)
        wait_until(self.all_serve, "verifiers that serve", etcd.PATIENCE)

    def wait_for_refusal(self, crowd, account, code):
        """Returns whether a login ends without a decision, after waiting for the verifiers that still run."""
        for verifier in self.verifiers:
            if self._running[verifier].poll() is None:
                self.wait_for(verifier)
        ((_, result),) = crowd.at_once(1, account, code, self.step())
        return result == logins.AUTHINFO_UNAVAIL

    def forget(self):
        """Restarts the verifiers without anything that they knew."""
        for verifier in self.verifiers:
            self.kill(verifier)
            for kept in verifier.own("/var/lib/pam_otp-verifier", mode=0o700).iterdir():
                kept.unlink()
        self.repair()

    def end(self):
        for running in self._running.values():
            if running.poll() is None:
                running.send_signal(signal.SIGCONT)
            hosts.kill(running)

    # ---------------------------------------------------------------------------------------------------------- machines

    def register(self, machine, **options):
        text = store.member(machine.full_name, **options)
        self.cluster.put(f"/pam_otp/m/{machine.full_name}", text)

    def revoke(self, machine):
        text = store.member(machine.full_name).replace("revoked = false", f"revoked = true\nrevoked_at = {self.clock.now}")
        self.cluster.put(f"/pam_otp/m/{machine.full_name}", text)

    def prepare_machine(self, machine):
        """Prepares a machine. Each machine asks another verifier first."""
        first = self.machines.index(machine) % len(self.verifiers)
        order = [*self.verifiers[first:], *self.verifiers[:first]]
        machine.own(KEYS, mode=0o755)
        self.give_certificate(machine)
        names = ", ".join(f'"{verifier.full_name}"' for verifier in order)
        machine.own(POLICY, MACHINE.format(verifiers=names, keys=KEYS))
        machine.own("/var/lib/pam_otp", mode=0o700)
        machine.run(BINARIES / "permissions", "/var/lib/pam_otp", "/usr/libexec/pam_otp/otp-helper")

    # ------------------------------------------------------------------------------------------------------------ people

    def enrol(self, create):
        """Makes an account with `create()`, and gives it one authenticator: a record where the verifiers find it.

        Each of its keys is written once. If a write was not answered, etcd might do it once more later, over data that a login has
        written; so that account is left alone, and another one takes its place."""
        def enrolled():
            account, key = create(), os.urandom(20)
            number = pwd.getpwnam(account.name).pw_uid
            for name, value in store.account(account.name, number, key, self.clock.now - 86400).items():
                if not self.cluster.ask_once("put", name, input=value, text=False):
                    return None
            account.codes = codes.Codes(base64.b32encode(key).decode(), self.clock)
            return account

        return wait_until(enrolled, "record that is written", etcd.PATIENCE)

    # ------------------------------------------------------------------------------------------------------------- time

    def all_serve(self):
        """Returns whether every running verifier has written its beat since its clock was moved, and serves."""
        beats = {key.rpartition("/")[2]: tomllib.loads(beat.decode()) for key, beat in self.cluster.below("/pam_otp/v/").items()}
        running = [each for each in self.verifiers if self._running[each].poll() is None]
        return all(
            (beat := beats.get(each.full_name)) and beat["time"] >= self.clock.now + each.ahead and not beat.get("refuses")
            for each in running)

    def later(self, seconds):
        """Moves the clock of all machines. A verifier that has heard another before that, and after it moved its own, believes for a
        few seconds that one of them is off."""
        self.clock.advance(seconds)
        wait_until(self.all_serve, "beats of all verifiers by the new time", etcd.PATIENCE)

    def step(self):
        return self.clock.now // codes.PERIOD

    def state_of(self, account):
        """Returns an account's state as the second reader finds it in the store."""
        content = store.content(self.cluster.get_bytes(f"{store.ACCOUNTS}{account.name}/state"))
        read = [store.records.read_record(content[at:at + store.records.RECORD]) for at in (0, store.records.RECORD)]
        return max((one for one in read if one), key=lambda one: one[1])[0]
