"""Rows that tests need and do not talk about: tenants, people, senders, messages."""

from __future__ import annotations

import functools
import hashlib
import itertools
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from portal.crypto.passwords import hash_password
from portal.services.actor import Actor, PersonRef, Role, TenantRef
from portal.store.fields import now
from portal.store.models import (
    Membership,
    Message,
    MessageContent,
    Person,
    Recipient,
    Route,
    Sender,
    SenderVersion,
    Tenant,
)

if TYPE_CHECKING:
    from portal.services.installation import Installation

PASSWORD = "correct horse battery staple"
SETTINGS: dict[str, Any] = {
    "name": "Relay",
    "provider": "generic_smtp",
    "host": "127.0.0.1",
    "port": 2525,
    "security": "none",
    "auth": "none",
    "from_name": "Acme",
    "from_address": "noreply@example.org",
}


@functools.cache
def password_hash() -> str:
    """Of PASSWORD; slow by design, so made once."""
    return hash_password(PASSWORD)


class Factory:
    """`make.tenant("Acme Inc")`, `make.sender(tenant)`, `make.message(tenant)`."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self._number = itertools.count(1)

    def tenant(self, name: str = "Acme Inc", quota: int | None = None) -> TenantRef:
        """The tenant of this name, made if it is not there."""
        slug = name.lower().replace(" ", "-")
        row, made = Tenant.get_or_create(
            slug=slug, defaults={"name": name, "quota": quota}
        )
        if made:
            Route.create(tenant=row)
        return TenantRef(id=row.id, public_id=row.public_id, slug=slug, name=name)

    def person(self, email: str, *, is_operator: bool = False) -> Person:
        return Person.create(
            email=email,
            name=email.partition("@")[0].title(),
            password_hash=password_hash(),
            is_operator=is_operator,
        )

    def actor(self, role: str, *, tenant: str, email: str) -> Actor:
        """A person in a tenant. `owner@example.org` is the operator."""
        where = self.tenant(tenant)
        person = self.person(email, is_operator=email == "owner@example.org")
        Membership.create(person=person, tenant=where.id, role=role)
        return Actor(
            installation=self.installation,
            tenant=where,
            role=Role(role),
            person=PersonRef(
                id=person.id,
                public_id=person.public_id,
                name=person.name,
                email=person.email,
                is_operator=person.is_operator,
            ),
            ip="192.0.2.7",
        )

    def sender(
        self, tenant: TenantRef, *, active: bool = True, **settings: Any
    ) -> SenderVersion:
        """A sender with one version and no secret."""
        fields = SETTINGS | settings
        name = f"{fields['name']} {next(self._number)}"
        sender = Sender.create(tenant=tenant.id, name=name, latest=1)
        version = SenderVersion.create(
            sender=sender,
            number=1,
            provider=fields["provider"],
            settings=fields | {"name": name},
        )
        if active:
            Route.update(active_version=version, fence=Route.fence + 1).where(
                Route.tenant == tenant.id
            ).execute()
        return version

    def message(
        self,
        tenant: TenantRef,
        *,
        to: Sequence[str] = ("kim@example.com",),
        state: str = "queued",
        subject: str = "Hello",
        body: bytes = b"Hello.\r\n",
        **columns: Any,
    ) -> Message:
        """An accepted message, its content and its recipients in one state."""
        number = next(self._number)
        ends = now() + timedelta(days=3)
        message_id = f"<{number:032x}.t@example.org>"
        headers = (
            f"Date: Sat, 21 Nov 2026 09:00:00 +0000\r\nMessage-ID: {message_id}\r\n"
            f"To: {to[0]}\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n"
        ).encode()
        message = Message.create(
            tenant=tenant.id,
            message_id=message_id,
            subject=subject,
            shown_to=to[0],
            size_bytes=len(headers) + len(body),
            state=state,
            expires_at=ends,
            **columns,
        )
        MessageContent.create(
            message=message,
            date=message.accepted_at,
            headers=headers,
            body=body,
            sha256=hashlib.sha256(headers + body).hexdigest(),
        )
        for position, address in enumerate(to):
            Recipient.create(
                message=message,
                tenant=tenant.id,
                position=position,
                address=address,
                state=state,
                next_at=message.accepted_at,
                expires_at=ends,
            )
        return message
