"""Certificates that end soon are named on the overview."""

from __future__ import annotations

from datetime import timedelta

import trustme

from portal.store.fields import now
from portal.store.models import SenderVersion


def certificate(days: int) -> str:
    leaf = trustme.CA().issue_cert(
        "app.peer.example",
        common_name="app.peer.example",
        not_before=now() - timedelta(days=400),
        not_after=now() + timedelta(days=days, hours=1),
    )
    return leaf.cert_chain_pems[0].bytes().decode()


def shown_with(make, owner, days: int, visitor) -> str:
    version = make.sender(owner.here)
    settings = {**version.settings, "client_cert": certificate(days)}
    SenderVersion.update(settings=settings).where(
        SenderVersion.id == version.id
    ).execute()
    return visitor.get("/t/acme-inc/").text


def test_one_that_ends_soon_is_named_with_its_sender(make, owner, as_viewer):
    page = shown_with(make, owner, 19, as_viewer)

    assert "Certificates that end soon" in page
    assert "client certificate" in page
    assert "app.peer.example" in page
    assert "in 19 days" in page


def test_one_that_has_ended_says_so(make, owner, as_viewer):
    assert 'data-state="failed">expired' in shown_with(make, owner, -3, as_viewer)


def test_one_with_time_left_is_no_news(make, owner, as_viewer):
    page = shown_with(make, owner, 90, as_viewer)

    assert "Certificates that end soon" not in page
