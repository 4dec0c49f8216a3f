"""How much may be tried: a live test is neither a scanner nor a gun.

A token end point that somebody typed is a host like another; the
ones of the catalogue are nobody's secret and do not count.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from portal.errors import TooMany
from portal.providers.catalogue import Catalogue
from portal.services import limits
from portal.services.actor import Actor
from portal.services.finding import is_near, parse_asked
from portal.services.installation import Installation
from portal.services.senders.fields import SenderFields
from portal.store.fields import now
from portal.store.models import LiveTest, OAuthConsent, Search

TESTS, TESTS_WINDOW_S = 10, 600
TESTS_A_DAY, HOSTS_AN_HOUR, STRANGERS_A_DAY = 50, 5, 5
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


def spend(actor: Actor, fields: SenderFields, to: str) -> None:
    """One live test. Raises TooMany."""
    if actor.installation.settings.limits:
        _judge_hosts(actor, _wanted(actor, fields))
        _judge_strangers(actor, to)
    _count(actor)


def spend_consent(actor: Actor, fields: SenderFields) -> None:
    """One consent, which ends in a question to its token end point."""
    if actor.installation.settings.limits:
        _judge_hosts(actor, _wanted(actor, fields))
    _count(actor)


def spend_search(actor: Actor, domain: str) -> None:
    """One search for a relay. The domain counts as one host, whatever is beneath it
    is looked at; hosts of others that its records name count one each."""
    if actor.installation.settings.limits:
        _judge_hosts(actor, {domain})
    _count(actor)


def hosts_left(installation: Installation, tenant_id: int) -> int:
    """How many more hosts may be tested within this hour."""
    if not installation.settings.limits:
        return HOSTS_AN_HOUR
    counted, _ = _recent_hosts(installation.catalogue, tenant_id)
    return max(HOSTS_AN_HOUR - len(counted), 0)


def _count(actor: Actor) -> None:
    for name, most, window_s in (
        ("live-test", TESTS, TESTS_WINDOW_S),
        ("live-test-day", TESTS_A_DAY, 86400),
    ):
        limits.spend(
            actor.installation,
            f"{name}:{actor.here.public_id}",
            limit=most,
            window_s=window_s,
            sentence=f"{most} tests have run in a short time. Test again {{when}}.",
        )


def _judge_hosts(actor: Actor, wanted: set[str]) -> None:
    counted, known = _recent_hosts(actor.installation.catalogue, actor.here.id)
    if wanted - known and len((wanted - known) | counted) > HOSTS_AN_HOUR:
        raise TooMany(
            f"{HOSTS_AN_HOUR} hosts were tested within the hour. Test one of these"
            " again, or wait.",
            retry_after_s=3600,
        )


def _wanted(actor: Actor, fields: SenderFields) -> set[str]:
    return _hosts(fields.settings(), _token_hosts(actor.installation.catalogue))


def _recent_hosts(catalogue: Catalogue, tenant_id: int) -> tuple[set[str], set[str]]:
    """What counts, and what may be tested again: a search has looked at hosts beneath
    its domain, which count as that one."""
    since, tokens = now() - _HOUR, _token_hosts(catalogue)
    counted: set[str] = set()
    known: set[str] = set()
    searches = Search.select(Search.asked, Search.hosts).where(
        Search.tenant == tenant_id, Search.created_at > since
    )
    for search in searches:
        domain = parse_asked(search.asked).domain
        known |= {domain, *search.hosts}
        counted |= {
            domain,
            *(
                each
                for each in search.hosts
                if not _is_covered(each, domain, catalogue)
            ),
        }
    for model in (LiveTest, OAuthConsent):
        recent = model.select(model.settings).where(
            model.tenant == tenant_id, model.created_at > since
        )
        for row in recent:
            tested = _hosts(row.settings, tokens)
            counted |= tested - known
            known |= tested
    return counted, known


def _is_covered(host: str, domain: str, catalogue: Catalogue) -> bool:
    return is_near(host, domain) or catalogue.by_host(host) is not None


def _judge_strangers(actor: Actor, to: str) -> None:
    own = actor.person.email if actor.person else ""
    recent = LiveTest.select(LiveTest.to_address).where(
        LiveTest.tenant == actor.here.id, LiveTest.created_at > now() - _DAY
    )
    strangers = {test.to_address for test in recent} - {own}
    if to != own and to not in strangers and len(strangers) >= STRANGERS_A_DAY:
        raise TooMany(
            f"Tests went to {STRANGERS_A_DAY} other addresses today. Send this one to"
            " your own address.",
            retry_after_s=86400,
        )


def _hosts(settings: Mapping[str, Any], known: frozenset[str]) -> set[str]:
    """Whom a test of these settings would talk to."""
    oauth = settings.get("oauth") or {}
    token_host = urlsplit(oauth.get("token_url") or "").hostname
    found = {settings.get("host"), None if token_host in known else token_host}
    return {each for each in found if each}


def _token_hosts(catalogue: Catalogue) -> frozenset[str]:
    return frozenset(filter(None, map(_host_of, _token_urls(catalogue))))


def _host_of(url: str) -> str | None:
    return urlsplit(url).hostname


def _token_urls(catalogue: Catalogue) -> Iterator[str]:
    for provider in catalogue.all():
        if provider.oauth:
            yield provider.oauth.token_url
            yield from (cloud.token_url for cloud in provider.oauth.clouds)
