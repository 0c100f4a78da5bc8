"""vsftpd, used by an FTP library and by `lftp mirror` over several connections at once."""

import ftplib
import pathlib
import subprocess

import doors
import sshd
from servers import Server, directory, run
from under_test import BINARIES


class Vsftpd(Server):
    service = "vsftpd"

    def prepare(self):
        directory("/run/vsftpd/empty")
        self._config = pathlib.Path("/etc/vsftpd-test.conf")
        # Debian's own lines for users of the machine. Refusals are slow on purpose, which is not tested here.
        self._config.write_text(
            f"local_enable=YES\nanonymous_enable=NO\npam_service_name={self.service}\nsecure_chroot_dir=/run/vsftpd/empty\n"
            f"listen=YES\nlisten_address={sshd.HOST}\nlisten_port={self.port}\nbackground=NO\npasv_address={sshd.HOST}\n"
            "delay_failed_login=0\n")

    def command(self):
        # The one that tests/run has unpacked.
        unpacked = BINARIES / "vsftpd"
        return [unpacked if unpacked.exists() else "/usr/sbin/vsftpd", self._config]

    def log_in(self, account, reply, rhost="127.0.0.1"):
        doors.TYPED.append(reply)
        try:
            with ftplib.FTP(timeout=doors.TIMEOUT_SECONDS, source_address=(rhost, 0)) as client:
                client.connect(sshd.HOST, self.port)
                client.login(account.name, reply)
                return client.pwd() != ""
        except ftplib.error_perm as refused:
            assert "530 Login incorrect" in str(refused)
            return False

    def mirror(self, account, reply, connections):
        """How many of alice's files `lftp mirror` fetches over that many connections, each of which logs in by itself."""
        doors.TYPED.append(reply)
        where = directory("/run/pam_otp-tests/mirrored")
        run("sh", "-c", f"rm -rf {where}/*")
        script = (
            "set ftp:ssl-allow no; set net:max-retries 1; set net:reconnect-interval-base 0; set cmd:fail-exit no\n"
            f"set net:connection-limit {connections}\n"
            f"open -u {account.name},{reply} -p {self.port} {sshd.HOST}\nmirror --parallel={connections} files {where}\nexit\n")
        subprocess.run(["/usr/bin/lftp"], input=script, text=True, capture_output=True, timeout=240, cwd="/",
                       env={"PATH": "/usr/bin", "HOME": "/run/pam_otp-tests", "REAL_TIME": "1"})
        return len([path for path in where.iterdir() if path.read_text() == path.name * 100_000])
