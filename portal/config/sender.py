"""The platform's default sender, written as one URL."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from portal.address import BadAddress, parse_named
from portal.config.relays import BadValue, host_or_address
from portal.secret import Secret

SHAPE = "smtp://user:password@host:587?from=noreply@example.org"
_PORTS = {"starttls": 587, "none": 25, "tls": 465}
_PARAMETERS = ("from", "security", "per_hour")


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultSender:
    """Sends for tenants without a sender of their own.

    `security` is starttls, tls or none. `per_hour` None: no cap.
    """

    host: str
    port: int
    security: str
    username: str | None
    password: Secret | None = field(repr=False)
    from_address: str
    from_name: str = ""
    per_hour: int | None = None


def default_sender(text: str) -> DefaultSender:
    """Read `smtp[s]://user:pass@host:port?from=…&security=…&per_hour=…`.

    User and password are percent-decoded. Raises BadValue, whose words never
    repeat the text: it holds a password.
    """
    try:
        url = urlsplit(text)
        port, name = url.port, url.hostname
    except ValueError:
        raise BadValue(f"is not a URL like {SHAPE}") from None
    if url.scheme not in ("smtp", "smtps") or not name or url.path not in ("", "/"):
        raise BadValue(f"is not a URL like {SHAPE}")
    asked = _parameters(url.query)
    security = _security(url.scheme, asked.get("security"))
    username, password = _credentials(url.username, url.password)
    from_name, from_address = _from(asked.get("from", ""))
    return DefaultSender(
        host=host_or_address(name),
        port=_PORTS[security] if port is None else _port(port),
        security=security,
        username=username,
        password=password,
        from_address=from_address,
        from_name=from_name,
        per_hour=_per_hour(asked.get("per_hour")),
    )


def _parameters(query: str) -> dict[str, str]:
    # A plus is part of an address here, not a space.
    pairs = parse_qsl(query.replace("+", "%2B"), keep_blank_values=True)
    asked = dict(pairs)
    unknown = sorted(set(asked) - set(_PARAMETERS))
    if unknown:
        raise BadValue(f"has the unknown parameter “{unknown[0]}”")
    if len(asked) < len(pairs):
        raise BadValue("has a parameter twice")
    return asked


def _security(scheme: str, asked: str | None) -> str:
    if asked is not None and asked not in _PORTS:
        raise BadValue("has a security other than starttls, tls or none")
    if scheme == "smtps" and asked not in (None, "tls"):
        raise BadValue("begins with smtps, which is implicit TLS, but says otherwise")
    return asked or ("tls" if scheme == "smtps" else "starttls")


def _port(number: int) -> int:
    if not 0 < number < 65536:
        raise BadValue("has a port outside 1 to 65535")
    return number


def _credentials(
    username: str | None, password: str | None
) -> tuple[str | None, Secret | None]:
    if not username and not password:
        return None, None
    if not username or not password:
        raise BadValue("has a user name or a password without the other")
    plain = unquote(username), unquote(password)
    if any(ord(c) < 32 or ord(c) == 127 for c in "".join(plain)):
        raise BadValue("has a control character in its user name or password")
    return plain[0], Secret(plain[1])


def _from(text: str) -> tuple[str, str]:
    """The display name and the mailbox of `Name <a@b>` or `a@b`."""
    if not text:
        raise BadValue("has no from=, the address this mail is from")
    try:
        named = parse_named(text)
    except BadAddress as error:
        raise BadValue(f"has a from= that is no mail address: {error}") from None
    return named.name, str(named.mailbox)


def _per_hour(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) == 0:
        raise BadValue("has a per_hour that is not a whole number above 0")
    return int(text)
