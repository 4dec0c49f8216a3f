"""The tab of a domain: checked, shown, mended, watched, in the browser of each person."""

from __future__ import annotations

import dataclasses
import re

import pytest

from portal.app import create_app
from portal.store.models import DomainCheck, DomainWatch
from tests.browsing import Visitor
from tests.domains.conftest import GREEN, MAIL, NO_POLICY, PATH, POLICY, SIGNATURE, zone
from tests.web_senders.domains import (
    dns,
    installation,
    run_checks,
    settings,
    shop,
    tab,
)
from tests.web_senders.reading import words

__all__ = ["dns", "installation", "run_checks", "settings", "shop", "tab"]


def polled(html: str) -> str:
    found = re.search(r'hx-get="([^"]+/report[^"]*)"', html)
    assert found, "it does not ask again"
    return found[1]


def rows(html: str) -> dict[str, str]:
    """The state of each check."""
    found = re.findall(
        r'id="row-(\w+)">\s*<td><span class="badge" data-state="(\w+)"', html
    )
    return dict(found)


def test_before_the_first_check_there_is_a_button(as_admin, as_viewer, tab):
    page = as_admin.get(tab).text

    assert "shop.example was not checked yet" in words(page)
    assert "Check now" in page
    assert "Check now" not in as_viewer.get(tab).text


def test_a_plain_form_leads_to_the_tab(as_admin, tab, dns, run_checks):
    dns.publish(NO_POLICY)

    answer = as_admin.post(tab)
    waiting = as_admin.get(answer.headers["Location"]).text
    run_checks()
    page = words(as_admin.get(tab).text)

    assert answer.status_code == 303
    assert '<noscript><meta http-equiv="refresh"' in waiting
    assert "hx-trigger" not in page.partition('id="report"')[2].partition("<section")[0]
    assert "may refuse mail from shop.example through Postmark" in page
    assert rows(page)["dmarc"] == "fail"
    assert rows(page)["dkim"] == "pass"


def test_htmx_gets_rows_until_all_are_known(as_admin, tab, dns, run_checks):
    dns.publish(GREEN)

    begun = as_admin.post(tab, htmx=True)
    assert begun.text.lstrip().startswith('<div class="stack" id="report"')
    assert "<html" not in begun.text
    assert "Asking" in begun.text
    again = polled(begun.text)
    run_checks()

    ended = as_admin.get(again, htmx=True).text
    assert "hx-get" not in ended
    assert "Gmail and Outlook will accept mail from shop.example" in words(ended)


def test_a_missing_record_can_be_copied_and_says_why(as_admin, tab, dns, run_checks):
    dns.publish(NO_POLICY)
    as_admin.post(tab)
    run_checks()

    page = words(as_admin.get(tab).text)

    assert '<code id="dmarc-1-host">_dmarc</code>' in page
    assert 'full name <code id="dmarc-1-name">_dmarc.shop.example</code>' in page
    assert 'data-copy="dmarc-1-value"' in page
    assert "v=DMARC1; p=none" in page
    assert "550 5.7.515" in page and "550 5.7.26" in page


def test_an_alias_says_dns_only(as_admin, tab, dns, run_checks):
    dns.publish(zone(MAIL, POLICY, SIGNATURE))
    as_admin.post(tab)
    run_checks()

    page = words(as_admin.get(tab).text)

    assert "pm.mtasv.net" in page
    assert "DNS only" in page


def test_spf_is_shown_as_a_tree_with_counts(as_admin, dns, run_checks, shop):
    dns.publish(
        {
            "shop.example": f"{MAIL}\n"
            '@ TXT "v=spf1 include:spf.crm.example a:dead.crm.example ip4:192.0.2.1 ~all"',
            "crm.example": 'spf TXT "v=spf1 mx:mx.crm.example ?all"\nmx A 192.0.2.9',
        }
    )
    sender = shop(provider="generic_smtp", host="smtp.shop.example")
    tab = f"/t/acme-inc/senders/{sender}/deliverability"
    as_admin.post(tab)
    run_checks()

    page = words(as_admin.get(tab).text)

    tree = page.partition('<ul class="tree">')[2].partition("</details>")[0]
    told = re.sub(r"<[^>]+>", " ", tree)
    assert re.search(r"include:spf\.crm\.example\s+2\b", told), told
    assert re.search(r"a:dead\.crm\.example\s+1\b", told), told
    assert re.search(r"ip4:192\.0\.2\.1 ~all\s+0\b", told), told
    assert "3 of 10 look-ups" in page


def test_a_record_that_lacks_an_address_leads_to_its_field(
    as_admin, dns, run_checks, shop
):
    dns.publish(zone(MAIL, POLICY))
    sender = shop(provider="generic_smtp", host="smtp.shop.example", dkim={})
    tab = f"/t/acme-inc/senders/{sender}/deliverability"
    as_admin.post(tab)
    run_checks()

    page = words(as_admin.get(tab).text)

    assert f'href="/t/acme-inc/senders/{sender}#relay_ips"' in page
    assert '<a href="#proof">have it read out of a received mail</a>' in page


