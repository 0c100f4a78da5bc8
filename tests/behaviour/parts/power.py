"""The images that a power cut can leave of a series of writes, by every order in which they may have reached the disk.

The model is that of ALICE (Pillai et al., OSDI 2014) and of the guarantees of ext4 and xfs with a journal; where they guarantee
more than POSIX, the model assumes less:

- Data written to a file reaches the disk in pieces of 512 bytes, each whole, in any order, at any time; before fsync or
  fdatasync of that file any piece may be missing. The old content is there then, or zeros if there was none.
- Changes of the names in one directory happen in order, and any number of the last ones may be missing until fsync of that
  directory. There is no order between two directories, or between a name and what it names: a file may have its new name and
  none of its content. fsync of a file guarantees nothing about its name.
- Changes of the owner and mode of a file or directory happen in order, and may be missing until fsync of it.
- Synced data stays. No program can do anything about a disk that claims to have written what it has not.

Not modelled: file systems without a journal or over a network, and torn sectors.
"""

import itertools
import os

SECTOR = 512
SYNCS = {"fsync", "fdatasync"}
MUTATIONS = {"write", "pwrite64", "ftruncate", "renameat", "renameat2", "unlinkat", "mkdirat", "mkdir", "fchown", "fchmod"}
REMOVE_DIRECTORY = 0x200


class Versions:
    """A value whose last changes may be lost: the version that is surely on disk, and all later ones, in order."""

    def __init__(self, durable):
        self.all = [durable]

    def set(self, value):
        self.all.append(value)

    def sync(self):
        del self.all[:-1]

    @property
    def now(self):
        return self.all[-1]


class Folder:
    """A directory: its names, and what they name."""

    def __init__(self, rights, names=()):
        self.rights = Versions(rights)
        self.names = Versions(dict(names))

    def change(self, **changes):
        self.change_all(changes)

    def change_all(self, changes):
        names = {**self.names.now, **changes}
        self.names.set({name: node for name, node in names.items() if node is not None})

    def sync(self):
        self.rights.sync()
        self.names.sync()


class File:
    """A file: its content, sector by sector."""

    def __init__(self, rights, content=b""):
        self.rights = Versions(rights)
        self.sectors = []
        self.size = 0
        self.write(0, content)
        self.sync()

    def write(self, offset, data):
        end = offset + len(data)
        while len(self.sectors) * SECTOR < end:
            self.sectors.append(Versions(None))
        for at in range(offset // SECTOR, -(-end // SECTOR)):
            piece = bytearray((self.sectors[at].now or b"").ljust(SECTOR, b"\0"))
            first, last = max(offset, at * SECTOR), min(end, (at + 1) * SECTOR)
            piece[first - at * SECTOR : last - at * SECTOR] = data[first - offset : last - offset]
            self.sectors[at].set(bytes(piece))
        self.size = max(self.size, end)

    def sync(self):
        self.rights.sync()
        for sector in self.sectors:
            sector.sync()

    def contents(self):
        """Every content that can be left; it may be shorter, if the end was never written."""
        for chosen in itertools.product(*(range(len(sector.all)) for sector in self.sectors)):
            pieces = [sector.all[version] for sector, version in zip(self.sectors, chosen)]
            while pieces and pieces[-1] is None:
                pieces.pop()
            whole = b"".join((piece or b"").ljust(SECTOR, b"\0") for piece in pieces)
            yield whole[: self.size]


class Disk:
    """The records as programs have written them, and the versions of them that may be on disk."""

    def __init__(self, root, group, picture):
        """`picture` has, by path below `root`: owner, group, mode, and content, or None for a directory. All of it is on disk.
        New files get `group` from their directory."""
        self._root, self._group = str(root), group
        self.top = Folder(None)
        for path, (*rights, content) in sorted(picture.items()):
            node = Folder(tuple(rights)) if content is None else File(tuple(rights), content)
            parent, _, name = path.rpartition("/")
            self._at(parent).change(**{name: node})
            self._at(parent).sync()

    def _at(self, path):
        node = self.top
        for name in filter(None, path.split("/")):
            node = node.names.now[name]
        return node

    def _node(self, path):
        """The file or directory at the path that the kernel gives for a descriptor; None: none of the records."""
        if path != self._root and not path.startswith(f"{self._root}/") or path.endswith(" (deleted)"):
            return None
        return self._at(path.removeprefix(self._root))

    def follow(self, call, owner):
        """Repeats a call; returns whether it changed or synced anything. New files belong to `owner`."""
        if call.result.startswith("-"):
            return False
        node = self._node(call.path) if call.path else None
        if node is None:
            return False
        name, arguments = call.name, call.arguments
        if name == "openat" and arguments[2] & os.O_CREAT and call.text not in node.names.now:
            node.change(**{call.text: File((owner, self._group, 0o600))})
        elif name in ("openat", "read", "flock", "close", "lseek", "newfstatat", "statx", "fgetxattr", "getdents64"):
            return False
        elif name == "mkdirat":
            node.change(**{call.text: Folder((owner, self._group, 0o2700))})
        elif name == "write":
            node.write(node.size, call.data[: int(call.result)])
        elif name == "pwrite64":
            node.write(arguments[3], call.data[: int(call.result)])
        elif name == "fchown":
            *who, mode = node.rights.now
            node.rights.set((*(new if new not in (-1, 0xFFFFFFFF) else old for new, old in zip(arguments[1:3], who)), mode))
        elif name == "fchmod":
            node.rights.set((*node.rights.now[:2], arguments[1]))
        elif name in ("renameat", "renameat2"):
            node.change_all({call.text: None, call.second: node.names.now[call.text]})
        elif name == "unlinkat":
            node.change(**{call.text: None})
        elif name in SYNCS:
            node.sync()
        else:
            raise AssertionError(f"the model does not know {call}")
        return True

    def now(self):
        """The records as programs see them."""
        return dict(now_of(self.top, ""))

    def images(self):
        """Every image that can be on disk; each has, by path: owner, group, mode, content."""
        yield from (dict(image) for image in images_of(self.top, ""))


def images_of(folder, path):
    """Everything that may be below a folder, as tuples of (path, description)."""
    for names in folder.names.all:
        parts = [list(images_of_one(node, f"{path}{name}")) for name, node in sorted(names.items())]
        for chosen in itertools.product(*parts):
            yield tuple(itertools.chain.from_iterable(chosen))


def images_of_one(node, path):
    for rights in node.rights.all:
        if isinstance(node, Folder):
            for below in images_of(node, f"{path}/"):
                yield ((path, (*rights, None)), *below)
        else:
            for content in node.contents():
                yield ((path, (*rights, content)),)


def now_of(folder, path):
    for name, node in folder.names.now.items():
        if isinstance(node, Folder):
            yield f"{path}{name}", (*node.rights.now, None)
            yield from now_of(node, f"{path}{name}/")
        else:
            content = b"".join(sector.now.ljust(SECTOR, b"\0") for sector in node.sectors)[: node.size]
            yield f"{path}{name}", (*node.rights.now, content)
