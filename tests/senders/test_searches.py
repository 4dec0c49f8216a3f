"""A search for a relay: asked for, run by the engine, within the limits of tests."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from ipaddress import ip_network

import pytest

from portal.config import AllowRule
from portal.errors import Forbidden, Invalid, Missing, TooMany
from portal.services import audit, searching
from portal.services.testing.spending import hosts_left
from portal.store.fields import now
from portal.store.models import Search


@pytest.fixture
def settings(settings, zones, place):
    """Every name of the test is at an address of its own, which is permitted."""
    server = zones(
        {
            "relay.test": f"@ A {place}",
            "peer.example": "_submission._tcp SRV 0 1 2525 relay.test.",
            "scan.example": """
                _submissions._tcp SRV 0 1 465 one.other.test.
                _submission._tcp SRV 0 1 587 two.other.test.
            """,
        }
    )
    here = AllowRule(network=ip_network(f"{place}/32"))
    return dataclasses.replace(settings, relay_allow=(here,), dns=server.address)


def test_what_answers_is_found_and_proposed(
    both_databases, admin, owner, run_searches, sink, authority, place
):
    """The tests' authority is not in the system's store: that is said."""
    relay = sink(
        users={"kim": "x"}, starttls=authority.contexts["good"], host=place, port=2525
    )
    search = searching.start(admin, "kim@peer.example")
    assert searching.read(admin, search).state == "waiting"

    run_searches(within_s=6)

    view = searching.read(admin, search)
    assert view.is_final
    assert view.findings.proposal.host == "relay.test"
    assert view.findings.values["port"] == 2525
    assert view.findings.values["username"] == "kim@peer.example"
    assert [way.safety for way in view.answering] == ["untrusted"]
    assert relay.log_ons == []
    [event] = audit.events(owner, event="sender.tested").events
    assert event.detail["search"] == "kim@peer.example"
    assert event.detail["port"] == 2525


def test_a_forbidden_host_is_not_connected_to(admin, run_searches, sink, zones):
    relay = sink()

    search = searching.start(admin, "127.0.0.1")
    run_searches(within_s=4)

    view = searching.read(admin, search)
    assert view.findings.proposal is None
    assert {way.said for way in view.ways} <= {
        "This portal may not connect to that host and port.",
        "No answer in time.",
    }
    assert relay.mails == []


def test_what_is_no_address_is_refused(admin):
    with pytest.raises(Invalid):
        searching.start(admin, "no host")


def test_a_viewer_may_not_and_a_stranger_sees_nothing(viewer, admin, stranger):
    with pytest.raises(Forbidden):
        searching.start(viewer, "peer.example")
    search = searching.start(admin, "peer.example")

    with pytest.raises(Missing):
        searching.read(stranger, search)


def test_it_counts_as_a_test(admin, ask):
    for _ in range(10):
        searching.start(admin, "peer.example")

    with pytest.raises(TooMany):
        ask(admin)


def test_five_domains_an_hour(admin, ask, installation):
    """What was found beneath a domain, or is known to everybody, counts no more."""
    for number in range(5):
        searching.start(admin, f"peer{number}.example")
    Search.update(hosts=["smtp.peer0.example", "smtp.gmail.com"]).where(
        Search.asked == "peer0.example"
    ).execute()

    with pytest.raises(TooMany, match="5 hosts"):
        searching.start(admin, "one-more.example")
    with pytest.raises(TooMany, match="5 hosts"):
        ask(admin, host="one-more.example")
    ask(admin, host="smtp.peer0.example")
    assert hosts_left(installation, admin.here.id) == 0


def test_hosts_that_records_name_count_one_each(admin, ask, installation, run_searches):
    for number in range(3):
        ask(admin, host=f"smtp{number}.example.org")
    search = searching.start(admin, "scan.example")

    run_searches(within_s=3)

    found = searching.read(admin, search).findings
    assert "one.other.test" in found.hosts
    assert "two.other.test" not in found.hosts
    assert any("two.other.test" in note for note in found.notes)
    assert hosts_left(installation, admin.here.id) == 0


def test_a_lost_search_ends_and_an_old_one_is_forgotten(admin):
    lost = searching.start(admin, "peer.example")
    old = searching.start(admin, "peer.example")
    long_ago = now() - timedelta(minutes=5)
    Search.update(state="running", started_at=long_ago).where(
        Search.public_id == lost
    ).execute()
    Search.update(created_at=now() - timedelta(days=2)).where(
        Search.public_id == old
    ).execute()

    searching.tidy()

    view = searching.read(admin, lost)
    assert view.is_final and view.findings is None
    with pytest.raises(Missing):
        searching.read(admin, old)
