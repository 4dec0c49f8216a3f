"""The certificates of a relay that nobody vouches for, and which one to trust."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from portal.delivery.types import Presented
from portal.errors import Missing
from portal.services.testing import TestView


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """`anchor` is what a person may decide to trust; None where there is none.
    `is_proven`: with it, the relay's certificate was valid."""

    certificates: tuple[Presented, ...]
    anchor: Presented | None
    is_proven: bool

    @property
    def word(self) -> str:
        """What the button trusts."""
        return "CA" if self.anchor and self.anchor.is_ca else "certificate"


def chain(test: TestView) -> Chain | None:
    """What the relay showed, where that is why the test ended.

    Trust is on offer only as a repair: an end date or another name is nothing that
    it would mend.
    """
    if not test.presented:
        return None
    last = test.presented[-1]
    repairs = (test.diagnosis or {}).get("repairs", ())
    own = [each for each in repairs if each["set"].get("ca") == last.pem]
    return Chain(
        certificates=test.presented,
        anchor=last if own else None,
        is_proven=any(each["tested"] for each in own),
    )


def trusting(test: TestView | None, fingerprint: str) -> Mapping[str, object]:
    """The setting that trusts what this test was shown: a browser names it by its
    fingerprint and cannot bring its own. Raises Missing."""
    found = chain(test) if test else None
    if found is None or found.anchor is None:
        raise Missing("This certificate is no longer on the page. Test again.")
    if found.anchor.fingerprint != fingerprint:
        raise Missing("This certificate is no longer on the page. Test again.")
    return {"ca": found.anchor.pem}
