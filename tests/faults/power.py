"""What a power cut leaves: the log of the shim, replayed up to a moment.

Of each file there is what was written before its last sync. What came behind it is
dropped or, if `dice` are given, partly there and torn, as a disk may do it.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_HEAD = struct.Struct("4q")


@dataclass(frozen=True)
class Deed:
    """One write ("w"), truncation ("t"), removal ("u") or sync ("s")."""

    kind: str
    name: str
    offset: int
    data: bytes
    ends_at: int  # in the log


def deeds(log: Path) -> Iterator[Deed]:
    text, at = log.read_bytes(), 0
    while at + _HEAD.size <= len(text):
        kind, path, offset, size = _HEAD.unpack_from(text, at)
        at += _HEAD.size
        name = Path(text[at : at + path].decode()).name
        at += path
        yield Deed(chr(kind), name, offset, text[at : at + size], at + size)
        at += size


@dataclass
class Disk:
    """Files as they are behind the last sync, and what waits for the next one."""

    files: dict[str, bytearray]
    waiting: dict[str, list[Deed]] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path) -> Disk:
        names = folder.glob("portal.db*")
        return cls(
            {
                path.name: bytearray(path.read_bytes())
                for path in names
                if not path.name.endswith(("-shm", ".lock"))
            }
        )

    def do(self, deed: Deed) -> None:
        if deed.kind != "s":
            self.waiting.setdefault(deed.name, []).append(deed)
            return
        for each in self.waiting.pop(deed.name, ()):
            _apply(self.files.setdefault(each.name, bytearray()), each)

    def leave(self, folder: Path, dice: random.Random | None = None) -> None:
        """Write the files as the next start finds them."""
        for name in self.files.keys() | self.waiting.keys():
            content = bytearray(self.files.get(name, b""))
            for each in self.waiting.get(name, ()) if dice else ():
                if dice and dice.random() < 0.5:
                    _apply(content, each, most=dice.choice((512, 1024, 10**6)))
            (folder / name).write_bytes(content)


def _apply(content: bytearray, deed: Deed, most: int | None = None) -> None:
    if deed.kind == "w":
        data = deed.data[:most]
        content.extend(bytes(max(deed.offset - len(content), 0)))
        content[deed.offset : deed.offset + len(data)] = data
    elif deed.kind == "t":
        content.extend(bytes(max(deed.offset - len(content), 0)))
        del content[deed.offset :]
    else:
        content.clear()