def test_what_is_in_order_says_what_was_found(as_admin, tab, dns, run_checks):
    dns.publish(GREEN)
    as_admin.post(tab)
    run_checks()

    page = words(as_admin.get(tab).text)

    row = page.partition('id="row-from_domain"')[2].partition("</tr>")[0]
    assert "<code>A</code>" not in row and "<code>MX</code>" in row
    assert "550 5.1.8" in row


def test_what_the_dns_says_is_shown_escaped(as_admin, dns, run_checks, shop):
    hostile = "<script>alert(1)</script>"
    dns.publish({"shop.example": f'{MAIL}\n@ TXT "v=spf1 {hostile} ~all"'})
    sender = shop(provider="generic_smtp", host="smtp.shop.example")
    tab = f"/t/acme-inc/senders/{sender}/deliverability"
    as_admin.post(tab)
    run_checks()

    page = as_admin.get(tab).text

    assert hostile not in page
    assert "&lt;script&gt;" in page


def test_marks_that_turn_a_line_are_shown_and_not_obeyed(
    as_admin, dns, run_checks, shop
):
    """Control characters and marks of direction would hide what is there."""
    turned = r"v=spf1 \226\128\174live+\226\128\172 \027[31m \000 ~all"
    dns.publish({"shop.example": f'{MAIL}\n@ TXT "{turned}"'})
    sender = shop(provider="generic_smtp", host="smtp.shop.example")
    tab = f"/t/acme-inc/senders/{sender}/deliverability"
    as_admin.post(tab)
    run_checks()

    page = as_admin.get(tab).text

    assert not {"\u202e", "\u202c", "\x1b", "\0"} & set(page)
    assert "v=spf1 \ufffdlive+\ufffd \ufffd[31m \ufffd ~all" in page


def test_what_could_not_be_asked_is_not_missing(as_admin, tab, dns, run_checks):
    """It says what was known last, and tells nobody to publish a second record."""
    dns.publish(GREEN)
    as_admin.post(tab)
    run_checks()
    dns.publish(zone(MAIL, PATH, SIGNATURE, "_dmarc ! SERVFAIL"))
    as_admin.post(tab)
    run_checks()

    page = words(as_admin.get(tab).text)

    assert rows(page)["dmarc"] == "unknown"
    assert "Could not check" in page
    assert "Last known" in page
    assert 'id="dmarc-1-value"' not in page


def test_what_receivers_of_before_see_stands_there(as_admin, tab, dns, run_checks):
    dns.publish(zone(MAIL, POLICY.replace("p=reject;", "p=reject; t=y;"), SIGNATURE))
    as_admin.post(tab)
    run_checks()

    said = words(as_admin.get(tab).text)

    assert "go by RFC 7489 apply p=reject to what does not align." in said


def test_history_draws_days_and_names_what_changed(as_admin, tab, dns, run_checks):
    for served in (GREEN, NO_POLICY, GREEN):
        dns.publish(served)
        as_admin.post(tab)
        run_checks()

    page = words(as_admin.get(tab).text)

    history = page.partition('id="history"')[2]
    assert '<rect data-series="' in history
    before, after, _ = re.split(
        "there is no policy; was in order|; was failing", history
    )
    assert "DMARC: in order" in before, "the latest change comes first"
    assert after.count("<time") == 1, "each with its own time"


def test_the_watch_can_be_switched_off_and_on(as_admin, as_viewer, tab):
    as_admin.get(tab)

    off = as_admin.follow(f"{tab}/watch", {"on": "no"})
    assert "Nobody is told when a record breaks" in off
    assert not DomainWatch.get().is_on

    on = as_admin.post(f"{tab}/watch", {"on": "yes"}, htmx=True)
    assert "<html" not in on.text and 'id="watch"' in on.text
    assert DomainWatch.get().is_on
    assert as_viewer.post(f"{tab}/watch", {"on": "no"}).status_code == 403


@pytest.mark.parametrize("htmx", [False, True])
def test_too_many_checks_are_refused_with_a_word(app, admin, settings, shop, htmx):
    limited = dataclasses.replace(
        admin.installation, settings=dataclasses.replace(settings, limits=True)
    )
    visitor = Visitor(create_app(installation=limited), admin)
    url = f"/t/acme-inc/senders/{shop()}/deliverability"
    for _ in range(6):
        assert visitor.post(url).status_code == 303
        DomainCheck.update(state="done").execute()

    answer = visitor.post(url, htmx=htmx)

    assert answer.status_code == 429
    assert "checks have run in a short time" in answer.text
    assert ("<html" in answer.text) is not htmx


def test_a_stranger_gets_nothing_and_a_viewer_starts_nothing(
    app, as_viewer, stranger, tab
):
    visitor = Visitor(app, stranger)

    for path in (tab, f"{tab}/report"):
        assert visitor.get(path).status_code == 404
    for path in (tab, f"{tab}/watch", f"{tab}/authority"):
        assert visitor.post(path).status_code == 404
    assert as_viewer.get(f"{tab}/report").status_code == 200
    assert as_viewer.post(tab).status_code == 403
    assert as_viewer.post(f"{tab}/authority").status_code == 403


def test_the_sandbox_has_no_tab_and_says_why(as_admin, make, owner):
    sender = make.sender(owner.here, provider="sandbox").sender.public_id

    page = as_admin.get(f"/t/acme-inc/senders/{sender}/deliverability").text

    assert "There is nothing to check" in page
    assert ">Deliverability</a>" not in page
