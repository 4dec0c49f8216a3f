"""Relays for tests: scripted ones, well-behaved ones, and their certificates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.relays.certificates import Authority, make_authority
from tests.relays.oauth_sink import OAuthSink
from tests.relays.scripted import ScriptedRelay, dialog_of
from tests.relays.sink import Sink
from tests.relays.tokens import TokenServer


@pytest.fixture(scope="session")
def authority() -> Authority:
    """`authority.pem` is the CA to trust; `authority.contexts["good"]` serves."""
    return make_authority()


@pytest.fixture
def play(authority: Authority) -> Iterator[Callable[..., ScriptedRelay]]:
    """`play("says_421_at_mail.txt")`, or the dialog itself as text; with
    `pipelining=True` the relay offers that too."""
    relays: list[ScriptedRelay] = []

    def begin(dialog: str, *, pipelining: bool = False) -> ScriptedRelay:
        relays.append(
            ScriptedRelay(dialog_of(dialog), authority.contexts, pipelining=pipelining)
        )
        return relays[-1]

    yield begin
    for relay in relays:
        relay.close()


@pytest.fixture
def sink() -> Iterator[Callable[..., Sink]]:
    """`sink(users={"kim": "secret"}, starttls=authority.contexts["good"])`."""
    with ExitStack() as stack:
        yield lambda **values: stack.enter_context(Sink(**values))


@pytest.fixture
def token_server() -> Iterator[Callable[..., TokenServer]]:
    """`token_server(tls=authority.contexts["good"], rotates=True)`: see tokens.py."""
    with ExitStack() as stack:
        yield lambda **values: stack.enter_context(TokenServer(**values))


@pytest.fixture
def oauth_sink() -> Iterator[Callable[..., OAuthSink]]:
    """`oauth_sink(tokens=server, starttls=…)`: see oauth_sink.py."""
    with ExitStack() as stack:
        yield lambda **values: stack.enter_context(OAuthSink(**values))
