"""What the DNS means, told before a sender is used, on its card and on Overview."""

from __future__ import annotations

from portal.services import senders
from tests.domains.conftest import GREEN, NO_POLICY
from tests.web_senders.conftest import BASE
from tests.web_senders.domains import dns, installation, run_checks, settings, shop
from tests.web_senders.reading import words

__all__ = ["dns", "installation", "run_checks", "settings", "shop"]


def before_use(html: str) -> str:
    return words(html).partition('id="before-use"')[2].partition("</div>")[0]


def test_red_warns_before_a_sender_is_used_and_blocks_nothing(
    as_admin, dns, run_checks, shop
):
    dns.publish(NO_POLICY)
    page = f"{BASE}/{shop(active=False)}"
    assert "was not checked for this version" in before_use(as_admin.get(page).text)
    as_admin.post(f"{page}/deliverability")
    run_checks()

    told = before_use(as_admin.get(page).text)
    versions = before_use(as_admin.get(f"{page}/versions").text)
    used = as_admin.post(f"{page}/versions/1/use")

    assert "The DNS is not ready for this sender" in told
    assert "there is no policy" in told
    assert "You can use it all the same" in told
    assert f'href="{page}/deliverability"' in versions
    assert used.status_code == 303
    assert before_use(as_admin.get(page).text) == ""


def test_green_says_that_the_dns_is_ready(as_admin, dns, run_checks, shop):
    dns.publish(GREEN)
    page = f"{BASE}/{shop(active=False)}"
    as_admin.post(f"{page}/deliverability")
    run_checks()

    told = before_use(as_admin.get(page).text)

    assert "The DNS is ready for this sender" in told
    assert 'data-state="pass"' in told


def test_each_version_says_what_the_dns_means_for_it(
    as_admin, dns, run_checks, shop, owner
):
    """Also for one to go back to, which is not the one that the note is about."""
    dns.publish(GREEN | {"other.example": "@ MX 10 mx\nmx A 192.0.2.25"})
    sender = shop()
    page = f"{BASE}/{sender}"
    as_admin.post(f"{page}/deliverability")
    run_checks()
    fields = senders.sender(owner, sender).fields.settings()
    for address in ("kim@other.example", "kim@third.example"):
        changed = fields | {"from_address": address}
        senders.save(owner, sender_id=sender, values=changed, activate=True)
        if "other" in address:
            as_admin.post(f"{page}/deliverability")
            run_checks()

    rows = words(as_admin.get(f"{page}/versions").text).split("<tr>")[2:]

    assert ["DNS in order" in each for each in rows] == [False, False, True]
    assert ["DNS failing" in each for each in rows] == [False, True, False]
    assert ["DNS not checked" in each for each in rows] == [True, False, False]


def test_a_card_tells_the_verdict_once_there_is_one(as_admin, dns, run_checks, shop):
    dns.publish(NO_POLICY)
    tab = f"{BASE}/{shop()}/deliverability"
    assert tab not in as_admin.get(BASE).text
    as_admin.post(tab)
    run_checks()

    page = as_admin.get(BASE).text

    assert f'data-state="fail" href="{tab}">DNS failing, 1 to mend' in page


def test_overview_tells_what_has_turned_until_it_is_mended(
    as_admin, dns, run_checks, shop
):
    tab = f"{BASE}/{shop()}/deliverability"

    def told(served: dict[str, str]) -> str:
        dns.publish(served)
        as_admin.post(tab)
        run_checks()
        return words(as_admin.get("/t/acme-inc/").text)

    assert "is not what it was" not in told(GREEN)
    turned = told(NO_POLICY)
    assert "The DNS of shop.example is not what it was" in turned
    assert f'href="{tab}"' in turned
    assert "is not what it was" not in told(GREEN)
