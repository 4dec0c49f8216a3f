"""A received mail: read, verified, shown, and never kept."""

from __future__ import annotations

import asyncio

from portal.address import parse_mailbox
from portal.deliverability.asking import Asking
from portal.deliverability.proof.judging import prove as judge
from portal.deliverability.proof.types import Evidence, Proof, Told
from portal.errors import Invalid
from portal.mail.received.hops import hops
from portal.mail.received.reading import OUTLOOK_FILE, ReceivedMail, read
from portal.mail.received.signatures import signatures
from portal.mail.received.trust import Trusted, trusted
from portal.services import limits
from portal.services.actor import Actor, Role
from portal.services.domains.proof.adopting import adoptable
from portal.services.domains.proof.hosts import domain_of, organization
from portal.services.domains.proof.showing import shown
from portal.services.domains.proof.tying import tied
from portal.services.domains.proof.types import ProofView
from portal.services.domains.subjects import Outward
from portal.services.senders.fields import stored_fields
from portal.services.senders.finding import find, newest
from portal.store.fields import now

PROOFS, WINDOW_S = 10, 60
WITHIN_S = 6.0  # somebody waits for the page
MOST_QUESTIONS = 40
FIELD = "raw"
NOTHING = "Paste the source of a received mail, or choose its file."
NO_MAIL = "This is not the source of a mail: it has no header with From."
IS_OUTLOOK = (
    "This is a file of Outlook's own kind (.msg). Save the mail as .eml, or paste "
    "“View message source”."
)
IS_PAGE = (
    "This begins like a web page or a report, and not like a mail. Save the mail "
    "itself as .eml, or paste its source."
)
NO_FROM = (
    "Its From field does not hold exactly one address, so that receivers cannot judge "
    "the mail."
)


def prove(
    actor: Actor, sender_id: str, content: bytes, *, trusting: str | None = None
) -> ProofView:
    """Takes some seconds. `trusting`: one of the gateways that a first reading has
    offered, whose results are to count in this one. Raises Missing, Invalid for what
    is no mail, and TooMany."""
    actor.require(Role.ADMIN)
    fields = stored_fields(newest(find(actor, sender_id)).settings)
    mail = _read(content)
    address = mail.from_address
    if address is None:
        raise Invalid(FIELD, NO_FROM if mail.texts("from") else NO_MAIL)
    limits.spend(
        actor.installation,
        f"domain-proof:{actor.here.public_id}",
        limit=PROOFS,
        window_s=WINDOW_S,
        sentence=f"{PROOFS} mails were read in a short time. Try again {{when}}.",
    )
    trust = trusted(mail, organization, chosen=trusting)
    evidence = _evidence(mail, parse_mailbox(address).domain, trust)
    proof = asyncio.run(_judged(actor, evidence))
    return shown(
        mail,
        trust,
        proof,
        way=hops(mail),
        tied=tied(actor, mail),
        adoptable=adoptable(actor.installation, proof, fields),
        own_domain=parse_mailbox(fields.from_address).domain,
    )


def _read(content: bytes) -> ReceivedMail:
    if not content.strip():
        raise Invalid(FIELD, NOTHING)
    if content.startswith(OUTLOOK_FILE):
        raise Invalid(FIELD, IS_OUTLOOK)
    if content.lstrip().startswith(b"<"):
        raise Invalid(FIELD, IS_PAGE)
    mail = read(content)
    if not mail.fields:
        raise Invalid(FIELD, NO_MAIL)
    return mail


def _evidence(mail: ReceivedMail, domain: str, trust: Trusted) -> Evidence:
    """Signatures as they were when the mail arrived: some end soon after (x=)."""
    arrived_at = trust.border.at if trust.border else None
    said = (each for each in _told(trust, "dmarc") if each.domain in (None, domain))
    return Evidence(
        from_domain=domain,
        signatures=signatures(mail, now=min(arrived_at or now(), now())),
        spf=tuple(_told(trust, "spf")),
        dkim=tuple(_told(trust, "dkim")),
        dmarc=next((each.result for each in said), None),
    )


def _told(trust: Trusted, method: str) -> list[Told]:
    return [
        Told(result=each.result, domain=domain_of(each.domain), selector=each.selector)
        for each in trust.of(method)
    ]


async def _judged(actor: Actor, evidence: Evidence) -> Proof:
    dns = Outward(actor.installation.settings.dns)
    async with Asking(dns, most=MOST_QUESTIONS, patience_s=WITHIN_S) as asking:
        return await judge(asking, evidence)
