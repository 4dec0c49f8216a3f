"""A proof in words: the verdict, each finding, the way that the mail took."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from portal.deliverability.proof.types import Proof
from portal.deliverability.types import Status
from portal.mail.reading import shown as clean
from portal.mail.received import ReceivedMail
from portal.mail.received_hops import Hop
from portal.mail.received_trust import Trusted
from portal.services.domains import proof_words as words
from portal.services.domains.proof_notes import SLOW_S, gateway, notes
from portal.services.domains.proof_types import (
    Adoptable,
    HopView,
    ProofRow,
    ProofView,
    Tied,
)

_LONGEST = 300


def shown(
    mail: ReceivedMail,
    trust: Trusted,
    proof: Proof,
    *,
    way: tuple[Hop, ...],
    tied: Tied | None,
    adoptable: Adoptable | None,
    own_domain: str,
) -> ProofView:
    """`own_domain` is that of the sender, which the mail may not be from."""
    through = gateway(trust)
    rows = tuple(_rows(trust, proof, through))
    status, sentence = words.concluded(proof, _by(trust), rows)
    taken = _way(way, trust.border)
    dated = [hop.at for hop in way if hop.at is not None]
    return ProofView(
        status=status,
        sentence=sentence,
        from_address=mail.from_address or "",
        subject=_short(mail.subject),
        message_id=mail.message_id,
        rows=rows,
        notes=tuple(
            _short(note, 2 * _LONGEST)
            for note in notes(mail, trust, proof, taken, own_domain)
        ),
        way=taken,
        total_s=max(0, _between(dated[-1], dated[0])) if len(dated) > 1 else None,
        tied=tied,
        adoptable=adoptable,
    )


def _by(trust: Trusted) -> str | None:
    """Whose results count, by its own name."""
    return _short(trust.by or (trust.border.by if trust.border else None) or "") or None


def _rows(trust: Trusted, proof: Proof, through: str | None) -> Iterator[ProofRow]:
    by = _by(trust)
    yield words.dmarc_row(proof, by)
    if not proof.signatures:
        yield words.no_signature_row()
    for judged in proof.signatures:
        yield words.signature_row(proof, judged, by)
    if not proof.spf:
        yield words.no_spf_row()
    for each in proof.spf:
        yield words.spf_row(each, by, through)


def _way(way: tuple[Hop, ...], border: Hop | None) -> tuple[HopView, ...]:
    """The oldest first: each with what it took since the one before."""
    found: list[HopView] = []
    before: datetime | None = None
    is_arrived = False
    for hop in reversed(way):
        status, encryption = _encryption(hop, is_inside=hop.is_private or is_arrived)
        took = _between(before, hop.at) if before and hop.at else None
        found.append(
            HopView(
                peer=_short(_named(hop)),
                by=_short(hop.by or "somebody"),
                at=hop.at,
                took_s=took,
                is_slow=took is not None and took > SLOW_S,
                status=status,
                encryption=encryption,
                is_border=hop == border,
            )
        )
        before = hop.at or before
        is_arrived = is_arrived or hop == border
    return tuple(found)


def _named(hop: Hop) -> str:
    name = hop.reverse or hop.peer or ""
    if hop.address is None or str(hop.address) == name:
        return name
    return f"{name} [{hop.address}]"


def _encryption(hop: Hop, *, is_inside: bool) -> tuple[Status, str]:
    if hop.tls:
        old = hop.tls in ("TLS 1.0", "TLS 1.1")  # RFC 8996
        return (Status.WARN if old else Status.PASS), hop.tls
    if hop.is_encrypted:
        return Status.PASS, "encrypted"
    if hop.is_encrypted is None:
        return Status.INFO, "not told"
    # Within a house it is nothing that the sender could mend.
    return (Status.INFO, "inside") if is_inside else (Status.WARN, "cleartext")


def _between(before: datetime, after: datetime) -> int:
    """Whole seconds; less than nothing where clocks differ."""
    return round((after - before).total_seconds())


def _short(text: str, most: int = _LONGEST) -> str:
    return clean(text[:most])
