"""Files that commands read, each refusal one sentence."""

from __future__ import annotations

import sys
from pathlib import Path

from portal.config.environment import without_line_break
from portal.errors import CannotStart


def secret_file(path: Path) -> str:
    """The text of a password file; `-` is standard input.

    One trailing line break is removed, nothing else. Raises CannotStart.
    """
    if str(path) == "-":
        return without_line_break(sys.stdin.read())
    return without_line_break(text_file(path))


def text_file(path: Path) -> str:
    """The whole text of a file, byte for byte. Raises CannotStart."""
    try:
        return file_bytes(path).decode("utf-8")
    except UnicodeDecodeError:
        raise CannotStart(f"{path} is not UTF-8 text.") from None


def file_bytes(path: Path) -> bytes:
    """A whole file. Raises CannotStart."""
    try:
        return path.read_bytes()
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise CannotStart(f"{path} cannot be read: {why}.") from None
