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
from portal.providers.types import Provider
from portal.web.sender_forms import OAUTH, SenderForm

GRANTS = {
    "client_credentials": "The portal",
    "refresh_token": "A person, once",
    "jwt_bearer": "Service account",
}
CALLBACK = "/oauth/callback"
ADDRESSES = ("token_url", "authorize_url")
_PLACE = "{tenant}"  # in an address of the catalogue: the customer's directory


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """How far a person's consent has come: `url` where they are asked, `account`
    who said yes, `refusal` why there is none."""

    id: str = ""
    url: str = ""
    account: str = ""
    refusal: str = ""

    @property
    def at(self) -> str:
        return urlsplit(self.url).hostname or ""


@dataclass(frozen=True, kw_only=True)
class Asking:
    """The words and choices of the OAuth part, in the provider's own terms."""

    provider: Provider
    form: SenderForm

    @cached_property
    def facts(self) -> Any:
        return _facts(self.provider)

    @property
    def grants(self) -> tuple[tuple[str, str], ...]:
        """Those that the provider takes; a stored one stays choosable."""
        known = tuple(self.facts.grants) if self.facts else tuple(GRANTS)
        stored = self.form.grant.data or ""
        shown = (*known, stored) if stored in GRANTS and stored not in known else known
        return tuple((grant, GRANTS[grant]) for grant in shown)

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
    def consents(self) -> bool:
        return self.takes("refresh_token")


def callback_url(settings: Settings) -> str:
    """Where the consent page leads back to; registered with the application."""
    base = settings.base_url or request.host_url
    return f"{base.rstrip('/')}{CALLBACK}"


def fill(form: SenderForm, oauth: Mapping[str, Any], provider: Provider) -> None:
    """The form showing stored settings; without any, what the catalogue proposes."""
    facts = _facts(provider)
    grant = oauth.get("grant") or (facts.grants[0] if facts else "client_credentials")
    shown = {**_proposed(provider, grant), **oauth, "grant": grant}
    for name in OAUTH:
        form._fields[name].data = str(shown.get(name) or "")
    for name in ADDRESSES:
        _show_directory(form, name, _template(provider, name))


def complete(form: SenderForm, found: dict[str, object], provider: Provider) -> None:
    """What the catalogue knows and nobody typed: the directory in its addresses,
    the scope of the grant where it is still that of another."""
    directory = (form.directory.data or "").strip()
    for name in ADDRESSES:
        typed = str(found.get(name) or "").strip() or _template(provider, name)
        found[name] = typed.replace(_PLACE, directory) if directory else typed
    scopes = _scopes(provider)
    if str(found.get("scope") or "").strip() in ("", *scopes.values()):
        found["scope"] = scopes.get(str(found.get("grant")), found.get("scope") or "")


def _facts(provider: Provider) -> Any:
    return getattr(provider, "oauth", None)


def _proposed(provider: Provider, grant: str) -> dict[str, str]:
    proposed = {name: _template(provider, name) for name in ADDRESSES}
    return {**proposed, "scope": _scopes(provider).get(grant, "")}


def _template(provider: Provider, name: str) -> str:
    return str(getattr(_facts(provider), name, None) or "")


def _scopes(provider: Provider) -> Mapping[str, str]:
    facts = _facts(provider)
    return facts.scopes if facts else {}


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
