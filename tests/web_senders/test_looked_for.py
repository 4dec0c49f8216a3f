"""What the checks of a domain go by: entered with the sender, shown on its tab."""

from __future__ import annotations

from portal.store.models import SenderVersion
from tests.domains.test_blocklists import CLEAN, LISTED, ZONES
from tests.web_senders.conftest import BASE, NEW
from tests.web_senders.domains import dns, installation, run_checks, settings, shop
from tests.web_senders.reading import value, words

__all__ = ["dns", "installation", "run_checks", "settings", "shop"]

LOOKED_FOR = {
    "from_address": "kim@shop.example",
    "selectors": "mail\nSecond",
    "signing_domain": "mail.shop.example",
    "return_path": "bounces.shop.example",
    "relay_ips": "192.0.2.10\n10.0.0.7",
    "blocklists": "list.example",
}
SES = {"provider": "amazon_ses", "host": "email-smtp.eu-west-1.amazonaws.com"}


def looked_at(html: str) -> str:
    return words(html).partition('id="looked-at"')[2].partition("</section>")[0]


def test_what_is_typed_is_kept_and_shown(as_admin, saved):
    at = saved(**LOOKED_FOR)

    page = as_admin.get(at).text
    told = looked_at(as_admin.get(f"{at}/deliverability").text)

    stored = SenderVersion.get().settings
    assert stored["dkim"]["selectors"] == ["mail", "second"]
    assert stored["blocklists"] == ["list.example"]
    assert "mail\nsecond</textarea>" in page
    assert value(page, "signing_domain") == "mail.shop.example"
    assert value(page, "return_path") == "bounces.shop.example"
    for each in ("mail.shop.example", "bounces.shop.example", "list.example"):
        assert f"<code>{each}</code>" in told
    assert "10.0.0.7: no receiver sees an address of an inner network" in told


def test_a_wrong_one_stands_beside_its_field_which_is_open(as_admin, form):
    answer = as_admin.post(NEW, form(blocklists="list.internal", selectors="a@b"))

    assert answer.status_code == 422
    assert '<details class="more" id="looked-for" open>' in answer.text
    assert 'id="blocklists-error">“list.internal” is a name' in answer.text
    assert 'id="selectors-error"' in answer.text


def test_a_change_of_the_lists_is_named_among_the_versions(as_admin, saved, form):
    at = saved(**LOOKED_FOR)

    as_admin.follow(at, form(**{**LOOKED_FOR, "blocklists": ""}))

    assert "Block lists changed" in as_admin.get(f"{at}/versions").text


def test_addresses_of_a_sending_service_are_not_asked_for(as_admin, shop):
    at = f"{BASE}/{shop()}"

    page = as_admin.get(at).text

    assert 'name="selectors"' in page
    assert 'name="relay_ips"' not in page and 'name="blocklists"' not in page
    assert "Block lists" not in looked_at(as_admin.get(f"{at}/deliverability").text)


def test_an_own_relay_without_addresses_says_what_is_not_checked(as_admin, shop):
    sender = shop(provider="generic_smtp", host="smtp.shop.example")

    told = looked_at(as_admin.get(f"{BASE}/{sender}/deliverability").text)

    assert "Not entered. SPF is not tried for them" in told
    assert "None is asked." in told


def test_each_list_says_what_it_knows_of_each_address(as_admin, dns, run_checks, saved):
    tab = saved(**LOOKED_FOR) + "/deliverability"
    said = []
    for served in (CLEAN, LISTED):
        dns.publish(served)
        as_admin.post(tab)
        run_checks()
        page = words(as_admin.get(tab).text)
        said.append(page.partition('id="row-blocklist"')[2].partition("</tr>")[0])

    assert (
        '192.0.2.10 list.example</code> <span class="word" data-state="pass">'
        in (said[0])
    )
    assert 'data-state="fail">on it' in said[1]
    assert "10.0.0.7" not in said[1]


def test_a_selector_that_is_not_known_leads_to_its_field(
    as_admin, as_viewer, run_checks, shop
):
    at = f"{BASE}/{shop(dkim={})}"
    as_admin.post(f"{at}/deliverability")
    run_checks()

    link = f'<a href="{at}#selectors">Enter the selector</a>'
    assert link in as_admin.get(f"{at}/deliverability").text
    assert link not in as_viewer.get(f"{at}/deliverability").text


def test_fewer_tokens_than_the_provider_gives_are_noticed(as_admin, shop):
    """SES signs with three in turn; a key of one's own stands alone."""

    def told(*selectors: str) -> str:
        sender = shop(active=False, **SES, dkim={"selectors": list(selectors)})
        return looked_at(as_admin.get(f"{BASE}/{sender}/deliverability").text)

    tokens = [letter * 32 for letter in "abc"]
    assert "2 of 3 tokens: enter the others too" in told(*tokens[:2])
    assert "tokens" not in told(*tokens)
    assert "tokens" not in told("mykey")


def test_a_part_of_the_tokens_is_noticed_where_the_key_stands(
    as_admin, run_checks, shop
):
    tab = f"{BASE}/{shop(**SES, dkim={'selectors': ['a' * 32]})}/deliverability"
    as_admin.post(tab)
    run_checks()

    row = words(as_admin.get(tab).text).partition('id="row-dkim"')[2]

    assert "1 of 3 tokens</span> are entered" in row.partition("</tr>")[0]


def test_each_address_says_how_it_is_named(as_admin, dns, run_checks, saved):
    reverse = "10 PTR out.shop.example.\n11 PTR wrong.shop.example."
    dns.publish(ZONES | {"2.0.192.in-addr.arpa": reverse})
    relay = LOOKED_FOR | {"relay_ips": "192.0.2.10 192.0.2.11 192.0.2.12"}
    tab = saved(**relay) + "/deliverability"
    as_admin.post(tab)
    run_checks()

    page = words(as_admin.get(tab).text).partition('id="row-ptr"')[2]

    row = page.partition("</tr>")[0]
    assert "192.0.2.10, 192.0.2.11, 192.0.2.12</code></h3>" in row
    assert 'data-state="pass">out.shop.example<' in row
    assert 'data-state="fail">wrong.shop.example, which does not lead back<' in row
    assert 'data-state="fail">no name<' in row


def test_a_version_that_is_not_in_use_is_told_apart(as_admin, saved, form, run_checks):
    """What is watched is what carries the mail."""
    tab = (at := saved(**LOOKED_FOR, use=True)) + "/deliverability"
    as_admin.post(tab)
    run_checks()
    assert "carries the mail" not in as_admin.get(tab).text

    as_admin.follow(at, form(**{**LOOKED_FOR, "selectors": "third"}))
    assert "before the sender was changed" in as_admin.get(tab).text
    as_admin.post(tab)
    run_checks()

    page = as_admin.get(tab).text
    assert "about version 2. Version 1 carries the mail, and is the one" in page
