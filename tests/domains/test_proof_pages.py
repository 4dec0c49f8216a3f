"""Proof from a received mail, in the browser: pasted, uploaded, taken over."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pytest

from portal.services import senders
from portal.services.domains import proof
from portal.store.fields import now
from portal.store.models import LiveTest, Sender, SenderVersion
from portal.web.deliverability_proof import TOO_LARGE
from tests.browsing import HTMX
from tests.domains.mails import OWN, SHOP, mail


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


def offered(page):
    """The fields of the first gateway that may be trusted."""
    form = page.partition('id="proof-answer"')[2].partition("</form>")[0]
    return dict(re.findall(r'name="(again|trusting)" value="([^"]*)"', form))


@pytest.mark.parametrize("htmx", [True, False])
def test_what_is_no_mail_stays_in_the_form(as_owner, at, htmx):
    answer = as_owner.post(at, {"raw": "only <words>"}, htmx=htmx)

    assert answer.status_code == 422
    assert proof.NO_MAIL in answer.text and "only &lt;words&gt;" in answer.text
    assert ("<html" in answer.text) is not htmx


@pytest.mark.parametrize(
    ("size", "status"), [(900_000, 200), (20_000_000, 200), (42_000_000, 413)]
)
def test_a_mail_has_room_and_a_limit(as_owner, at, size, status):
    """With all its attachments. By hand: the library's own form leaves its temporary
    file open."""
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'

    answer = as_owner.client.post(
        at,
        data=head + mail() + b"x" * size + b"\r\n--x--\r\n",
        content_type="multipart/form-data; boundary=x",
        headers={**HTMX, "X-CSRF-Token": as_owner.token},
    )

    assert answer.status_code == status
    assert (TOO_LARGE in answer.text) is (status == 413)


def test_too_much_leads_back_to_the_sender(as_owner, at):
    answer = as_owner.post(at, {"raw": "x" * 4_000_000})

    assert (answer.status_code, TOO_LARGE in answer.text) == (413, True)
    assert at.replace("/proof", "/deliverability") in answer.text


def test_a_file_that_is_no_mail_is_said_beside_its_field(as_owner, at):
    outlook = bytes.fromhex("d0cf11e0a1b11ae1")

    answer = as_owner.post(at, uploaded(outlook), htmx=True)

    assert answer.status_code == 422
    (error,) = re.findall(r'id="file-error">([^<]*)', answer.text)
    assert ".msg" in error and "Save the mail as .eml" in error


@pytest.mark.parametrize("kind", ["a test", "an unsaved test", "a mail"])
def test_the_link_to_what_it_came_from_is_a_page(as_owner, owner, make, at, kind):
    if kind == "a mail":
        row = make.message(owner.here)
    else:
        sender = Sender.get() if kind == "a test" else None
        row = LiveTest.create(
            tenant=owner.here.id,
            sender=sender,
            to_address="lee@office.example",
            settings=SenderVersion.get().settings,
            state="done",
            message_id="<7.abc@shop.example>",
            expires_at=now() + timedelta(hours=1),
        )
    received = mail(own=OWN.replace("<7.abc@shop.example>", row.message_id))
    answer = as_owner.post(at, uploaded(received), htmx=True).text
    (href,) = re.findall(r'It is <a href="([^"]*)"', answer)

    page = as_owner.get(href)

    assert (page.status_code, "<html" in page.text) == (200, True)
    assert row.public_id in href + page.text


@pytest.mark.parametrize("htmx", [True, False])
def test_a_gateway_is_trusted_for_one_reading(as_owner, at, htmx):
    """The mail goes back and forth in the page: nothing of it is kept here."""
    behind = b"Received: from mx.office.example (198.51.100.7) by mail.lee.example;\r\n"
    page = as_owner.post(at, uploaded(behind + mail()), htmx=htmx).text
    assert "mx.office.example said" not in page

    answer = as_owner.post(at, offered(page), htmx=htmx)

    assert "mx.office.example count in this reading" in answer.text
    assert "mx.office.example said: pass" in answer.text
    assert "Signature verified" in answer.text


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
