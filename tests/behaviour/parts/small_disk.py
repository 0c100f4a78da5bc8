"""Small file systems of a test's own, which can be filled or made read-only."""

import contextlib
import errno
import fcntl
import os
import pathlib
import stat
import subprocess
import tempfile

LOOP_CONTROL, LOOP_CONTROL_NUMBER, LOOP_MAJOR, GET_FREE_LOOP = "/dev/loop-control", (10, 237), 7, 0x4C82


class SmallDisk:
    """A file system at `path` for the length of a `with` block, with the owner and mode of the directory that it hides."""

    def __init__(self, kind, path):
        self._kind = kind
        self.path = pathlib.Path(path)

    def __enter__(self):
        hidden = self.path.stat()
        {"tmpfs": self._mount_tmpfs, "ext4": self._mount_ext4}[self._kind]()
        os.chown(self.path, hidden.st_uid, hidden.st_gid)
        os.chmod(self.path, stat.S_IMODE(hidden.st_mode))
        return self

    def __exit__(self, *_):
        # A login that was cut off may still hold a descriptor, hence --lazy. The loop device is released with the
        # mount.
        run("umount", "--lazy", self.path)

    def _mount_tmpfs(self):
        run("mount", "-t", "tmpfs", "-o", "size=256k,nr_inodes=64", "small", self.path)

    def _mount_ext4(self):
        image = tempfile.mkdtemp(prefix="disk.") + "/image"
        with open(image, "wb") as file:
            file.truncate(4 << 20)
        run("mkfs.ext4", "-q", "-F", "-m", "0", "-N", "64", image)
        mount_image(image, self.path)

    def fill(self):
        """Fills the disk to the last byte and the last inode."""
        with open(self.path / "ballast", "wb", buffering=0) as ballast:
            for size in (65536, 4096, 1):
                with out_of_space():
                    while True:
                        ballast.write(b"x" * size)
            with contextlib.suppress(OSError):
                os.fsync(ballast)
        with out_of_space():
            for number in range(1 << 20):
                (self.path / f"ballast{number}").touch()
        assert os.statvfs(self.path).f_bavail == 0

    def make_read_only(self):
        run("mount", "-o", "remount,ro", self.path)

    def make_writable(self):
        run("mount", "-o", "remount,rw", self.path)


@contextlib.contextmanager
def out_of_space():
    try:
        yield
    except OSError as error:
        assert error.errno == errno.ENOSPC
    else:
        raise AssertionError("the disk is larger than it should be")


def kinds_that_this_machine_has():
    """tmpfs everywhere; ext4 only where a file can be mounted."""
    path = tempfile.mkdtemp(prefix="probe.")
    try:
        with SmallDisk("ext4", path):
            return ["tmpfs", "ext4"]
    except (OSError, subprocess.CalledProcessError):
        return ["tmpfs"]


def mount_image(image, path):
    """Mounts an image. The private /dev has no loop devices, so this creates the node of a free one, and tries again if
    another process was faster."""
    node(LOOP_CONTROL, stat.S_IFCHR, *LOOP_CONTROL_NUMBER)
    for last in [False] * 9 + [True]:
        with open(LOOP_CONTROL) as control:
            number = fcntl.ioctl(control, GET_FREE_LOOP)
        node(f"/dev/loop{number}", stat.S_IFBLK, LOOP_MAJOR, number)
        try:
            return run("mount", "-o", f"loop=/dev/loop{number}", image, path)
        except subprocess.CalledProcessError:
            if last:
                raise


def node(path, kind, major, minor):
    with contextlib.suppress(FileExistsError):
        os.mknod(path, kind | 0o600, os.makedev(major, minor))


def run(*command):
    subprocess.run(command, check=True, capture_output=True)
