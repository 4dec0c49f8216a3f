"""A check of a sender's domain: asked for, made by the engine, shown in words."""

from __future__ import annotations

import pytest

from portal.deliverability.types import CheckName, Status
from portal.errors import Forbidden, Invalid, Missing, TooMany
from portal.services import audit, domains
from portal.services.domains.spending import CHECKS
from portal.store.fields import now
from portal.store.models import DomainCheck, SenderVersion
from tests.domains.conftest import MAIL, MTASV, NO_POLICY, POLICY, zone


def row(view, name):
    return next(each for each in view.checks if each.check == name)


def test_a_green_domain_is_told_in_one_sentence(both_databases, shop, checked, owner):
    """Through Postmark, whose envelope is at a host of its own."""
    view = checked(shop())

    assert view.verdict.status is Status.PASS
    assert view.verdict.sentence == (
        "Gmail and Outlook will accept mail from shop.example through Postmark."
    )
    assert [each.check for each in view.checks][:4] == list(CheckName)[:4]
    assert not view.running and view.is_current and view.checked_at is not None
    assert row(view, "spf").where == "pm-bounces.shop.example"
    assert view.envelope_domain == "pm-bounces.shop.example"
    assert row(view, "dkim").where == "pm._domainkey.shop.example"
    (event,) = audit.events(owner, event="domain.checked").events
    assert event.detail["status"] == "pass"
    assert event.actor == "owner@example.org"


def test_what_is_missing_comes_with_its_record_and_its_reason(shop, checked, dns):
    """The record, why it matters, and what receivers answer without it."""
    dns.publish(NO_POLICY)

    view = checked(shop())

    dmarc = row(view, "dmarc")
    assert view.verdict.sentence == (
        "Gmail, Yahoo and Outlook may refuse mail from shop.example through Postmark"
        " because of DMARC: there is no policy."
    )
    assert dmarc.title == "There is no policy"
    assert (dmarc.fixes[0].host, dmarc.fixes[0].type) == ("_dmarc", "TXT")
    assert {rule.refusal for rule in dmarc.rules} == {
        "550 5.7.26",
        "553 or 554",
        "550 5.7.515",
    }
    assert dmarc.json["reasons"] == ["dmarc_missing"]


def test_a_check_waits_until_an_engine_takes_it(shop, owner, run_checks):
    """The page knows what it waits for, and asking again asks nothing new."""
    sender = shop()

    first = domains.start(owner, sender)
    waiting = domains.view(owner, sender)

    assert waiting.running and waiting.verdict is None and waiting.checks == ()
    assert "DMARC" in waiting.pending
    assert domains.start(owner, sender) == first
    run_checks()
    assert not domains.view(owner, sender).running


def test_a_domain_that_is_not_there_is_one_mistake(shop, checked, dns):
    """NXDOMAIN of the From domain: one row, no five that follow from it."""
    dns.publish({"example": "@ A 192.0.2.1", **MTASV})

    view = checked(shop())

    assert [each.check for each in view.checks] == ["from_domain"]
    assert view.verdict.sentence == (
        "Receivers refuse mail from shop.example through Postmark: shop.example does"
        " not exist."
    )


def test_what_could_not_be_checked_is_shown_as_it_was_known(shop, checked, dns):
    """SERVFAIL is no missing record; the last state stands beside it."""
    sender = shop()
    checked(sender)
    dns.publish(
        zone(MAIL, POLICY, "pm-bounces CNAME pm.mtasv.net.", "pm._domainkey ! SERVFAIL")
    )

    view = checked(sender)

    dkim = row(view, "dkim")
    assert dkim.status is Status.UNKNOWN
    assert dkim.last_known.status is Status.PASS
    assert dkim.last_known.at <= now()
    assert view.verdict.status is Status.WARN
    assert view.verdict.sentence.startswith("Nobody can say now whether receivers")


def test_a_record_that_no_database_takes_is_kept_all_the_same(
    both_databases, shop, checked, dns
):
    """NUL and bytes that are no UTF-8, from a name server that means harm."""
    policy = POLICY[:-1] + '; x=\\000\\255<script>"'
    dns.publish(zone(MAIL, policy, "pm-bounces CNAME pm.mtasv.net."))

    dmarc = row(checked(shop()), "dmarc")

    (text,) = dmarc.found
    assert text.endswith("x=\ufffd\ufffd<script>")


def test_only_admins_ask_and_strangers_see_nothing(shop, viewer, stranger):
    sender = shop()

    with pytest.raises(Forbidden):
        domains.start(viewer, sender)
    with pytest.raises(Missing):
        domains.start(stranger, sender)
    with pytest.raises(Missing):
        domains.view(stranger, sender)
    with pytest.raises(Missing):
        domains.set_watch(stranger, sender, on=False)
    assert domains.badges(stranger) == {}
    assert domains.view(viewer, sender).verdict is None


def test_too_many_checks_wait(shop, owner):
    """Each of them asks some forty questions."""
    for _ in range(CHECKS):
        domains.start(owner, shop())

    with pytest.raises(TooMany) as refused:
        domains.start(owner, shop())

    assert 0 < refused.value.retry_after_s <= 120


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"provider": "sandbox"}, "sandbox"),
        ({"provider": "mailpit", "host": "mailpit.shop.example"}, "Mailpit keeps"),
        ({"from_address": "kim@mail.internal"}, "inner network"),
        ({"from_address": "kim@co.uk"}, "public suffix"),
    ],
)
def test_what_no_receiver_can_look_up_is_not_checked(shop, owner, dns, more, said):
    sender = shop(**more)

    with pytest.raises(Invalid) as refused:
        domains.start(owner, sender)

    assert said in str(refused.value)
    assert said in domains.view(owner, sender).problem
    assert not dns.asked


def test_names_of_an_inner_network_are_not_asked_for(shop, checked, dns):
    """An include cannot read the zone that only this network knows."""
    dns.publish(
        zone(MAIL, POLICY, '@ TXT "v=spf1 include:secret.internal ~all"')
        | {"internal": 'secret TXT "v=spf1 ip4:10.0.0.7 -all"'}
    )

    view = checked(
        shop(provider="generic_smtp", host="relay.example.net", relay_ips=["10.0.0.7"])
    )

    assert row(view, "spf").reasons[0].id == "dns_refused"
    assert not [name for name in dns.asked if "internal" in name or "arpa" in name]


def test_another_version_makes_the_last_check_an_older_one(shop, checked, owner):
    """Shown still, and said to be of what was before."""
    sender = shop()
    checked(sender)
    version = SenderVersion.get()
    changed = {**version.settings, "dkim": {"selectors": ["other"]}}
    SenderVersion.update(settings=changed).execute()

    view = domains.view(owner, sender)

    assert not view.is_current
    assert view.verdict is not None


def test_an_interrupted_check_says_so(shop, owner, run_checks):
    sender = shop()
    domains.start(owner, sender)
    DomainCheck.update(state="running", started_at=now()).execute()
    job_id = DomainCheck.get().id

    domains.finish(owner.installation, _job(job_id), None)

    view = domains.view(owner, sender)
    assert "interrupted" in view.verdict.sentence
    assert not view.running


def _job(job_id):
    from portal.deliverability.types import Subject
    from portal.net.records import NameServers

    async def nobody(name):
        raise AssertionError(name)

    return domains.Job(
        id=job_id,
        subject=Subject(domain="shop.example"),
        dns=NameServers(),
        fetch=nobody,
        shown=nobody,
    )
