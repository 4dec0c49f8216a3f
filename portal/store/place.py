"""Whether the SQLite files are still those that this process opened.

Deleting or replacing a file leaves an open one writable, and all that is written
to it gone with the process: then a 202 would be a lie.
"""

from __future__ import annotations

from pathlib import Path

_Identity = tuple[int, int]  # device and inode


class Place:
    """The database at a path, as it was when this was made."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._log = path.with_name(f"{path.name}-wal")
        self._file = _identity(path)
        self._log_file: _Identity | None = None

    def opened(self) -> None:
        """A connection was opened: its log may be a new file, its database not."""
        self._log_file = _identity(self._log)

    def holds(self) -> bool:
        return _identity(self.path) == self._file and (
            self._log_file is None or _identity(self._log) == self._log_file
        )


def _identity(path: Path) -> _Identity | None:
    try:
        state = path.stat()
    except FileNotFoundError:
        return None
    return state.st_dev, state.st_ino
