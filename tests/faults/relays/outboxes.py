"""An outbox in this process for the faults of relays: its mail, seen from all sides."""

from __future__ import annotations

import email
from typing import Any

from portal.secret import Secret
from portal.services.senders.sealing import Stamp, seal_secrets
from portal.store.fields import now
from portal.store.models import Message, SenderVersion
from tests.engine.conftest import Post
from tests.faults.relays.acts import Acting

PASSWORD = "a password that nobody may see"
BIG = b"A line of the body of a mail that is longer than a block.\r\n" * 4000


def message_ids(relay: Acting) -> set[str]:
    return {email.message_from_bytes(raw)["Message-ID"] for raw in relay.contents}


def outcomes(post: Post, message: Message) -> list[str | None]:
    return [row.outcome for row in post.attempts(message)]


def answers(post: Post, message: Message) -> list[str | None]:
    return [row.answer for row in post.attempts(message)]


def with_password(post: Post, relay: Any, **settings: Any) -> SenderVersion:
    """An active sender that signs in with a password of its own."""
    version = post.make.sender(
        post.tenant,
        host=relay.host,
        port=relay.port,
        from_address="kim@example.org",
        auth="password",
        username="kim",
        **settings,
    )
    secrets = {"password": Secret(PASSWORD)}
    stamps = {"password": Stamp(at=now(), by=None)}
    seal_secrets(post.make.installation.vault, version, secrets, stamps)
    return version
