"""Lists that a tenant has asked about the addresses of its own relay."""

from __future__ import annotations

import pytest

from portal.deliverability.types import CheckName, Status
from portal.errors import Invalid
from portal.services import domains, senders
from tests.domains.conftest import KEY, MAIL, POLICY
from tests.domains.test_watching import told

SPF = '@ TXT "v=spf1 ip4:192.0.2.0/24 -all"'
ZONES = {
    "shop.example": "\n".join(
        (
            *(MAIL, POLICY, SPF, "out A 192.0.2.10"),
            f'mail._domainkey TXT "{KEY[:200]}" "{KEY[200:]}"',
        )
    ),
    "2.0.192.in-addr.arpa": "10 PTR out.shop.example.",
}
CLEAN = {**ZONES, "list.example": "@ A 192.0.2.1"}
LISTED = {**ZONES, "list.example": "10.2.0.192 A 127.0.0.2"}
SILENT = {**ZONES, "list.example": "*.192 A 127.255.255.254"}
RELAY = {
    "provider": "generic_smtp",
    "host": "smtp.shop.example",
    "dkim": {"selectors": ["mail"]},
    "relay_ips": ["192.0.2.10"],
}


@pytest.fixture
def listing(shop, dns) -> str:
    """A sender through an own relay that has one list asked."""
    dns.publish(CLEAN)
    return str(shop(**RELAY, blocklists=["list.example"]))


def row(view: domains.DomainView) -> domains.CheckView | None:
    found = (each for each in view.checks if each.check is CheckName.BLOCKLIST)
    return next(found, None)


def test_no_list_is_asked_unless_somebody_wants_it(shop, checked, dns):
    dns.publish(LISTED)

    assert row(checked(shop(**RELAY))) is None
    assert not [text for text in dns.asked if "list.example" in text]


def test_a_listing_is_told_once_and_again_when_it_is_gone(listing, checked, dns, owner):
    assert row(checked(listing)).status is Status.PASS
    dns.publish(LISTED)
    view = checked(listing)
    checked(listing)

    assert row(view).found == ("192.0.2.10 list.example 127.0.0.2",)
    assert view.verdict.sentence.startswith("Some receivers may refuse mail from shop")
    dns.publish(CLEAN)
    checked(listing)

    assert [subject for subject, _ in told()] == [
        "The DNS of shop.example got worse: Block lists",
        "The DNS of shop.example is in order again: Block lists",
    ]
    assert domains.attention(owner) == ()


def test_a_list_that_does_not_answer_takes_nothing_back(listing, checked, dns, owner):
    """Neither is a listing over because of it, nor is it one."""
    checked(listing)
    dns.publish(SILENT)
    checked(listing)
    assert told() == []
    dns.publish(LISTED)
    checked(listing)
    dns.publish(SILENT)
    view = checked(listing)

    assert row(view).reasons[0].id == "blocklist_query_refused"
    assert row(view).last_known.status is Status.FAIL
    assert len(told()) == 1
    assert len(domains.attention(owner)) == 1


def test_a_day_counts_a_silent_list_as_it_was_last_known(listing, checked, dns, owner):
    """Nobody was taken off a list because it no longer answers."""
    dns.publish(LISTED)
    checked(listing)
    dns.publish(SILENT)

    (day,) = checked(listing).history

    assert day.statuses[CheckName.BLOCKLIST] is Status.FAIL
    assert day.status is Status.WARN


def test_a_list_that_answers_does_not_speak_for_one_that_is_silent(
    shop, checked, dns, owner
):
    both = shop(**RELAY, blocklists=["list.example", "other.example"])
    dns.publish({**LISTED, "other.example": "2.0.0.127 A 127.0.0.2"})
    checked(both)
    dns.publish({**SILENT, "other.example": "2.0.0.127 A 127.0.0.2"})

    view = checked(both)
    silent = row(view)
    dns.publish({**SILENT, "other.example": "10.2.0.192 A 127.0.0.3"})
    listed = row(checked(both))

    assert (silent.status, silent.last_known.status) == (Status.INFO, Status.FAIL)
    assert "one could not be checked" in view.verdict.sentence
    assert silent.is_left_open and not listed.is_left_open
    assert (listed.status, listed.last_known) == (Status.FAIL, None)


