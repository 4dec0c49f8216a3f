"""A form as it comes in, and short ways to save it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from portal.delivery.grants import Grant, OAuth
from portal.delivery.types import LIVE_TEST, Limits
from portal.engine.live_tests import LiveTests
from portal.engine.searches import Searches
from portal.net.open import OpenNet
from portal.secret import Secret
from portal.services import senders, testing
from portal.services.actor import Actor
from portal.services.installation import Installation
from portal.services.senders import Saved, SenderFields, Stored
from portal.services.senders.tokens import KeptTokens, Timing
from portal.store.fields import now
from portal.store.models import BrowserSession, public_id
from tests.relays.tokens import TokenServer

PROBE = Limits.every(2, 3)
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


@pytest.fixture
def ask(form) -> Callable[..., str]:
    """`ask(actor, to=…, port=…)`: a live test of the form; its id."""

    def start(
        actor: Actor,
        *,
        sender_id: str | None = None,
        to: str | None = None,
        typed_in: str | None = None,
        kind: str = testing.MAIL,
        **changes: Any,
    ) -> str:
        return testing.start(
            actor,
            values=form(**changes),
            sender_id=sender_id,
            to=to,
            session_id=actor.session_id,
            typed_in=typed_in,
            kind=kind,
        )

    return start


@pytest.fixture
def run_tests(installation) -> Callable[..., None]:
    """Run what waits, as an engine does, until all of it has ended."""

    def run(here: Installation = installation, *, limits: Limits = LIVE_TEST) -> None:
        async def look() -> None:
            with ThreadPoolExecutor(1) as threads:
                tests = LiveTests(
                    here, "test", threads, limits=limits, probe_limits=PROBE
                )
                await tests.look()
                await tests.stop(30)

        asyncio.run(look())

    return run


@pytest.fixture
def run_searches(installation) -> Callable[..., None]:
    """Run the searches that wait, as an engine does."""

    def run(*, within_s: float = 2) -> None:
        async def look() -> None:
            with ThreadPoolExecutor(1) as threads:
                searches = Searches(installation, "test", threads, within_s=within_s)
                await searches.look()
                await searches.stop(30)

        asyncio.run(look())

    return run


@pytest.fixture
def signed_in(admin) -> Actor:
    """The admin in a browser session."""
    return replace(admin, session_id=browser_session(admin))


def browser_session(actor: Actor) -> int:
    assert actor.person
    row = BrowserSession.create(
        token_hash=public_id(),
        person=actor.person.id,
        csrf="x",
        ends_at=now() + timedelta(hours=12),
    )
    return row.id


@pytest.fixture
def server(token_server, authority) -> TokenServer:
    """One whose refresh tokens are good once."""
    return token_server(tls=authority.contexts["good"], rotates=True)


@pytest.fixture
def oauth(server) -> OAuth:
    return OAuth(
        grant=Grant.REFRESH_TOKEN,
        token_url=server.token_url,
        client_id=server.client_id,
        client_secret=Secret(server.client_secret),
        refresh_token=Secret(server.refresh_token()),
    )


@pytest.fixture
def tokens(installation, admin, authority) -> KeptTokens:
    return KeptTokens(
        vault=installation.vault,
        tenant_id=admin.here.id,
        net=OpenNet(),
        ca_pem=authority.pem,
        timing=Timing(poll_s=0.02, rewrite_s=(0.05,) * 40),
    )
