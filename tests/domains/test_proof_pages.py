"""Proof from a received mail, in the browser: pasted, uploaded, taken over."""

from __future__ import annotations

import io

import pytest

from portal.services import senders
from portal.services.domains import proof
from tests.browsing import HTMX
from tests.domains.mails import SHOP, mail


@pytest.fixture
def at(dns, shop):
    dns.publish(SHOP)
    return f"/t/acme-inc/senders/{shop()}/proof"


def uploaded(content):
    return {"file": (io.BytesIO(content), "mail.eml")}


def test_a_pasted_mail_is_answered_to_a_plain_form(as_owner, at):
    answer = as_owner.post(at, {"raw": mail().decode()})

    assert answer.status_code == 200
    assert "<html" in answer.text and "passes DMARC for shop.example" in answer.text
    assert "&lt;b&gt;order&lt;/b&gt;" in answer.text and "<b>order" not in answer.text


def test_an_uploaded_mail_is_answered_to_htmx(as_owner, at):
    answer = as_owner.post(at, uploaded(mail()), htmx=True)

    assert answer.status_code == 200
    assert "<html" not in answer.text and 'id="proof"' in answer.text
    assert "Signature verified" in answer.text


@pytest.mark.parametrize("htmx", [True, False])
def test_what_is_no_mail_stays_in_the_form(as_owner, at, htmx):
    answer = as_owner.post(at, {"raw": "only <words>"}, htmx=htmx)

    assert answer.status_code == 422
    assert proof.NO_MAIL in answer.text and "only &lt;words&gt;" in answer.text
    assert ("<html" in answer.text) is not htmx


@pytest.mark.parametrize(
    ("size", "status"), [(900_000, 200), (1_100_000, 422), (4_000_000, 413)]
)
def test_a_mail_has_room_and_a_limit(as_owner, at, size, status):
    """By hand: the library's own form leaves its temporary file open."""
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'

    answer = as_owner.client.post(
        at,
        data=head + mail() + b"x" * size + b"\r\n--x--\r\n",
        content_type="multipart/form-data; boundary=x",
        headers={**HTMX, "X-CSRF-Token": as_owner.token},
    )

    assert answer.status_code == status
    assert (proof.TOO_LARGE in answer.text) is (status != 200)


@pytest.mark.parametrize("htmx", [True, False])
def test_what_was_found_is_taken_over(as_owner, owner, at, htmx):
    page = as_owner.post(at, uploaded(mail()), htmx=htmx).text
    assert 'name="selectors" value="tx7"' in page

    answer = as_owner.post(
        f"{at}/adopt",
        {"selectors": "tx7", "signing_domain": "shop.example"},
        htmx=htmx,
    )

    sender_id = at.split("/")[4]
    to = answer.headers["HX-Redirect" if htmx else "Location"]
    assert to.endswith(f"{sender_id}/deliverability")
    assert senders.sender(owner, sender_id).fields.dkim.selectors == ("tx7",)


def test_what_is_no_selector_is_refused(as_owner, at):
    answer = as_owner.post(f"{at}/adopt", {"selectors": "<x>", "signing_domain": "y"})

    assert answer.status_code == 422
    assert "A selector is the name before" in answer.text


def test_others_get_nothing(as_viewer, as_stranger, at):
    for visitor, status in ((as_viewer, 403), (as_stranger, 404)):
        assert visitor.post(at, {"raw": "x"}).status_code == status
        assert visitor.post(f"{at}/adopt", {}).status_code == status


def test_the_tab_asks_admins_for_a_mail(as_owner, as_viewer, at):
    tab = at.replace("/proof", "/deliverability")

    assert 'id="proof"' in as_owner.get(tab).text
    assert 'id="proof"' not in as_viewer.get(tab).text
