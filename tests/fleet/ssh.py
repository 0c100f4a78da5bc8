"""A real sshd on a machine of the fleet, and the real ssh client on another."""

import os
import pathlib
import tempfile

import clock
import doors
import sshd


class Server:
    """`with Server(machine) as server:`. Settings that its configuration does not name are OpenSSH's defaults, LoginGraceTime too."""

    def __init__(self, machine):
        self.machine = machine
        self.port = 22
        self._directory = pathlib.Path(tempfile.mkdtemp(prefix="sshd."))
        sshd.make_key(self._directory / "host_key")
        self.known_hosts = self._directory / "known_hosts"
        self.known_hosts.write_text(f"{machine.address} {(self._directory / 'host_key.pub').read_text()}")
        self._config = self._directory / "config"
        self._config.write_text(
            f"ListenAddress {machine.address}:22\nHostKey {self._directory}/host_key\nPidFile {self._directory}/pid\nUsePAM yes\n"
            "KbdInteractiveAuthentication yes\nPasswordAuthentication no\nUseDNS no\nPrintMotd no\nPrintLastLog no\n"
            "KexAlgorithms curve25519-sha256\n")

    def __enter__(self):
        self._process = self.machine.start(
            "/usr/sbin/sshd", "-D", "-e", "-f", self._config, log="sshd.log", environment={"PATH": os.environ["PATH"]})
        clock.wait_until(self._listening, "sshd")
        return self

    def _listening(self):
        assert self._process.poll() is None, "sshd ended at once"
        return (self._directory / "pid").exists()

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(timeout=60)

    def log(self):
        return (self.machine.files / "sshd.log").read_text()


class Door(doors.Ssh):
    """Logs in from `client`, with as many tries as the ssh client offers."""

    def __init__(self, client, server, tries=1):
        super().__init__(server, server.machine.address)
        self._client = client
        self._tries = str(tries)

    def visit(self, account, prompts=()):
        options = list(self._options)
        options[options.index("NumberOfPasswordPrompts=1")] = f"NumberOfPasswordPrompts={self._tries}"
        words = ["/usr/bin/ssh", "-F", "none", *options, "-l", account.name, self.host, doors.COMMAND]
        return doors.Visit(self, account, self._client.within(*words), prompts)
