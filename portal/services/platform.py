"""What the operator set and how this installation does, without any secret."""

from __future__ import annotations

import platform
import ssl
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from portal import __version__
from portal.config import AllowRule, DefaultSender, Settings
from portal.services.actor import Actor
from portal.store.database import locking
from portal.store.engines import FILE
from portal.store.models import Route, Tenant, proxy
from portal.store.room import LONG_LOG_BYTES

# SQLite's WAL-reset bug may corrupt a database that is written while another
# connection checkpoints; the fix is in 3.51.3 and 3.53.0 (sqlite.org/wal.html).
SQLITE_SOUND = (3, 51, 3)
LOW_DISK_BYTES = 1_000_000_000  # above the floor
_LIBRARIES = ("flask", "aiosmtplib", "cryptography", "peewee", "dnspython")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of health: `state` is pass, warn or fail."""

    name: str
    state: str
    word: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Default:
    """The platform's default sender, without its password."""

    host: str
    port: int
    security: str
    from_address: str
    from_name: str
    per_hour: int | None
    signs_in: bool
    used_by: tuple[str, ...]  # names of tenants


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformView:
    checks: tuple[Check, ...]
    default: Default | None
    settings: tuple[tuple[str, tuple[str, ...]], ...]  # variable, its values
    versions: tuple[tuple[str, str], ...]


def look(actor: Actor) -> PlatformView:
    """For the operator. Raises Forbidden."""
    actor.require_operator()
    settings = actor.installation.settings
    return PlatformView(
        checks=(
            _engine(actor),
            _database(actor),
            *_disk(actor),
            _key(actor),
            _relays(settings),
            *_providers(actor),
        ),
        default=_default(settings.default_sender),
        settings=_settings(settings),
        versions=_versions(),
    )


def _engine(actor: Actor) -> Check:
    well = actor.installation.bell.hears()
    if well is None:
        return Check(
            name="Engine",
            state="pass",
            word="Elsewhere",
            text="Not in this process: another one sends what is accepted here.",
        )
    if well:
        return Check(
            name="Engine", state="pass", word="In order", text="Runs in this process."
        )
    return Check(
        name="Engine",
        state="fail",
        word="Stands still",
        text="Nothing is sent by this process. Start the portal again; accepted mail "
        "is safe.",
    )


def _database(actor: Actor) -> Check:
    if locking():
        version = _scalar("SHOW server_version")
        size = int(_scalar("SELECT pg_database_size(current_database())"))
        return Check(
            name="Database",
            state="pass",
            word="In order",
            text=f"PostgreSQL {version}, {size / 1e6:,.1f} MB",
        )
    version = str(_scalar("SELECT sqlite_version()"))
    size = (actor.installation.settings.instance / FILE).stat().st_size
    sound = tuple(int(part) for part in version.split(".")) >= SQLITE_SOUND
    text = f"SQLite {version}, {size / 1e6:,.1f} MB"
    logged = actor.installation.room.log_bytes()
    if logged >= LONG_LOG_BYTES:
        return Check(
            name="Database",
            state="warn",
            word="Long log",
            text=f"{text}, and a log of {logged / 1e6:,.0f} MB. Something reads from "
            "portal.db without an end, a backup or a shell: end that.",
        )
    if sound:
        return Check(name="Database", state="pass", word="In order", text=text)
    return Check(
        name="Database",
        state="warn",
        word="Old library",
        text=f"{text}. A rare fault that can damage a database in WAL mode is fixed "
        "from 3.51.3 on: back up daily.",
    )


def _disk(actor: Actor) -> tuple[Check, ...]:
    """Only where the queue lies on this machine's disk."""
    room = actor.installation.room
    free, floor = room.free_bytes, room.accept_floor_bytes
    if free is None:
        return ()
    text = f"{free / 1e9:,.1f} GB free for the queue"
    needs = f"mail is accepted while {floor / 1e9:,.1f} GB are free"
    if free < floor:
        return (
            Check(name="Disk", state="fail", word="Full", text=f"{text}: {needs}."),
        )
    if free < floor + LOW_DISK_BYTES:
        text = f"{text}: {needs}."
        return (Check(name="Disk", state="warn", word="Nearly full", text=text),)
    return (Check(name="Disk", state="pass", word="In order", text=text),)