@pytest.mark.parametrize(
    ("zone", "reason", "words"),
    [
        (
            '10.2.0.192 A 127.0.0.2\n10.2.0.192 TXT "See https://list.example/10"',
            "blocklist_listed",
            "refuse its mail. It says: See https://list.example/10.",
        ),
        (
            "@ A 192.0.2.1",
            "blocklist_clean",
            "; without its entry for tests list.example may be out of use (RFC 5782",
        ),
        ("2.0.0.127 A 127.0.0.2", "blocklist_clean", "none of the lists asked"),
        (
            "* A 127.0.0.2",
            "blocklist_query_refused",
            "no answer that counts: list.example has every address",
        ),
        (
            "* A 198.51.100.80",
            "blocklist_query_refused",
            "list.example is no block list, or none any more",
        ),
        (
            "10.2.0.192 ! REFUSED",
            "blocklist_query_refused",
            "list.example does not answer this name server",
        ),
        ("10.2.0.192 ! SERVFAIL", "dns_servfail", "(SERVFAIL) about list.example"),
    ],
)
def test_a_list_is_told_with_what_it_says(listing, checked, dns, zone, reason, words):
    dns.publish({**ZONES, "list.example": zone})

    main = row(checked(listing)).reasons[0]

    assert main.id == reason
    assert words in f"{main.title}. {main.why}"


def test_who_asks_no_list_any_more_is_not_warned_of_it(listing, checked, dns, owner):
    checked(listing)
    dns.publish(LISTED)
    checked(listing)
    fields = senders.sender(owner, listing).fields.settings() | {"blocklists": []}

    senders.save(owner, sender_id=listing, values=fields, activate=True)
    assert row(checked(listing)) is None

    assert domains.attention(owner) == ()


def test_a_new_list_is_a_change_that_the_watch_looks_at(listing, checked, owner):
    checked(listing)
    fields = senders.sender(owner, listing).fields.settings()
    lists = {"blocklists": ["list.example", "other.example"]}

    senders.save(owner, sender_id=listing, values=fields | lists, activate=False)

    assert not domains.view(owner, listing).is_current


def test_what_a_file_says_comes_back_as_it_was(owner):
    """As `portal sender apply` and `export` have it."""
    values = {
        **{"name": "Own", "port": 25, "security": "none", "auth": "none"},
        **{"from_address": "kim@shop.example"},
        **RELAY,
        "blocklists": ["ZEN.Spamhaus.org.", "list.example"],
    }
    made = senders.apply(owner, values, use=False)

    exported = senders.export(owner, made.id)

    assert exported["blocklists"] == ["zen.spamhaus.org", "list.example"]
    assert exported["relay_ips"] == ["192.0.2.10"]
    assert senders.apply(owner, exported, use=False).version == made.version


@pytest.mark.parametrize(
    ("addresses", "lists", "sentence"),
    [
        (1, 5, "At most 4 block lists are asked"),
        (5, 4, "20 questions, at most 16"),
    ],
)
def test_more_than_can_be_asked_is_refused(owner, addresses, lists, sentence):
    """Not left out in silence: “on none of the lists” would say too much."""
    values = {
        **{"name": "Own", "port": 25, "security": "none", "auth": "none"},
        **{"from_address": "kim@shop.example"},
        **RELAY,
        "relay_ips": [f"192.0.2.{n}" for n in range(addresses)],
        "blocklists": [f"list{n}.example" for n in range(lists)],
    }

    with pytest.raises(Invalid, match=sentence):
        senders.apply(owner, values, use=False)
