"""The words of the overview's one sentence."""

from __future__ import annotations

from dataclasses import dataclass

from portal.services.actor import Actor
from portal.services.overview import Flow, Overview
from portal.services.senders import RouteKind
from portal.web import words


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`href` and `word` lead to the proof, where it is on another page."""

    state: str
    heading: str
    text: str
    href: str = ""
    word: str = ""


def verdict(actor: Actor, found: Overview) -> Verdict:
    say = {
        Flow.LOCKED: _locked,
        Flow.NOWHERE: _nowhere,
        Flow.CAPTURED: _captured,
        Flow.HELD: _held,
        Flow.FLOWING: _flowing,
        Flow.READY: _ready,
    }[found.flow]
    return say(actor, found)


def _locked(actor: Actor, found: Overview) -> Verdict:
    return Verdict(
        state="failed",
        heading="No mail leaves: the portal's secrets are locked",
        text="Its master key is missing or another one. Accepted mail is safe and "
        "waits. The operator puts the right key back and starts the portal again.",
    )


def _nowhere(actor: Actor, found: Overview) -> Verdict:
    return Verdict(
        state="failed",
        heading="Mail has no way out",
        text="There is no sender, no platform default and no sandbox here, so "
        "POST /send answers 503 and accepts nothing.",
    )


def _captured(actor: Actor, found: Overview) -> Verdict:
    through = (
        f"The sender {found.route.label} is a sandbox"
        if found.route.kind is RouteKind.SENDER
        else "No sender is in use, so the sandbox takes it"
    )
    return Verdict(
        state="warn",
        heading="No mail leaves: every mail is captured",
        text=f"{through}. What is sent here is kept to look at and reaches nobody.",
    )


def _held(actor: Actor, found: Overview) -> Verdict:
    trouble = found.trouble
    if trouble is None:
        raise ValueError("Mail is held without an attempt that failed.")
    many = words.count(trouble.held, "recipient")
    why = f" {trouble.relay} answered: {trouble.reply}." if trouble.reply else ""
    return Verdict(
        state="failed",
        heading=f"Mail is held: {trouble.title or 'the relay cannot be used'}",
        text=f"Since {words.when(trouble.since)} UTC.{why} Mail for {many} waits here "
        "and leaves on its own once this is mended.",
        href=f"/t/{actor.here.slug}/messages/{trouble.message_id}",
        word="See a failed attempt",
    )


def _flowing(actor: Actor, found: Overview) -> Verdict:
    accepted = ""
    if found.last_at:
        by = found.route.host or "The relay"
        accepted = f"{by} accepted the latest mail {words.ago(found.last_at)}. "
    return Verdict(
        state="pass" if found.route.kind is RouteKind.SENDER else "info",
        heading=f"Mail is flowing through {_through(found)}",
        text=accepted + _waiting(found),
    )


def _ready(actor: Actor, found: Overview) -> Verdict:
    return Verdict(
        state="info",
        heading=f"Ready. Mail would go through {_through(found)}",
        text="No mail has gone through it yet. " + _waiting(found),
    )


def _through(found: Overview) -> str:
    if found.route.kind is RouteKind.PLATFORM:
        return "the platform default"
    return found.route.label


def _waiting(found: Overview) -> str:
    queue = found.queue
    if not queue.total:
        return "Nothing waits."
    return f"{words.count(queue.total, 'mail')} on the way."