def _key(actor: Actor) -> Check:
    if actor.installation.vault.locked:
        return Check(
            name="Master key",
            state="fail",
            word="Locked",
            text="It is missing, or another one than the secrets were sealed with. "
            "Nothing is sent until the right one is back.",
        )
    if actor.installation.settings.master_key:
        return Check(
            name="Master key",
            state="pass",
            word="In order",
            text="Given by PORTAL_MASTER_KEY.",
        )
    return Check(
        name="Master key",
        state="warn",
        word="Beside the data",
        text="It lies in the instance folder, so whoever copies the folder can open "
        "the secrets. Keep it apart with PORTAL_MASTER_KEY_FILE.",
    )


def _relays(settings: Settings) -> Check:
    plain = ", ".join(f"{host}:{port}" for host, port in settings.cleartext_auth)
    if plain:
        return Check(
            name="Passwords in clear",
            state="warn",
            word="Permitted",
            text=f"To {plain}, by PORTAL_CLEARTEXT_AUTH.",
        )
    return Check(
        name="Passwords in clear",
        state="pass",
        word="Nowhere",
        text="A password leaves only inside of TLS.",
    )


def _default(sender: DefaultSender | None) -> Default | None:
    if sender is None:
        return None
    own = Route.select(Route.tenant).where(Route.active_version.is_null(False))
    using = Tenant.select(Tenant.name).where(Tenant.id.not_in(own))
    return Default(
        host=sender.host,
        port=sender.port,
        security=sender.security,
        from_address=sender.from_address,
        from_name=sender.from_name,
        per_hour=sender.per_hour,
        signs_in=sender.password is not None,
        used_by=tuple(row.name for row in using.order_by(Tenant.name)),
    )


def _settings(settings: Settings) -> tuple[tuple[str, tuple[str, ...]], ...]:
    dns = settings.dns
    return (
        ("PORTAL_INSTANCE", (str(settings.instance),)),
        ("PORTAL_BASE_URL", (settings.base_url or "",)),
        ("PORTAL_EHLO_NAME", (settings.ehlo_name,)),
        ("PORTAL_EGRESS_IPS", settings.egress_ips),
        ("PORTAL_EGRESS_HOST", (settings.egress_host or "",)),
        ("PORTAL_RELAY_ALLOW", tuple(map(_rule, settings.relay_allow))),
        ("PORTAL_RELAY_PORTS", tuple(map(str, sorted(settings.relay_ports)))),
        ("PORTAL_DNS", (f"{dns[0]}:{dns[1]}" if dns else "",)),
        ("PORTAL_TRUSTED_PROXIES", tuple(map(str, settings.trusted_proxies))),
        ("PORTAL_RETENTION_DAYS", (str(settings.retention_days),)),
        ("PORTAL_LIMITS", ("on" if settings.limits else "off",)),
    )


def _rule(rule: AllowRule) -> str:
    where = str(rule.network) if rule.network else str(rule.host)
    shown = f"[{where}]" if ":" in where else where
    return f"{shown}:{rule.port if rule.port is not None else '*'}"


def _versions() -> tuple[tuple[str, str], ...]:
    found = [
        ("SMTP Portal", __version__),
        ("Python", platform.python_version()),
        ("OpenSSL", ssl.OPENSSL_VERSION.removeprefix("OpenSSL ").split(" ")[0]),
    ]
    return (*found, *((name, metadata.version(name)) for name in _LIBRARIES))


def _providers(actor: Actor) -> tuple[Check, ...]:
    """Only where a file of the operator could not be used."""
    problems = actor.installation.catalogue.problems
    if not problems:
        return ()
    return (
        Check(
            name="Provider files",
            state="warn",
            word=f"{len(problems)} left out",
            text=" ".join(problems),
        ),
    )


def _scalar(sql: str) -> Any:
    return proxy.execute_sql(sql).fetchone()[0]
