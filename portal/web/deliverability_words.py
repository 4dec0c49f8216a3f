"""The DNS verdict on other pages: before a sender is used, on its card, on Overview."""

from __future__ import annotations

from dataclasses import dataclass

from portal.deliverability.types import Status
from portal.services import domains
from portal.services.actor import Actor
from portal.services.domains import Badge, DomainView
from portal.services.senders import SenderView

_HEADINGS = {
    Status.PASS: "The DNS is ready for this sender",
    Status.WARN: "Look at the DNS before you use this sender",
    Status.FAIL: "The DNS is not ready for this sender",
    Status.UNKNOWN: "Whether the DNS is ready is not known",
}
_MEANINGS = {
    Status.FAIL: "You can use it all the same: the relay takes the mail, and receivers "
    "may refuse it or call it spam until this is mended.",
    Status.UNKNOWN: "You can use it all the same. Check again in a while.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BeforeUse:
    """What the DNS means for a version that carries no mail yet. It never blocks."""

    state: str
    heading: str
    sentence: str
    meaning: str
    url: str
    word: str


def before_use(actor: Actor, sender: SenderView) -> BeforeUse | None:
    """Nothing for a version that is in use, and where there is nothing to check."""
    if sender.active == sender.version:
        return None
    view = domains.view(actor, sender.id)
    if view.problem:
        return None
    url = f"/t/{actor.here.slug}/senders/{sender.id}/deliverability"
    if view.verdict is None or not view.is_current:
        return _unchecked(view, url)
    status = view.verdict.status
    return BeforeUse(
        state=str(status),
        heading=_HEADINGS.get(status, _HEADINGS[Status.PASS]),
        sentence=view.verdict.sentence,
        meaning=_MEANINGS.get(status, ""),
        url=url,
        word="See what is missing" if status is Status.FAIL else "See the checks",
    )


def badge(found: Badge | None) -> tuple[str, str] | None:
    """State and words for the card of a sender; None before its first check."""
    if found is None or found.status is None:
        return None
    more = f", {found.failing} to mend" if found.failing else ""
    return str(found.status), f"{found.word}{more}"


def _unchecked(view: DomainView, url: str) -> BeforeUse:
    told = "is being checked" if view.running else "was not checked for this version"
    return BeforeUse(
        state="info",
        heading="Before you use it, look at the DNS",
        sentence=f"{view.domain} {told}.",
        meaning="",
        url=url,
        word="Check the DNS",
    )
