"""vsftpd, asked by lftp."""

# light
# bookworm: vsftpd lftp

import pathlib
import re
import subprocess

import network
import pytest
import table


class Vsftpd(network.Program):
    services = ("vsftpd",)
    name = "vsftpd"
    files = 8

    def prepare(self):
        self.port = network.free_port()
        pathlib.Path("/run/vsftpd/empty").mkdir(parents=True, exist_ok=True)
        settings = re.sub(r"(?m)^listen(_ipv6)?=.*$", "", pathlib.Path("/etc/vsftpd.conf").read_text())
        self._config = pathlib.Path("/etc/vsftpd-of-a-test.conf")
        self._config.write_text(f"{settings}\nlisten=YES\nlisten_address={network.HERE}\nlisten_port={self.port}\n"
                                "background=NO\ndelay_failed_login=0\n")
        home = pathlib.Path("/home/person/files")
        home.mkdir(exist_ok=True)
        for number in range(self.files):
            (home / str(number)).write_text("x" * 100_000)

    def command(self):
        return ["/usr/sbin/vsftpd", self._config]

    def log_in(self, person, replies):
        return self._lftp(person, replies, "debug 3\nls files\n", 1)

    def log_in_and_go_on(self, person, replies):
        return self._lftp(person, replies, "debug 3\nmirror --parallel=4 files /tmp/mirrored\n", 4)

    def _lftp(self, person, replies, commands, connections):
        script = (f"set ftp:ssl-allow no; set net:max-retries 1; set cmd:fail-exit yes; set net:connection-limit {connections}\n"
                  f"open -u {person},{replies[0]} -p {self.port} {network.HERE}\n{commands}exit\n")
        done = subprocess.run(["/usr/bin/lftp"], input=script, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={"PATH": "/usr/bin", "HOME": "/root"}, timeout=240)
        return done.returncode == 0, done.stdout


@pytest.mark.program("vsftpd")
def test_vsftpd(row, probe):
    table.compare(row, network.measure(Vsftpd(), probe, row))
