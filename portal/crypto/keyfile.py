"""Where the master key comes from: the environment, or a file made once."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from portal.config import Settings
from portal.config.environment import refuse_if_shared, without_line_break
from portal.crypto.seal import BadKey, KeyRing, new_ring
from portal.errors import CannotStart

FILE = "master.key"


def load_ring(settings: Settings, *, may_make: bool) -> KeyRing | None:
    """The ring of this installation; None if its file is lost or broken.

    A new key is made only where nothing is sealed yet (`may_make`): a fresh one
    in the place of a lost one would hide the loss. Raises CannotStart for a
    variable that holds no key, and for a file that cannot be read.
    """
    if settings.master_key is not None:
        try:
            return KeyRing.parse(settings.master_key.reveal())
        except BadKey as error:
            raise CannotStart(f"PORTAL_MASTER_KEY {error}.") from None
    path = settings.instance / FILE
    if may_make:
        _make(path)
    text = _read(path)
    try:
        return KeyRing.parse(text) if text is not None else None
    except BadKey as error:
        if may_make:
            raise CannotStart(f"The key file {path} {error}.") from None
        return None


def _make(path: Path) -> None:
    """Whole or not at all, and never over another process's key."""
    if path.exists():
        return
    draft = path.with_name(f".{FILE}.{secrets.token_hex(8)}")
    try:
        made = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(made, "w", encoding="ascii") as file:
            file.write(new_ring() + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(draft)
        draft.unlink()
    except OSError as error:
        raise CannotStart(
            f"The key file {path} cannot be made: {error.strerror}."
        ) from None


def _read(path: Path) -> str | None:
    try:
        refuse_if_shared("The key file", path)
        return without_line_break(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        return ""
    except OSError as error:
        raise CannotStart(
            f"The key file {path} cannot be read: {error.strerror}."
        ) from None
