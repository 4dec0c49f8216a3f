"""What is allowed and still worth a word, said beside its field."""

from __future__ import annotations

import re

from portal.delivery.types import Security
from portal.errors import FieldError
from portal.providers.types import Provider
from portal.services.senders.fields import SenderFields

_USUAL = {
    465: Security.TLS,
    2465: Security.TLS,
    587: Security.STARTTLS,
    2587: Security.STARTTLS,
    2525: Security.STARTTLS,
}


def usual_security(port: int | None) -> Security | None:
    """What a port proposes; None where both are usual or nothing is known."""
    return _USUAL.get(port or 0)


def port_note(port: int | None, security: str | None) -> str | None:
    """A port and an encryption that seldom go together; never a refusal."""
    usual = usual_security(port)
    if usual is None or not security or security == usual:
        return None
    if usual is Security.TLS:
        return f"Port {port} usually talks TLS from the start. STARTTLS belongs to 587."
    if security == Security.TLS:
        return (
            f"Port {port} usually begins readable and turns to TLS by STARTTLS. TLS"
            " from the start belongs to 465."
        )
    return f"Port {port} usually asks for STARTTLS before anything else."


def notes(fields: SenderFields, provider: Provider | None) -> tuple[FieldError, ...]:
    """Beside their fields; the sender is saved all the same."""
    found = []
    mismatch = port_note(fields.port, fields.security)
    if mismatch:
        found.append(FieldError("port", mismatch))
    if fields.security is Security.NONE and not fields.is_sandbox:
        found.append(FieldError("security", "Everybody on the way can read this mail."))
    if fields.password:
        found += _of_secret(fields.password.reveal(), provider)
    return tuple(found)


def _of_secret(secret: str, provider: Provider | None) -> list[FieldError]:
    found = []
    if secret != secret.strip():
        found.append(
            FieldError("password", "It begins or ends with a blank; kept as typed.")
        )
    pattern = provider.secret_pattern if provider else None
    if provider and pattern and not re.search(pattern, secret):
        found.append(
            FieldError(
                "password",
                f"This does not look like what {provider.name} gives out. Kept as"
                " typed.",
            )
        )
    return found
