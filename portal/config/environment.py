"""The variables as text: names, `NAME_FILE` for secrets, and misspelt ones."""

from __future__ import annotations

import difflib
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from portal.errors import CannotStart

SECRETS = (
    "PORTAL_DATABASE_URL",
    "PORTAL_MASTER_KEY",
    "PORTAL_DEFAULT_SENDER",
    "PORTAL_METRICS_TOKEN",
)
NAMES = (
    "PORTAL_INSTANCE",
    "PORTAL_BASE_URL",
    "PORTAL_RELAY_ALLOW",
    "PORTAL_RELAY_PORTS",
    "PORTAL_DNS",
    "PORTAL_CLEARTEXT_AUTH",
    "PORTAL_EGRESS_IPS",
    "PORTAL_EGRESS_HOST",
    "PORTAL_EHLO_NAME",
    "PORTAL_TRUSTED_PROXIES",
    "PORTAL_LOG",
    "PORTAL_LOG_LEVEL",
    "PORTAL_RETENTION_DAYS",
    "PORTAL_LIMITS",
    *SECRETS,
)
KNOWN = (*NAMES, *(f"{name}_FILE" for name in SECRETS))


class Environment:
    """The variables of one process; an empty one counts as not set."""

    def __init__(self, variables: Mapping[str, str], cwd: Path) -> None:
        self._variables = variables
        self._cwd = cwd

    def text(self, name: str) -> str | None:
        return self._variables.get(name, "").strip() or None

    def path(self, name: str, default: str) -> Path:
        """An absolute path; a relative one begins at the working directory."""
        written = Path(self.text(name) or default).expanduser()
        return Path(self._cwd, written)

    def secret(self, name: str) -> str | None:
        """The value, or the content of the file that `NAME_FILE` names."""
        value, file = self.text(name), self.text(f"{name}_FILE")
        if value and file:
            raise CannotStart(f"Set either {name} or {name}_FILE, not both.")
        if file is None:
            return value
        content = _file(f"{name}_FILE", Path(self._cwd, Path(file).expanduser()))
        if not content:
            raise CannotStart(f"{name}_FILE names {file}, which is empty.")
        return content

    def warn_of_unknown(self, warn: Callable[[str], None]) -> None:
        for name in sorted(self._variables):
            if name.startswith("PORTAL_") and name not in KNOWN:
                nearest = difflib.get_close_matches(name, KNOWN, n=1, cutoff=0)[0]
                warn(f"{name} is not a setting; the nearest one is {nearest}.")


def without_line_break(text: str) -> str:
    """The text of a secret file: one trailing line break is removed, no more."""
    if text.endswith("\r\n"):
        return text[:-2]
    return text[:-1] if text.endswith("\n") else text


def refuse_if_shared(name: str, path: Path) -> None:
    """Raises CannotStart where others than the owner may read the file."""
    mode = path.stat().st_mode
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise CannotStart(
            f"{name} is {path}, which others may read; chmod 600 makes it safe."
        )


def _file(name: str, path: Path) -> str:
    try:
        if name == "PORTAL_MASTER_KEY_FILE":
            refuse_if_shared(name, path)
        return without_line_break(path.read_text(encoding="utf-8"))
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise CannotStart(
            f"{name} names {path}, which cannot be read: {why}."
        ) from None
    except UnicodeDecodeError:
        raise CannotStart(f"{name} names {path}, which is not UTF-8 text.") from None
