"""What could not be judged of a received mail, or not as it looks, and why."""

from __future__ import annotations

from collections.abc import Iterator

from portal.deliverability.proof.types import Outcome, Proof
from portal.mail.received.families import is_gateway
from portal.mail.received.reading import ReceivedMail
from portal.mail.received.trust import Trusted
from portal.services.domains.proof.hosts import organization
from portal.services.domains.proof.types import HopView

MOST_SLOW = 3  # that are named; the way shows all
_AUTHENTICATED_AS = "x-ms-exchange-organization-authas"  # left out for others
NO_PLACE = (
    "The header names no server that the mail came through, so that no result in it "
    "can be trusted. Paste the whole header, from its first line on, of the mail that "
    "arrived; the copy among the sent ones has been nowhere."
)
FAILED = (
    "Mend what the rows below and the checks of this sender say of DKIM or SPF, send "
    "another test, and read that one here."
)
SLOW = (
    "{} took it only {} after the server before had it: it waited there, or was asked "
    "to come again later (greylisting)."
)
HEADER_ONLY = (
    "Only the header was given. What was signed includes the body, so signatures "
    "cannot be verified here: paste the whole source, or upload the file."
)
LONG = (
    "Of a mail larger than 1 MB the header alone is read. What was signed includes the "
    "body, so signatures cannot be verified here: send a small test."
)
CHOSEN = (
    "The results of {} count in this reading, because you said that you trust it. If "
    "that is no server of your side, they say nothing: whoever sends a mail can write "
    "such lines into it."
)
NOTHING_TOLD = (
    "The server that took the mail in wrote no results. What is verified here stands "
    "alone."
)
FORGED = (
    "Results said to be of {} are ignored: they stand below the server that took the "
    "mail in, where anybody can have written them."
)
GATEWAY = (
    "It came through the gateway {}, in front of the receiver. SPF behind it is judged "
    "by the address of that gateway, and not by that of the relay."
)
LIST = (
    "It came through a mailing list, which changes mails so that signatures no longer "
    "hold. Send a test to a mailbox instead."
)
BROKEN = (
    "The copy broke lines that were one. They were put together again, but a signature "
    "may not survive that: upload the file (.eml) to be sure."
)
OTHER = "It is from {}, and this sender writes as {}: nothing of it is taken over."
WITHIN = (
    "It never left the organisation in Microsoft 365 that it was sent from, where "
    "nothing is signed and nothing judged. Send a test to a mailbox elsewhere."
)
HELD = (
    "It holds another mail as an attachment. If that is the one to look at, save the "
    "attachment and upload its file."
)


def gateway(trust: Trusted) -> str | None:
    """The name of who handed the mail to the receiver, if it filters for others."""
    peer = (trust.border.reverse or trust.border.peer) if trust.border else None
    return peer if peer and is_gateway(organization(peer)) else None


def notes(
    mail: ReceivedMail,
    trust: Trusted,
    proof: Proof,
    way: tuple[HopView, ...],
    own_domain: str,
) -> Iterator[str]:
    """What to do first, then what could not be done here."""
    if proof.from_domain != own_domain:
        yield OTHER.format(proof.from_domain, own_domain)
        if mail.holds_another:
            yield HELD
    if "internal" in map(str.lower, mail.texts(_AUTHENTICATED_AS)):
        yield WITHIN
    if mail.is_broken:
        yield BROKEN
    if trust.border is None:
        yield NO_PLACE
    elif not trust.results:
        yield NOTHING_TOLD
    if trust.is_chosen:
        yield CHOSEN.format(trust.by)
    through = gateway(trust)
    if through:
        yield GATEWAY.format(through)
    if proof.passes is False:
        yield LIST if mail.texts("list-id") else FAILED
    slow = sorted(
        (hop for hop in way if hop.is_slow), key=lambda hop: -(hop.took_s or 0)
    )
    yield from (SLOW.format(hop.by, hop.took) for hop in slow[:MOST_SLOW])
    if mail.body is None and any(
        each.outcome is Outcome.HEADER_ONLY for each in proof.signatures
    ):
        yield LONG if mail.is_long else HEADER_ONLY
    if trust.border is not None and trust.ignored:
        named = dict.fromkeys(each or "nobody" for each in trust.ignored)
        yield FORGED.format(", ".join(named))
