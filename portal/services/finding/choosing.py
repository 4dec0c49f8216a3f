"""The safest way that answers, and the fields of a sender that takes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from portal.delivery.types import Security
from portal.providers.catalogue import Catalogue
from portal.providers.types import Provider, UsernameRule
from portal.services.finding.looking import PORTS
from portal.services.finding.types import Asked, Findings, Lead, Leads, Safety, Way

_SAFETIES = list(Safety)
_SECURITIES = (Security.TLS, Security.STARTTLS, Security.NONE)
_HOW = {
    Security.TLS: "TLS from the start",
    Security.STARTTLS: "STARTTLS",
    Security.NONE: "no encryption",
}
_CHECK = {
    Safety.UNTRUSTED: (
        "Its certificate is from an authority that we do not know: a live test shows"
        " it, and lets you trust it."
    ),
    Safety.READABLE: "Everybody on the way can read what goes there; no password does.",
}


def chosen(
    asked: Asked, leads: Leads, ways: Sequence[Way], catalogue: Catalogue
) -> Findings:
    proposal = _safest(leads, ways)
    provider = _provider(leads, proposal, catalogue)
    return Findings(
        asked=asked,
        provider=provider.id if provider else None,
        ways=tuple(ways),
        proposal=proposal,
        sentence=_sentence(asked, proposal, ways),
        notes=_notes(leads, proposal, provider),
        values=_values(asked, leads, proposal, provider) if proposal else {},
    )


def _safest(leads: Leads, ways: Sequence[Way]) -> Way | None:
    """Safety decides, then whether it lets anybody sign in (an MX does not), then who
    told of the host, then RFC 8314 §3: TLS from the start before STARTTLS."""
    hosts = [lead.host for lead in leads.leads]

    def rank(way: Way) -> tuple[int, bool, int, int, int]:
        safety = _SAFETIES.index(way.safety) if way.safety else len(_SAFETIES)
        ports = [*PORTS, way.port]  # an unusual one stands behind the usual
        return (
            safety,
            not way.mechanisms,
            hosts.index(way.host),
            ports.index(way.port),
            _SECURITIES.index(way.security),
        )

    return min((way for way in ways if way.answers), key=rank, default=None)


def _provider(
    leads: Leads, proposal: Way | None, catalogue: Catalogue
) -> Provider | None:
    """Whose relay it is by its name; else whose mailboxes they are, if it was theirs."""
    if proposal is not None:
        return catalogue.by_host(proposal.host)
    return catalogue.get(leads.provider) if leads.provider else None


def _sentence(asked: Asked, proposal: Way | None, ways: Sequence[Way]) -> str:
    if proposal is not None:
        how = _HOW[proposal.security]
        return f"{proposal.host} answers on {proposal.port} with {how}."
    if not ways:
        return f"Nothing names a relay for {asked.text}."
    return (
        f"No relay answers for {asked.text}. Ask whoever runs its mail for the host"
        " and port of outgoing mail."
    )


def _notes(
    leads: Leads, proposal: Way | None, provider: Provider | None
) -> tuple[str, ...]:
    found = []
    if proposal and proposal.safety in _CHECK:
        found.append(_CHECK[proposal.safety])
    if proposal and not proposal.mechanisms:
        found.append("It offers no sign-in: it has to know this portal by its address.")
    if provider and provider.from_hint:
        found.append(f"With {provider.name}: {provider.from_hint}.".replace("..", "."))
    if leads.left_out:
        found.append(f"Not looked at: {', '.join(leads.left_out)}.")
    return tuple(found)


def _values(
    asked: Asked, leads: Leads, proposal: Way, provider: Provider | None
) -> dict[str, Any]:
    [lead] = [each for each in leads.leads if each.host == proposal.host]
    values: dict[str, Any] = {
        "provider": provider.id if provider else "generic_smtp",
        "host": proposal.host,
        "port": proposal.port,
        "security": proposal.security.value,
        "auth": _auth(proposal, provider),
    }
    username = _username(asked, lead, provider)
    if values["auth"] != "none" and username:
        values["username"] = username
    if asked.address:
        values["from_address"] = asked.address
    return values


def _auth(proposal: Way, provider: Provider | None) -> str:
    """A password is never proposed where it would be readable."""
    if proposal.safety is Safety.READABLE or not proposal.mechanisms:
        return "none"
    return provider.auth_methods[0] if provider else "password"


def _username(asked: Asked, lead: Lead, provider: Provider | None) -> str | None:
    if provider and provider.username_rule is UsernameRule.LITERAL:
        return provider.username_value
    if lead.username:
        return lead.username
    rule = provider.username_rule if provider else UsernameRule.EMAIL
    return asked.address if rule is UsernameRule.EMAIL else None
