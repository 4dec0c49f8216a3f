"""A form as it comes in, and short ways to save it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from portal.services import senders
from portal.services.actor import Actor
from portal.services.senders import Saved, SenderFields, Stored

FORM: dict[str, object] = {
    "name": "Acme mail",
    "provider": "generic_smtp",
    "host": "smtp.example.org",
    "port": "587",
    "security": "starttls",
    "auth": "password",
    "username": "app",
    "password": "open sesame",
    "from_name": "Acme",
    "from_address": "app@example.org",
}


@pytest.fixture
def form() -> Callable[..., dict[str, object]]:
    """`form(port=465)`; a None leaves a field out."""

    def build(**changes: object) -> dict[str, object]:
        values = {**FORM, **changes}
        return {name: value for name, value in values.items() if value is not None}

    return build


@pytest.fixture
def validate(installation) -> Callable[..., SenderFields]:
    def check(
        values: dict[str, object], *, stored: Stored | None = None
    ) -> SenderFields:
        return senders.validate(
            values,
            catalogue=installation.catalogue,
            settings=installation.settings,
            stored=stored,
        )

    return check


@pytest.fixture
def save(form) -> Callable[..., Saved]:
    """`save(actor, sender_id=…, activate=True, port=465)`."""

    def keep(
        actor: Actor,
        *,
        sender_id: str | None = None,
        activate: bool = False,
        **changes: Any,
    ) -> Saved:
        return senders.save(
            actor,
            sender_id=sender_id,
            values=form(**changes),
            activate=activate,
            patience_s=0,
        )

    return keep
