"""What was typed after `portal try`, each option named after its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    host: str
    port: int
    security: str
    auth: str | None
    username: str | None
    allow_cleartext_auth: bool
    password_file: Path | None
    mechanism: str | None
    client_cert: Path | None
    client_key: Path | None
    client_passphrase_file: Path | None
    access_token_file: Path | None
    token_url: str | None
    client_id: str | None
    client_secret_file: Path | None
    scope: str | None
    grant: str | None
    refresh_token_file: Path | None
    service_account_file: Path | None
    subject_user: str | None
    from_: str | None
    to: tuple[str, ...]
    helo: str | None
    mail_from: str | None
    ca_file: Path | None
    subject: str | None
    text_file: Path | None
    html_file: Path | None
    header: tuple[str, ...]
    local_address: str | None
    stop_after: str | None
    stage_timeout: float
    timeout: float

    def typed(self, *names: str) -> tuple[str, ...]:
        """Those of these options that were given, as they are typed."""
        return tuple(
            option(name) for name in names if getattr(self, name) not in (None, False)
        )

    def absent(self, *names: str) -> tuple[str, ...]:
        """Those of these options that were not."""
        return tuple(option(name) for name in names if getattr(self, name) is None)


def option(name: str) -> str:
    return f"--{name.rstrip('_').replace('_', '-')}"


def listed(options: Iterable[str]) -> str:
    """`--a, --b and --c`."""
    *front, last = options
    return f"{', '.join(front)} and {last}" if front else last
