"""What is allowed and still worth a word, said beside its field."""

from __future__ import annotations

from datetime import timedelta

from portal.crypto.certificates import client_certificate, described
from portal.delivery.types import Security
from portal.errors import FieldError
from portal.providers.types import Provider
from portal.services.senders.fields import CLIENT_KEY, SenderFields
from portal.services.senders.while_typing import TYPED_BY_HAND, TypedSoFar, typed_notes
from portal.store.fields import now

NEAR = timedelta(days=30)  # when the end of a certificate is spoken of
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
    found += typed_notes(_typed(fields), provider)
    found += _of_certificate(fields)
    found += _of_signing(fields)
    return tuple(found)


def aligned(domain: str, other: str) -> bool:
    """Whether DMARC may take one for the other: the same, or one below the other
    (relaxed alignment, RFC 9989, as far as it can be told without the DNS)."""
    own, others = f".{domain}", f".{other}"
    return own.endswith(others) or others.endswith(own)


def _of_certificate(fields: SenderFields) -> list[FieldError]:
    if fields.client_cert is None:
        return []
    facts = described(fields.client_cert)
    found = []
    if facts and facts[0].not_after < now() + NEAR:
        ends = facts[0].not_after
        sentence = f"It expires on {ends.day} {ends:%b %Y}; upload a new one before."
        found.append(FieldError("client_cert", sentence))
    key = fields.secrets.get(CLIENT_KEY)
    if key:
        checked = client_certificate(
            fields.client_cert.encode(), key=key.reveal().encode()
        )
        found += [FieldError("client_cert", each) for each in checked.advice]
    return found


def _of_signing(fields: SenderFields) -> list[FieldError]:
    own, domain = fields.dkim_signing, fields.from_address.rpartition("@")[2]
    if own is None or aligned(own.domain, domain):
        return []
    return [
        FieldError(
            "dkim_signing.domain",
            f"It does not align with {domain} of the From address: DMARC does not"
            " count this signature.",
        )
    ]


def _typed(fields: SenderFields) -> TypedSoFar:
    typed = {name: fields.secrets.get(name) for name in TYPED_BY_HAND}
    return TypedSoFar(
        host=fields.host or "",
        auth=fields.auth,
        username=fields.username,
        from_address=fields.from_address,
        secrets={name: each.reveal() for name, each in typed.items() if each},
    )
