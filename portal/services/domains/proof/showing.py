"""A proof in words: the verdict and each finding, with the way that the mail took."""

from __future__ import annotations

from collections.abc import Iterator

from portal.deliverability.proof.types import Proof
from portal.mail.received.hops import Hop
from portal.mail.received.reading import ReceivedMail
from portal.mail.received.trust import Trusted
from portal.services.domains.proof import words
from portal.services.domains.proof.hosts import LONGEST, short
from portal.services.domains.proof.notes import gateway, notes
from portal.services.domains.proof.types import Adoptable, ProofRow, ProofView, Tied
from portal.services.domains.proof.way import total_s, way_of

MOST_OFFERED = 3  # gateways to choose from


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
    taken = way_of(way, trust.border)
    return ProofView(
        status=status,
        sentence=sentence,
        from_address=mail.from_address or "",
        subject=short(mail.subject),
        message_id=mail.message_id,
        rows=rows,
        notes=tuple(
            short(note, 2 * LONGEST)
            for note in notes(mail, trust, proof, taken, own_domain)
        ),
        way=taken,
        total_s=total_s(taken),
        tied=tied,
        adoptable=adoptable,
        offered=trust.offered[:MOST_OFFERED],
    )


def _by(trust: Trusted) -> str | None:
    """Whose results count, by its own name."""
    return short(trust.by or (trust.border.by if trust.border else None) or "") or None


def _rows(trust: Trusted, proof: Proof, through: str | None) -> Iterator[ProofRow]:
    by = _by(trust)
    yield words.dmarc_row(proof, by)
    if not proof.signatures:
        yield words.no_signature_row(has_arrived=trust.border is not None)
    for judged in proof.signatures:
        yield words.signature_row(proof, judged, by)
    if not proof.spf:
        yield words.no_spf_row()
    for each in proof.spf:
        yield words.spf_row(each, by, through)
