"""How the sender form asks for OAuth 2.0: grants, addresses, scopes, consent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from flask import request

from portal.config import Settings
from portal.providers.types import Cloud, OAuthFacts, Provider
from portal.web.sender_forms import OAUTH, SenderForm

GRANTS = {
    "client_credentials": "The portal",
    "refresh_token": "A person, once",
    "jwt_bearer": "Service account",
}
_GRANTS_HELP = {
    "client_credentials": "“The portal” signs in as itself: nothing stops when somebody"
    " leaves.",
    "refresh_token": "“A person, once” stands on that person’s account.",
    "jwt_bearer": "A service account acts for a mailbox and is nobody’s own.",
}
CALLBACK = "/oauth/callback"
ADDRESSES = ("token_url", "authorize_url")
_PLACE = "{tenant}"  # in an address of the catalogue: the customer's directory


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """How far a person's consent has come: `url` where they are asked, `account`
    who said yes, `refusal` why there is none, `advice` what that means and what to
    do. `given`: the refresh token is here."""

    id: str
    url: str = ""
    account: str = ""
    refusal: str = ""
    advice: tuple[str, ...] = ()
    given: bool = False

    @property
    def at(self) -> str:
        return urlsplit(self.url).hostname or ""


@dataclass(frozen=True, kw_only=True)
class Asking:
    """The words and choices of the OAuth part, in the provider's own terms."""

    provider: Provider
    form: SenderForm

    @cached_property
    def facts(self) -> OAuthFacts | None:
        return self.provider.oauth

    @property
    def grants(self) -> tuple[tuple[str, str], ...]:
        """Those that the provider takes; a stored one stays choosable."""
        known = tuple(self.facts.grants) if self.facts else tuple(GRANTS)
        stored = self.form.grant.data or ""
        shown = (*known, stored) if stored in GRANTS and stored not in known else known
        return tuple((grant, GRANTS[grant]) for grant in shown)

    @property
    def grants_help(self) -> str:
        return " ".join(_GRANTS_HELP[grant] for grant, _ in self.grants)

    def takes(self, grant: str) -> bool:
        return any(grant == value for value, _ in self.grants)

    @property
    def asks_directory(self) -> bool:
        """Its addresses hold the customer's directory, and the form shows it."""
        return any(_PLACE in (self.form._fields[name].data or "") for name in ADDRESSES)

    @property
    def addresses_open(self) -> bool:
        """Whoever must fill them in, or got one wrong, sees them at once."""
        wrong = any(self.form._fields[name].errors for name in (*ADDRESSES, "scope"))
        return wrong or not self.form.token_url.data

    @property
    def mailbox_help(self) -> str:
        hint = self.facts.user_hint if self.facts else None
        return f"{hint or 'The mailbox to sign in as.'} Empty: the From address."

    @property
    def steps(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """By grant, what an administrator does before the first token."""
        return tuple(self.facts.steps.items()) if self.facts else ()

    @property
    def consents(self) -> bool:
        return self.takes("refresh_token")


def callback_url(settings: Settings) -> str:
    """Where the consent page leads back to; registered with the application."""
    base = settings.base_url or request.host_url
    return f"{base.rstrip('/')}{CALLBACK}"


def fill(form: SenderForm, oauth: Mapping[str, Any], provider: Provider) -> None:
    """The form showing stored settings; without any, what the catalogue proposes."""
    facts = provider.oauth
    grant = oauth.get("grant") or (facts.grants[0] if facts else "client_credentials")
    host = form.host.data or ""
    proposed = {name: _address(facts, name, host) for name in ADDRESSES}
    proposed["scope"] = _scopes(facts, host).get(grant, "")
    shown = {**proposed, **oauth, "grant": grant}
    for name in OAUTH:
        form._fields[name].data = str(shown.get(name) or proposed.get(name) or "")
    for name in ADDRESSES:
        for template in _addresses(facts, name):
            _show_directory(form, name, template)


def complete(form: SenderForm, found: dict[str, object], provider: Provider) -> None:
    """What the catalogue knows and nobody typed: the cloud of the host, the
    directory in its addresses, the scope of the grant where it is still that of
    another."""
    facts, host = provider.oauth, (form.host.data or "").strip()
    directory = (form.directory.data or "").strip()
    for name in ADDRESSES:
        typed = str(found.get(name) or "").strip()
        if typed in ("", *_addresses(facts, name)):
            typed = _address(facts, name, host)
        found[name] = typed.replace(_PLACE, directory) if directory else typed
    if str(found.get("scope") or "").strip() in ("", *_known_scopes(facts)):
        grant = str(found.get("grant") or "")
        found["scope"] = _scopes(facts, host).get(grant, found.get("scope") or "")


def _cloud(facts: OAuthFacts | None, host: str) -> OAuthFacts | Cloud | None:
    """A provider has clouds apart, each with a host and addresses of its own."""
    clouds = facts.clouds if facts else ()
    return next((each for each in clouds if each.host == host), facts)


def _address(facts: OAuthFacts | None, name: str, host: str) -> str:
    return str(getattr(_cloud(facts, host), name, None) or "")


def _addresses(facts: OAuthFacts | None, name: str) -> tuple[str, ...]:
    if facts is None:
        return ()
    found = (getattr(each, name) for each in (facts, *facts.clouds))
    return tuple(each for each in found if each)


def _scopes(facts: OAuthFacts | None, host: str) -> Mapping[str, str]:
    cloud = _cloud(facts, host)
    return {str(grant): each for grant, each in cloud.scopes.items()} if cloud else {}


def _known_scopes(facts: OAuthFacts | None) -> tuple[str, ...]:
    if facts is None:
        return ()
    every: tuple[OAuthFacts | Cloud, ...] = (facts, *facts.clouds)
    return tuple(scope for each in every for scope in each.scopes.values())


def _show_directory(form: SenderForm, name: str, template: str) -> None:
    """An address of the catalogue is shown as it stands there, with the directory
    in a field of its own."""
    before, place, after = template.partition(_PLACE)
    pattern = f"{re.escape(before)}([^/]+){re.escape(after)}"
    match = re.fullmatch(pattern, form._fields[name].data) if place else None
    if match is None:
        return
    form._fields[name].data = template
    if match[1] != _PLACE:
        form.directory.data = match[1]
