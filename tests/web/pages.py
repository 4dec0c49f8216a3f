"""A tenant in which something happened, and the address of every page of it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask
from werkzeug.routing import Rule

from portal.address import Named, parse_mailbox
from portal.mail.types import Draft
from portal.services import captures, keys, sending
from portal.services.actor import Actor
from portal.services.captures import Taken
from portal.store.fields import now
from portal.store.models import Attempt, Message, Recipient, Search, SenderVersion
from tests.people import Factory

TOLD = ("failed", "deferred")
HOSTILE = "<script>alert('x')</script>\"'&"
MAIL = (
    b"From: Acme <noreply@example.org>\r\nTo: kim@example.com\r\n"
    b"Subject: Your code\r\nMessage-ID: %s\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/html; charset=utf-8\r\n\r\n<p>Your code is <b>123456</b></p>\r\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """`ids` fills the arguments of addresses; what a page needs is there."""

    ids: dict[str, str]
    sent: Message
    failed: Message
    version: SenderVersion


def furnish(make: Factory, actor: Actor, *, subject: str = "Your code") -> World:
    """A sender in use, a key, mails in each state, attempts and a captured mail."""
    tenant = actor.here
    version = make.sender(
        tenant, host="smtp.example.org", auth="password", username="acme"
    )
    key = keys.make(actor, name="ops")
    for state in ("queued", "deferred", "cancelled", "expired"):
        make.message(tenant, state=state, subject=f"{subject} {state}")
    sent = accepted(actor, "sent", subject, "kim@example.com")
    failed = accepted(actor, "failed", subject, "kim@example.com", "al@example.com")
    for message in (sent, failed):
        attempt(message, version, said=subject)
    uncertain = make.message(tenant, state="uncertain", subject=subject)
    attempt(uncertain, version, said=subject)
    kept = captures.keep(
        Taken(
            ehlo="portal.example.org",
            reverse_path="noreply@example.org",
            recipients=("kim@example.com",),
            content=MAIL % sent.message_id.encode(),
        )
    )
    return World(
        ids={
            "slug": tenant.slug,
            "message_id": failed.public_id,
            "capture_id": kept,
            "key_id": key.id,
            "sender_id": version.sender.public_id,
            "search_id": _search(actor, subject),
            "provider": "generic_smtp",
            "provider_id": "generic_smtp",
        },
        sent=sent,
        failed=failed,
        version=version,
    )


def accepted(actor: Actor, state: str, subject: str, *to: str) -> Message:
    """A mail taken as POST /send takes it, then brought into a state."""
    draft = Draft(
        to=tuple(Named(parse_mailbox(each)) for each in to),
        subject=subject,
        text="Your code is 123456.",
        html=f"<p>{subject}</p>",
    )
    (view,) = sending.accept(actor, [draft]).messages
    message = Message.get(Message.public_id == view.id)
    Recipient.update(state=state).where(Recipient.message == message.id).execute()
    Message.update(state=state).where(Message.id == message.id).execute()
    return Message.get_by_id(message.id)


def attempt(message: Message, version: SenderVersion, *, said: str = "") -> Attempt:
    """One try that the relay answered, with `said` wherever its words stand."""
    positive = message.state == "sent"
    code = 250 if positive else 550
    reply = {"code": code, "enhanced": None, "text": f"{said} words of the relay"}
    Message.update(attempts=1, settled_at=now()).where(
        Message.id == message.id
    ).execute()
    Recipient.update(reply=reply, token=1, settled_at=now()).where(
        Recipient.message == message.id
    ).execute()
    return Attempt.create(
        message=message,
        number=1,
        recipients=[row.id for row in message.recipients],
        route="sender",
        version=version,
        claimed_fence=1,
        owner="test",
        ended_at=now(),
        outcome=message.state,
        stage=None if positive else "rcpt_to",
        relay="smtp.example.org:587",
        reply=reply,
        ms=412,
        diagnosis=diagnosis(said) if message.state in TOLD else None,
        transcript=[
            ["C", "RCPT TO:<kim@example.com>", False],
            ["S", f"{code} {said} words of the relay", not positive],
        ],
    )


def _search(actor: Actor, said: str) -> str:
    """One that found a relay, in words of the relay's own."""
    way = {
        "host": "relay.example.org",
        "port": 587,
        "security": "starttls",
        "source": "srv",
        "safety": "trusted",
        "mechanisms": ["PLAIN", said],
        "said": said,
        "ms": 12,
    }
    outcome = {
        "provider": None,
        "ways": [way, {**way, "safety": None}],
        "proposal": way,
        "sentence": f"It answers {said}",
        "notes": [said],
        "values": {"provider": "generic_smtp", "host": "relay.example.org"},
    }
    row = Search.create(
        tenant=actor.here.id, asked="peer.example", state="done", outcome=outcome
    )
    return str(row.public_id)


def diagnosis(said: str) -> dict[str, object]:
    return {
        "cause": "recipient_unknown",
        "confidence": 0.9,
        "temporary": False,
        "title": f"There is no such mailbox {said}",
        "meaning": f"The relay answered for good {said}",
        "remedy": f"Correct the address {said}",
        "repairs": [],
        "evidence": {
            "code": 550,
            "enhanced": "5.1.1",
            "text": said,
            "stage": "rcpt_to",
        },
        "alternatives": [],
        "docs": None,
    }


def addresses(app: Flask, ids: dict[str, str], method: str = "GET") -> list[str]:
    """Every page of ours that answers `method` and whose arguments `ids` fill."""
    return sorted(
        _filled(rule, ids)
        for rule in app.url_map.iter_rules()
        if method in (rule.methods or ())
        and is_page(app, rule)
        and set(rule.arguments) <= set(ids)
    )


def is_page(app: Flask, rule: Rule) -> bool:
    return app.view_functions[rule.endpoint].__module__.startswith("portal.web")


def _filled(rule: Rule, ids: dict[str, str]) -> str:
    path = rule.rule
    for name in rule.arguments:
        path = path.replace(f"<{name}>", ids[name])
    return path
