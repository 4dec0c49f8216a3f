"""The factory: what it hands on, what it believes of a proxy, what it starts."""

from __future__ import annotations

import dataclasses
import threading
from ipaddress import ip_network

import pytest
from flask import request

import portal
from portal.app import create_app, folder


def test_the_package_hands_the_factory_on():
    """`flask --app portal` and servers find it there."""
    assert portal.create_app is create_app
    with pytest.raises(AttributeError):
        portal.nothing_of_the_kind  # noqa: B018


def test_making_an_app_starts_nothing(installation):
    before = threading.active_count()

    create_app(installation=installation)

    assert threading.active_count() == before


def test_pages_are_found_beside_the_package():
    assert folder("templates").endswith("/templates")
    with pytest.raises(FileNotFoundError):
        folder("no-such-folder")


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.0.0.2", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.2", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.2", "203.0.113.9, 10.0.0.3", "203.0.113.9"),
        ("10.0.0.2", "2001:db8::9", "2001:db8::9"),
        ("10.0.0.2", "nonsense", "10.0.0.2"),
        ("10.0.0.2", "203.0.113.9, nonsense", "10.0.0.2"),
        ("10.0.0.2", "", "10.0.0.2"),
        ("192.0.2.1", "203.0.113.9", "192.0.2.1"),
    ],
)
def test_only_a_trusted_proxy_says_who_the_client_is(
    installation, peer, forwarded, client
):
    """What stands left of the nearest unknown address was written by that one."""
    app = behind_proxy(installation)
    headers = {"X-Forwarded-For": forwarded, "X-Forwarded-Proto": "https"}

    answer = app.test_client().get(
        "/who", headers=headers, environ_overrides={"REMOTE_ADDR": peer}
    )

    trusted = peer.startswith("10.")
    assert answer.text == f"{client} {'https' if trusted else 'http'}"


def test_without_trusted_proxies_nobody_is_believed(installation):
    app = create_app(installation=installation)
    app.add_url_rule("/who", view_func=who)

    answer = app.test_client().get("/who", headers={"X-Forwarded-For": "203.0.113.9"})

    assert answer.text == "127.0.0.1 http"


def behind_proxy(installation):
    settings = dataclasses.replace(
        installation.settings, trusted_proxies=(ip_network("10.0.0.0/8"),)
    )
    app = create_app(installation=dataclasses.replace(installation, settings=settings))
    app.add_url_rule("/who", view_func=who)
    return app


def who() -> str:
    return f"{request.remote_addr} {request.scheme}"
