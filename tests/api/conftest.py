"""Programs that call the portal: a client with a key, one of a stranger."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.app import create_app
from portal.services import keys
from portal.services.actor import Actor
from portal.store.models import Message, Recipient

if TYPE_CHECKING:
    from portal.services.installation import Installation

MAIL: dict[str, Any] = {
    "to": "Lee <lee@example.com>",
    "subject": "Hello",
    "text": "Hi Lee.\n",
}


@pytest.fixture
def installation(installation: Installation) -> Installation:
    """With a sandbox by name, so that there is always a way for mail."""
    return dataclasses.replace(installation, sandbox_port=lambda: 1)


@pytest.fixture
def client(installation: Installation) -> FlaskClient:
    return create_app(installation=installation).test_client()


class Caller:
    """`caller.post(MAIL)`: a program with a key."""

    def __init__(self, client: FlaskClient, key: str) -> None:
        self.client = client
        self.key = key

    def ask(self, method: str, path: str, **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.key}", **more.pop("headers", {})}
        return self.client.open(path, method=method, headers=headers, **more)

    def post(self, document: Any, **headers: str) -> TestResponse:
        """`document` is JSON, or bytes as they are; headers with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        raw = isinstance(document, bytes)
        body = document if raw else json.dumps(document).encode()
        return self.ask(
            "POST",
            "/send",
            data=body,
            content_type="application/json",
            headers=named,
        )

    def get(self, path: str) -> TestResponse:
        return self.ask("GET", path)

    def delete(self, path: str) -> TestResponse:
        return self.ask("DELETE", path)


@pytest.fixture
def caller(client: FlaskClient, owner: Actor) -> Caller:
    return Caller(client, keys.make(owner, name="script").key)


@pytest.fixture
def foreign(client: FlaskClient, stranger: Actor) -> Caller:
    """A key of another tenant."""
    return Caller(client, keys.make(stranger, name="theirs").key)


def count() -> int:
    return Message.select().count()


def set_state(public_id: str, state: str) -> None:
    message = Message.get(Message.public_id == public_id)
    Recipient.update(state=state).where(Recipient.message == message.id).execute()
    Message.update(state=state).where(Message.id == message.id).execute()
