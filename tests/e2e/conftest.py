"""Chromium, a running portal and a relay: all real, all on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request

from tests.e2e.relay import HOST, Relay, relaying
from tests.net.nameserver import NameServer
from tests.serving import SET_UP, Serving, environment, serving

NewPage = Callable[..., Page]


@pytest.fixture
def relay() -> Iterator[Relay]:
    with relaying() as it:
        yield it


@pytest.fixture
def portal(tmp_path: Path, relay: Relay) -> Iterator[tuple[Serving, str]]:
    """It runs on an empty folder; with it comes the set-up link that it printed."""
    with walking(tmp_path, relay) as it:
        yield it, it.line(SET_UP)


@contextmanager
def walking(folder: Path, relay: Relay) -> Iterator[Serving]:
    """A portal that may reach the relay by its name."""
    with NameServer({HOST: ["127.0.0.1"]}) as names:
        env = environment(
            PORTAL_RELAY_ALLOW=f"{HOST}:{relay.port}",
            PORTAL_DNS="{}:{}".format(*names.address),
        )
        with serving(folder, env=env) as portal:
            yield portal


@pytest.fixture
def new_page(browser: Browser, portal: tuple[Serving, str]) -> Iterator[NewPage]:
    """A window of its own. Whatever its console complains of fails the test, and so
    does a request to anywhere but the portal."""
    complaints: list[str] = []

    def hears(message: ConsoleMessage) -> None:
        # A refused form is an answer 422, and Chromium tells of it.
        if message.type in ("error", "warning") and "422" not in message.text:
            complaints.append(f"{message.text} at {message.location}")

    def asks(request: Request) -> None:
        if not request.url.startswith((f"{portal[0].url}/", "data:")):
            complaints.append(f"asked {request.url}")

    with ExitStack() as stack:

        def open_page(*, javascript: bool = True, width: int = 1280) -> Page:
            context = browser.new_context(
                base_url=portal[0].url,
                java_script_enabled=javascript,
                viewport={"width": width, "height": 900},
            )
            stack.callback(context.close)
            context.set_default_timeout(15_000)
            page = context.new_page()
            page.on("console", hears)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("request", asks)
            return page

        yield open_page
    assert complaints == []
