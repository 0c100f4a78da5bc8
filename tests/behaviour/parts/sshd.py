"""A real sshd on a free loopback port, with keys and a configuration of its own."""

import fcntl
import os
import pathlib
import socket
import struct
import subprocess
import tempfile

import clock

LOG = pathlib.Path("/run/pam_otp-tests/results", os.environ.get("OTP_PART", "behaviour") + ".sshd.log")
HOST = "127.0.0.1"

# No test depends on the key exchange, and the default, a hybrid one, costs more than the rest of a login.
CONFIG = """
ListenAddress {host}:{port}
HostKey {directory}/host_key
PidFile {directory}/pid
UsePAM yes
KbdInteractiveAuthentication yes
PasswordAuthentication no
PubkeyAuthentication yes
AuthorizedKeysFile .ssh/authorized_keys
UseDNS no
PrintMotd no
PrintLastLog no
MaxStartups 500
LoginGraceTime 300
KexAlgorithms curve25519-sha256
"""


class Sshd:
    """`with Sshd() as server:` runs it until the end of the block. Extra lines come first, since sshd uses the first value
    of a keyword."""

    def __init__(self, *extra_lines):
        bring_loopback_up()
        self._directory = pathlib.Path(tempfile.mkdtemp(prefix="sshd."))
        self.port = free_port()
        self.known_hosts = self._directory / "known_hosts"
        self._config = self._directory / "config"
        make_key(self._directory / "host_key")
        public_key = (self._directory / "host_key.pub").read_text()
        self.known_hosts.write_text(f"[{HOST}]:{self.port} {public_key}")
        config = CONFIG.format(host=HOST, port=self.port, directory=self._directory)
        if self._knows("PerSourcePenalties=no"):
            config += "PerSourcePenalties no\n"  # OpenSSH 9.8 and later would block our address after a few wrong codes
        self._config.write_text("\n".join(extra_lines) + "\n" + config)

    def _knows(self, option):
        self._config.write_text("")
        command = ["/usr/sbin/sshd", "-t", "-f", self._config, "-h", self._directory / "host_key", "-o", option]
        return subprocess.run(command, capture_output=True).returncode == 0

    def __enter__(self):
        with open(LOG, "ab") as log:
            self._process = subprocess.Popen(
                ["/usr/sbin/sshd", "-D", "-e", "-f", self._config],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={"PATH": os.environ["PATH"]},
            )
        clock.wait_until(self._listening, f"sshd; see {LOG.name}")
        return self

    def _listening(self):
        assert self._process.poll() is None, f"sshd ended at once; see {LOG.name}"
        return (self._directory / "pid").exists()

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(timeout=60)


def make_key(path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)


def bring_loopback_up():
    """The private network has only the interface lo, which starts out down. This is `ip link set lo up`."""
    set_flags, up_and_running = 0x8914, 0x41
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sh22x", b"lo", up_and_running))


def free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]
