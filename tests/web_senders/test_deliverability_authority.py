"""What the zone says itself, beside what the resolver remembers."""

from __future__ import annotations

import dataclasses

import pytest

from portal.app import create_app
from portal.net.records import Answered
from portal.services.domains.authority import Compared, Question, Said
from tests.browsing import Visitor
from tests.domains.conftest import GREEN, NO_POLICY, zone
from tests.web_senders.domains import dns, run_checks, settings, shop, tab
from tests.web_senders.reading import words

__all__ = ["dns", "run_checks", "settings", "shop", "tab"]

SERVED = "@ NS ns1.shop.example.\nns1 A 127.0.0.1"


def served(zones: dict[str, str], by: str = SERVED) -> dict[str, str]:
    return zones | {"shop.example": f"{zones['shop.example']}\n{by}"}


@pytest.fixture
def own(zones):
    """The name server of the zone itself."""
    return zones(served(GREEN))


@pytest.fixture
def installation(installation, own):
    return dataclasses.replace(installation, name_server_port=own.address[1])


def compared(visitor: Visitor, tab: str, *, htmx: bool = True) -> str:
    answer = visitor.post(f"{tab}/authority", htmx=htmx)
    assert answer.status_code == 200, answer.text
    return words(answer.text)


def test_a_change_that_the_resolver_does_not_know_yet_is_told(as_admin, tab, dns, own):
    dns.publish(served(NO_POLICY))

    html = compared(as_admin, tab)

    assert html.lstrip().startswith('<section class="panel" id="authority"')
    assert "They disagree" in html
    assert "<dt>Resolver</dt><dd>No such record</dd>" in html
    assert "<dt>ns1.shop.example</dt><dd><code>v=DMARC1; p=reject" in html
    # A negative answer is kept for as long as its SOA record: 300 s (RFC 2308 §5).
    assert "may take up to 5 min more" in html
    assert own.asked["_dmarc.shop.example TXT"] == 1
    # Red may only be remembered, and that stands beside the verdict, too.
    beside = html.partition('id="waiting" hx-swap-oob="outerHTML"')[2]
    assert "already</span> for DMARC: resolvers may take up to 5 min more" in beside


def test_where_both_say_the_same_there_is_nothing_to_wait_for(as_admin, tab, dns):
    dns.publish(served(GREEN))

    html = compared(as_admin, tab)

    assert "They agree" in html
    assert "They disagree" not in html
    assert "says something else already" not in html


def test_an_alias_is_compared_and_not_where_it_leads(
    as_admin, tab, dns, own, run_checks
):
    """The name server of the shop knows nothing of the provider's zone."""
    dns.publish(served(GREEN))
    as_admin.post(tab)
    run_checks()
    moved = GREEN["shop.example"].replace("pm.mtasv.net.", "pm2.mtasv.net.")
    own.publish({"shop.example": f"{moved}\n{SERVED}"})

    html = compared(as_admin, tab)

    assert "<dt>Resolver</dt><dd><code>CNAME pm.mtasv.net</code>" in html
    assert "<dt>ns1.shop.example</dt><dd><code>CNAME pm2.mtasv.net</code>" in html


def test_a_resolver_in_trouble_is_not_taken_for_a_change(as_admin, tab, dns):
    dns.publish(served(GREEN, by=f"{SERVED}\n_dmarc ! SERVFAIL"))

    html = compared(as_admin, tab)

    assert "The zone answers, the resolver does not" in html
    assert "says something else already" not in html


def test_what_a_name_server_says_is_bounded_and_plain(as_admin, tab, dns, own):
    """Another page of one record, or a line that runs backwards, hides the rest."""
    dns.publish(served(GREEN))
    long = " ".join(f'"{"x" * 250}"' for _ in range(60))
    turned = '_dmarc TXT "v=DMARC1; p=none; \\226\\128\\174<b>evil\\027[31m"'
    zone_text = "\n".join((SERVED, turned, f'_dmarc TXT "v=DMARC1;" {long}'))
    own.publish({"shop.example": zone_text})

    html = compared(as_admin, tab)

    assert "x" * 900 in html and "x" * 1001 not in html
    assert "\u202e" not in html and "\x1b" not in html
    assert "\ufffd&lt;b&gt;evil\ufffd[31m" in html


@pytest.mark.parametrize("place", ["10.1.2.3", "169.254.169.254"])
def test_a_name_server_within_is_never_talked_to(as_admin, tab, dns, place):
    """Whoever owns a zone writes its NS records (SSRF)."""
    dns.publish(served(GREEN, by=f"@ NS ns1.shop.example.\nns1 A {place}"))

    html = compared(as_admin, tab)

    assert "No name server answered" in html
    assert "This portal may not connect to that host and port." in html


def test_a_zone_that_names_nobody_says_so(as_admin, tab, dns):
    dns.publish(GREEN)

    assert "shop.example names no name server." in compared(as_admin, tab)


def test_without_a_script_the_answer_stands_on_the_page(as_admin, tab, dns):
    dns.publish(served(GREEN))

    html = compared(as_admin, tab, htmx=False)

    assert "<html" in html and "They agree" in html and "Watch" in html


def test_without_a_script_what_is_published_stands_beside_the_verdict(
    as_admin, tab, dns
):
    dns.publish(served(NO_POLICY))

    page = compared(as_admin, tab, htmx=False)

    verdict = page.partition('id="report"')[2].partition("</section>")[0]
    assert "already</span> for DMARC: resolvers may take up to 5 min more" in verdict


def test_it_is_asked_a_few_times_a_minute(admin, settings, dns, tab):
    dns.publish(zone("@ A 192.0.2.1"))
    here = admin.installation
    limited = dataclasses.replace(
        here, settings=dataclasses.replace(settings, limits=True)
    )
    visitor = Visitor(create_app(installation=limited), admin)
    for _ in range(4):
        assert visitor.post(f"{tab}/authority").status_code == 200

    answer = visitor.post(f"{tab}/authority", htmx=True)

    assert answer.status_code == 429
    assert "asked several times just now" in answer.text
    assert "<html" not in answer.text


def test_name_servers_may_disagree_among_themselves():
    said = [Said(by=name, answered=Answered.OK, records=(name,)) for name in ("a", "b")]
    row = Compared(
        question=Question(label="MX", name="shop.example", kind="MX"),
        zone="shop.example",
        resolver=said[0],
        servers=tuple(said),
        ttl_s=61,
    )

    assert row.is_split and row.differs and not row.agrees
    assert row.left_min == 2
