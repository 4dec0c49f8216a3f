"""Sandbox: captured mails, one by one, and thrown away."""

from __future__ import annotations

import dataclasses

import pytest

from portal.app import create_app
from portal.services import captures
from portal.services.captures import Taken
from tests.browsing import Visitor
from tests.web.pages import MAIL

SANDBOX = "/t/acme-inc/sandbox"


@pytest.fixture
def kept(make, owner) -> str:
    message = make.message(owner.here)
    return captures.keep(
        Taken(
            ehlo="portal.example.org",
            reverse_path="noreply@example.org",
            recipients=("kim@example.com",),
            content=MAIL % message.message_id.encode(),
        )
    )


def test_a_captured_mail_is_listed_and_shown_in_each_form(as_viewer, kept):
    assert "Your code" in as_viewer.get(SANDBOX).text
    one = f"{SANDBOX}/{kept}"

    page = as_viewer.get(one).text
    assert f'sandbox src="{one}/frame"' in page
    assert "It reached nobody." in page
    assert "Acme &lt;noreply@example.org&gt;" in page
    assert "has no text part" in as_viewer.get(f"{one}?as=text").text
    assert "text/html; charset=utf-8" in as_viewer.get(f"{one}?as=headers").text
    assert "&lt;b&gt;123456&lt;/b&gt;" in as_viewer.get(f"{one}?as=source").text
    assert "<b>123456</b>" in as_viewer.get(f"{one}/frame").text
    assert as_viewer.get(f"{one}.eml").data.startswith(b"From: Acme")


@pytest.mark.parametrize("htmx", [False, True])
def test_clearing_throws_all_away(as_admin, admin, kept, htmx: bool):
    path = f"{SANDBOX}/clear"

    page = as_admin.post(path, htmx=True).text if htmx else as_admin.follow(path)

    assert "1 captured mail thrown away." in page
    assert "Nothing captured" in page
    assert ("<html" in page) is not htmx
    assert captures.count(admin) == 0


def test_where_the_sandbox_listens_is_told_to_those_who_may_use_it(
    installation, admin, viewer
):
    app = create_app(
        installation=dataclasses.replace(installation, sandbox_port=lambda: 24_680)
    )

    assert "24680" in Visitor(app, admin).get(SANDBOX).text
    assert "24680" not in Visitor(app, viewer).get(SANDBOX).text


def test_without_a_sandbox_the_page_says_so(as_viewer):
    assert "No sandbox runs in this process" in as_viewer.get(SANDBOX).text
