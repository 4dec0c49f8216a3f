"""Every setting of an installation, typed; a bad one stops the start."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar, cast
from urllib.parse import urlsplit

from portal.config import relays
from portal.config.environment import Environment
from portal.config.names import default_ehlo_name, ehlo_name
from portal.config.relays import AllowRule, BadValue, Network
from portal.config.sender import DefaultSender, default_sender
from portal.errors import CannotStart
from portal.secret import Secret

T = TypeVar("T")

DEFAULT_PORTS = frozenset({25, 465, 587, 2465, 2525, 2587})
LOG_LEVELS = ("debug", "info", "warning", "error")
RETENTION_DAYS = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says. `relay_ports` includes the usual ones."""

    instance: Path
    database_url: str | None = field(default=None, repr=False)
    master_key: Secret | None = None
    base_url: str | None = None
    relay_allow: tuple[AllowRule, ...] = ()
    relay_ports: frozenset[int] = DEFAULT_PORTS
    dns: tuple[str, int] | None = None
    cleartext_auth: frozenset[tuple[str, int]] = frozenset()
    default_sender: DefaultSender | None = None
    egress_ips: tuple[str, ...] = ()
    egress_host: str | None = None
    ehlo_name: str = "[127.0.0.1]"
    trusted_proxies: tuple[Network, ...] = ()
    log: Literal["text", "json"] = "text"
    log_level: str = "info"
    retention_days: int = RETENTION_DAYS
    metrics_token: Secret | None = None
    limits: bool = True

    @classmethod
    def load(
        cls,
        environ: Mapping[str, str] = os.environ,
        cwd: Path | None = None,
        *,
        warn: Callable[[str], None],
    ) -> Settings:
        """Raises CannotStart with one sentence that names the variable."""
        given = Environment(environ, cwd or Path.cwd())
        base_url = _read(given, "PORTAL_BASE_URL", _base_url)
        settings = cls(
            instance=given.path("PORTAL_INSTANCE", "instance"),
            database_url=_secret(given, "PORTAL_DATABASE_URL", _database_url),
            master_key=_secret(given, "PORTAL_MASTER_KEY", Secret),
            base_url=base_url,
            relay_allow=_list(given, "PORTAL_RELAY_ALLOW", relays.allow_rule),
            relay_ports=DEFAULT_PORTS
            | frozenset(_list(given, "PORTAL_RELAY_PORTS", relays.port)),
            dns=_read(given, "PORTAL_DNS", relays.address_port),
            cleartext_auth=frozenset(
                _list(given, "PORTAL_CLEARTEXT_AUTH", relays.host_port)
            ),
            default_sender=_secret(given, "PORTAL_DEFAULT_SENDER", default_sender),
            egress_ips=_list(given, "PORTAL_EGRESS_IPS", relays.address),
            egress_host=_read(given, "PORTAL_EGRESS_HOST", relays.host),
            ehlo_name=_read(given, "PORTAL_EHLO_NAME", ehlo_name)
            or default_ehlo_name(base_url),
            trusted_proxies=_list(given, "PORTAL_TRUSTED_PROXIES", relays.network),
            log=cast(
                Literal["text", "json"],
                _choice(given, "PORTAL_LOG", ("text", "json")),
            ),
            log_level=_choice(given, "PORTAL_LOG_LEVEL", LOG_LEVELS, default="info"),
            retention_days=_read(given, "PORTAL_RETENTION_DAYS", _days)
            or RETENTION_DAYS,
            metrics_token=_secret(given, "PORTAL_METRICS_TOKEN", Secret),
            limits=_choice(given, "PORTAL_LIMITS", ("on", "off")) == "on",
        )
        _refuse_cleartext(settings)
        given.warn_of_unknown(warn)
        return settings


def _read(given: Environment, name: str, read: Callable[[str], T]) -> T | None:
    return _convert(name, given.text(name), read)


def _secret(given: Environment, name: str, read: Callable[[str], T]) -> T | None:
    return _convert(name, given.secret(name), read)


def _list(given: Environment, name: str, read: Callable[[str], T]) -> tuple[T, ...]:
    return _read(given, name, lambda text: relays.each(text, read)) or ()


def _convert(name: str, text: str | None, read: Callable[[str], T]) -> T | None:
    if text is None:
        return None
    try:
        return read(text)
    except BadValue as error:
        what = str(error)
        joint = ":" if what.startswith("“") else ""
        raise CannotStart(f"{name}{joint} {what.rstrip('.')}.") from None


def _choice(
    given: Environment, name: str, choices: tuple[str, ...], default: str | None = None
) -> str:
    text = given.text(name)
    if text is None:
        return default or choices[0]
    if text.lower() not in choices:
        listed = ", ".join(choices[:-1]) + f" or {choices[-1]}"
        raise CannotStart(f"{name} is “{text}”; it must be {listed}.")
    return text.lower()


def _days(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", text) or int(text) == 0:
        raise BadValue(f"“{text}” is not a number of days from 1 to 9999")
    return int(text)


def _base_url(text: str) -> str:
    try:
        url = urlsplit(text)
        name, number = url.hostname, url.port
    except ValueError:
        raise BadValue(f"“{text}” is not a URL like https://mail.example.org") from None
    extra = url.path not in ("", "/") or url.query or url.fragment or url.username
    if url.scheme not in ("http", "https") or not name or extra:
        raise BadValue(f"“{text}” is not a URL like https://mail.example.org")
    shown = relays.host_or_address(name)
    shown = f"[{shown}]" if ":" in shown else shown
    return f"{url.scheme}://{shown}" + (f":{number}" if number else "")


def _database_url(text: str) -> str:
    """Never repeats the text: it holds a password."""
    try:
        url = urlsplit(text)
        sound = url.path.strip("/") and (url.port is None or url.port > 0)
    except ValueError:
        sound = False
    else:
        sound = bool(sound) and url.scheme in ("postgresql", "postgres")
    if not sound:
        raise BadValue("is not a URL like postgresql://user:password@host:5432/portal")
    return text


def _refuse_cleartext(settings: Settings) -> None:
    sender = settings.default_sender
    if sender is None or sender.security != "none" or sender.username is None:
        return
    if (sender.host, sender.port) not in settings.cleartext_auth:
        raise CannotStart(
            "PORTAL_DEFAULT_SENDER would send its password without TLS to"
            f" {sender.host}:{sender.port}; only a relay named in"
            " PORTAL_CLEARTEXT_AUTH may get that."
        )
