"""The overview says what has turned, and what was never in order."""

from __future__ import annotations

from tests.domains.conftest import GREEN, NO_POLICY


def overview(visitor):
    return visitor.get("/t/acme-inc/").get_data(as_text=True)


def test_a_banner_stands_there_until_it_is_green_again(
    shop, checked, dns, as_viewer, as_stranger
):
    sender = shop()
    checked(sender)
    assert "is not what it was" not in overview(as_viewer)

    dns.publish(NO_POLICY)
    checked(sender)

    page = overview(as_viewer)
    assert "is not what it was" in page
    assert "DMARC: there is no policy; was in order" in page
    assert f"/senders/{sender}/deliverability" in page
    assert as_stranger.get("/t/acme-inc/").status_code == 404
    dns.publish(GREEN)
    checked(sender)
    assert "is not what it was" not in overview(as_viewer)


def test_what_was_never_in_order_is_named(shop, checked, dns, as_viewer):
    dns.publish(NO_POLICY)
    checked(shop())

    page = overview(as_viewer)

    assert "failing checks of" in page and "DMARC" in page
    assert "is not what it was" not in page
