"""The certificates of a relay that nobody vouches for, and which one to trust."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from portal.delivery.types import Presented
from portal.errors import Missing
from portal.services.testing import TestView

_UNTRUSTED = "certificate_untrusted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """`anchor` is what a person may decide to trust; None where there is none."""

    certificates: tuple[Presented, ...]
    anchor: Presented | None

    @property
    def word(self) -> str:
        """What the button trusts."""
        return "CA" if self.anchor and self.anchor.is_ca else "certificate"


def chain(test: TestView) -> Chain | None:
    """What the relay showed, where that is why the test ended.

    Only a private authority or a certificate that signs itself can be trusted: an
    end date or another name is nothing that trust would mend.
    """
    if not test.presented:
        return None
    last = test.presented[-1]
    private = last.is_ca or last.subject == last.issuer
    untrusted = (test.diagnosis or {}).get("cause") == _UNTRUSTED
    anchor = last if private and untrusted else None
    return Chain(certificates=test.presented, anchor=anchor)


def trusting(test: TestView | None, fingerprint: str) -> Mapping[str, object]:
    """The setting that trusts what this test was shown: a browser names it by its
    fingerprint and cannot bring its own. Raises Missing."""
    found = chain(test) if test else None
    if found is None or found.anchor is None:
        raise Missing("This certificate is no longer on the page. Test again.")
    if found.anchor.fingerprint != fingerprint:
        raise Missing("This certificate is no longer on the page. Test again.")
    return {"ca": found.anchor.pem}
