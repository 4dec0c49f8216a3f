"""What a sender could take over from a mail that proves its domain, and does."""

from __future__ import annotations

from portal.address import BadAddress
from portal.deliverability import domains
from portal.deliverability.proof.types import Outcome, Proof
from portal.deliverability.types import Subject
from portal.services.actor import Actor, Role
from portal.services.domains.proof.types import Adoptable
from portal.services.domains.subjects import subject_of
from portal.services.installation import Installation
from portal.services.senders.fields import SenderFields
from portal.services.senders.finding import find, newest
from portal.services.senders.routing import route_now
from portal.services.senders.saving import Saved, save


def adoptable(
    installation: Installation, proof: Proof, fields: SenderFields
) -> Adoptable | None:
    """The keys that prove the domain of this sender, and its envelope, unless the
    checks look there already. One that signs here is known anyway."""
    try:
        subject = subject_of(installation, fields, None)
    except BadAddress:
        return None
    proven = list(dict.fromkeys(_proven(proof)))
    if proof.from_domain != subject.domain or not proven:
        return None
    domain = proven[0][0]
    own = fields.dkim_signing
    selectors = tuple(
        selector
        for at, selector in proven
        if at == domain and not (own and (own.domain, own.selector) == (at, selector))
    )
    path = _return_path(proof)
    new_path = None if path in (None, domains.envelope(subject)) else path
    is_known = _looks_at(subject, domain, selectors)
    if is_known and new_path is None:
        return None
    return Adoptable(
        selectors=() if is_known else _with_tokens(installation, fields, selectors),
        signing_domain=domain,
        return_path=new_path,
    )


def adopt(actor: Actor, sender_id: str, found: Adoptable) -> Saved:
    """A version that looks for these; it carries mail if the newest one did, whose
    connection it has. Raises Invalid, Missing."""
    actor.require(Role.ADMIN)
    sender = find(actor, sender_id)
    before = newest(sender)
    values = dict(before.settings)
    dkim = dict(values.get("dkim") or {})
    if found.selectors:
        dkim["selectors"] = list(found.selectors)
        dkim["signing_domain"] = found.signing_domain
    if found.return_path:
        dkim["return_path"] = found.return_path
    values["dkim"] = dkim
    carries = route_now(actor.installation, actor.here.id).version_id == before.id
    return save(actor, sender_id=sender_id, values=values, activate=carries)


def _looks_at(subject: Subject, domain: str, selectors: tuple[str, ...]) -> bool:
    """Of several keys of a provider a mail shows the one that signed it."""
    expected = subject.dkim.selectors if subject.dkim else ()
    there = subject.selectors or expected
    same = domains.signing(subject) == domain
    shown = {each.lower() for each in selectors}
    return not shown or (same and shown <= set(there))


def _with_tokens(
    installation: Installation, fields: SenderFields, selectors: tuple[str, ...]
) -> tuple[str, ...]:
    """One more of those that take turns, until they are all there (Amazon SES)."""
    provider = installation.catalogue.get(fields.provider)
    facts = provider.dkim if provider else None
    both = tuple(dict.fromkeys((*fields.dkim.selectors, *selectors)))
    if facts is None or not facts.all_required or facts.selector_count is None:
        return selectors
    return both if len(both) <= facts.selector_count else selectors


def _proven(proof: Proof) -> list[tuple[str, str]]:
    half = (Outcome.VERIFIED, Outcome.HEADER_ONLY)
    own = [
        (each.domain, each.selector)
        for each in proof.signatures
        if each.is_aligned and each.outcome in half
    ]
    told = [
        (each.told.domain, each.told.selector)
        for each in proof.dkim
        if each.is_aligned and each.told.result == "pass"
    ]
    signed = {(each.domain, each.selector) for each in proof.signatures}
    # What a receiver saw counts where the mail holds that very signature.
    return own + [(d, s) for d, s in told if d and s and (d, s) in signed]


def _return_path(proof: Proof) -> str | None:
    """A domain of the envelope that is not that of From, and yet aligns."""
    for each in proof.spf:
        domain = each.told.domain
        if each.is_aligned and each.told.result == "pass":
            return domain if domain != proof.from_domain else None
    return None
