"""A proof in words: the verdict, each finding, the way that the mail took."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from portal.deliverability.proof.types import Outcome, Proof
from portal.deliverability.types import Status
from portal.mail.reading import shown as clean
from portal.mail.received import ReceivedMail
from portal.mail.received_hops import Hop
from portal.mail.received_trust import Trusted
from portal.services.domains import proof_words as words
from portal.services.domains.proof_types import (
    Adoptable,
    HopView,
    ProofRow,
    ProofView,
    Tied,
)

_LONGEST = 300
SLOW_S = 60  # between two servers; above, somebody let the mail wait
NO_PLACE = (
    "The header names no server that the mail came through, so that no result in it "
    "can be trusted. Paste the whole header, from its first line on."
)
HEADER_ONLY = (
    "Only the header was given. What was signed includes the body, so signatures "
    "cannot be verified here: paste the whole source, or upload the file."
)
NOTHING_TOLD = (
    "The server that took the mail in wrote no results. What is verified here stands "
    "alone."
)
FORGED = (
    "Results said to be of {} are ignored: they stand below the server that took the "
    "mail in, where anybody can have written them."
)


def shown(
    mail: ReceivedMail,
    trust: Trusted,
    proof: Proof,
    *,
    way: tuple[Hop, ...],
    tied: Tied | None,
    adoptable: Adoptable | None,
) -> ProofView:
    status, sentence = words.verdict(proof)
    dated = [hop.at for hop in way if hop.at is not None]
    return ProofView(
        status=status,
        sentence=sentence,
        from_address=mail.from_address or "",
        subject=_short(mail.subject),
        message_id=mail.message_id,
        rows=tuple(_rows(trust, proof)),
        notes=tuple(_notes(mail, trust, proof)),
        way=_way(way, trust.border),
        total_s=_between(dated[-1], dated[0]) if len(dated) > 1 else None,
        tied=tied,
        adoptable=adoptable,
    )


def _rows(trust: Trusted, proof: Proof) -> Iterator[ProofRow]:
    by = _short(trust.by or (trust.border.by if trust.border else None) or "")
    said = next((each.result for each in trust.of("dmarc")), None)
    yield words.dmarc_row(proof, said, by or None)
    if not proof.signatures:
        yield words.no_signature_row()
    for judged in proof.signatures:
        yield words.signature_row(judged)
    if not proof.spf:
        yield words.no_spf_row()
    for each in proof.spf:
        yield words.spf_row(each, by or None)


def _notes(mail: ReceivedMail, trust: Trusted, proof: Proof) -> Iterator[str]:
    if trust.border is None:
        yield NO_PLACE
    elif not trust.results:
        yield NOTHING_TOLD
    if mail.body is None and any(
        each.outcome is Outcome.HEADER_ONLY for each in proof.signatures
    ):
        yield HEADER_ONLY
    if trust.border is not None and trust.ignored:
        named = dict.fromkeys(each or "nobody" for each in trust.ignored)
        yield FORGED.format(_short(", ".join(named)))


def _way(way: tuple[Hop, ...], border: Hop | None) -> tuple[HopView, ...]:
    """The oldest first: each with what it took since the one before."""
    found: list[HopView] = []
    before: datetime | None = None
    for hop in reversed(way):
        status, encryption = _encryption(hop)
        took = _between(before, hop.at) if before and hop.at else None
        if took is not None and took > SLOW_S and status is Status.PASS:
            status = Status.WARN
        found.append(
            HopView(
                peer=_short(_named(hop)),
                by=_short(hop.by or "somebody"),
                at=hop.at,
                took_s=took,
                status=status,
                encryption=encryption,
                is_border=hop == border,
            )
        )
        before = hop.at or before
    return tuple(found)


def _named(hop: Hop) -> str:
    name = hop.reverse or hop.peer or ""
    if hop.address is None or str(hop.address) == name:
        return name
    return f"{name} [{hop.address}]"


def _encryption(hop: Hop) -> tuple[Status, str]:
    if hop.tls:
        old = hop.tls in ("TLS 1.0", "TLS 1.1")  # RFC 8996
        return (Status.WARN if old else Status.PASS), hop.tls
    if hop.is_encrypted:
        return Status.PASS, "encrypted"
    if hop.is_encrypted is None or (hop.address and not hop.address.is_global):
        return Status.INFO, "inside" if hop.is_encrypted is False else "not told"
    return Status.WARN, "cleartext"


def _between(before: datetime, after: datetime) -> int:
    """Whole seconds. Clocks differ: less than nothing is nothing."""
    return max(0, round((after - before).total_seconds()))


def _short(text: str) -> str:
    return clean(text[:_LONGEST])
