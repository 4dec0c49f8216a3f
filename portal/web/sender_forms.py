"""The sender form: which fields a browser may send, and how they become values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request
from wtforms import PasswordField, StringField

from portal.errors import FieldError
from portal.providers.types import Host, Provider
from portal.services.senders import SenderFields
from portal.web.forms import PortalForm

PACING = ("max_connections", "per_minute", "per_hour", "per_day")
# They steer the page and are no settings of a sender.
OF_THE_PAGE = frozenset(
    ("provider", "place", "place_was", "secret", "to", "test", "csrf_token")
)
# Which secret is meant: the stored one, the one typed for the last live test, or
# the one in the field.
KEEP, LENT, TYPED = "keep", "lent", "type"
# Behind “More”; the rest stands open.
LATER = (
    "ehlo_name",
    "mail_from",
    "allowed_from",
    "mechanism",
    "on_lost_reply",
    "ca",
    *PACING,
)


class SenderForm(PortalForm):
    """What a browser sends is text; what it means is judged by the service."""

    name = StringField("Name")
    provider = StringField()  # of a sender that is not saved yet
    place = StringField()  # a host of the catalogue, chosen by its region or use
    place_was = StringField()
    host = StringField("Relay host")
    port = StringField("Port")
    security = StringField("Encryption")
    auth = StringField("Signing in")
    mechanism = StringField("Sign-in mechanism")
    username = StringField("User name")
    secret = StringField()
    password = PasswordField("Password")
    ca = StringField("Own certificate authority")
    ehlo_name = StringField("EHLO name")
    from_name = StringField("From name")
    from_address = StringField("From address")
    reply_to_name = StringField("Reply-To name")
    reply_to_address = StringField("Reply-To address")
    mail_from = StringField("Reverse-path")
    allowed_from = StringField("Other From addresses")
    on_lost_reply = StringField("When the answer to a whole mail is lost")
    max_connections = StringField("Connections at once")
    per_minute = StringField("Mails a minute")
    per_hour = StringField("Mails an hour")
    per_day = StringField("Mails a day")
    to = StringField("Send to")
    test = StringField()  # the live test whose ladder is on the page

    def _beside(self, error: FieldError) -> None:
        inner = error.field.rpartition(".")[2]  # `pacing.per_hour`
        super()._beside(FieldError(inner, error.detail))

    def refuse_one(self, error: FieldError) -> None:
        self._beside(error)

    @property
    def test_id(self) -> str | None:
        return self.test.data or None

    @property
    def typed_in(self) -> str | None:
        """The live test whose typed secret is meant; without a choice on the page,
        the one that was typed last."""
        return self.test_id if self.secret.data in (LENT, "", None) else None

    @property
    def to_use(self) -> bool:
        return request.form.get("then") == "use"

    def values(
        self, provider: Provider, base: SenderFields | None
    ) -> dict[str, object]:
        """What was sent, over what is stored: a field that this form does not show
        keeps its value."""
        found: dict[str, object] = dict(base.settings()) if base else {}
        found["provider"] = provider.id
        for name in self._fields.keys() - OF_THE_PAGE - set(PACING):
            if name in request.form:
                found[name] = self._fields[name].data
        found["pacing"] = self._pacing(found.get("pacing"))
        if self.secret.data in (KEEP, LENT):
            found.pop("password", None)
        self._follow_place(found, provider)
        return found

    def _pacing(self, base: object) -> dict[str, object]:
        kept = dict(base) if isinstance(base, Mapping) else {}
        sent = {
            name: self._fields[name].data for name in PACING if name in request.form
        }
        return {**kept, **sent}

    def _follow_place(self, found: dict[str, object], provider: Provider) -> None:
        """Without a script the host field cannot follow the list beside it: where
        only the list was changed, its host is meant."""
        before, chosen = self.place_was.data or "", self.place.data or ""
        host = str(found.get("host") or "").strip()
        if chosen and chosen != before and host in ("", before):
            found["host"] = self.host.data = chosen
        place = find_place(provider, str(found.get("host") or "").strip())
        found["region"] = place.region if place else None


def places(provider: Provider) -> tuple[Host, ...]:
    """The hosts that a person chooses between: by region, or by what they are for."""
    hosts = [each for each in provider.hosts if not each.is_pattern]
    named = {each.region for each in hosts}
    for region in provider.regions:
        host = provider.host_in(region)
        if region not in named and host:
            hosts.append(Host(host=host, region=region))
    return tuple(hosts)


def find_place(provider: Provider, host: str) -> Host | None:
    return next((each for each in places(provider) if each.host == host), None)


def filled(form: SenderForm, settings: Mapping[str, Any]) -> SenderForm:
    """The form showing these settings, as `SenderFields.settings` has them."""
    flat = {**settings, **(settings.get("pacing") or {})}
    for name in form._fields.keys() - OF_THE_PAGE - {"password"}:
        if name in flat:
            form._fields[name].data = _shown(flat[name])
    return form


def _shown(value: object) -> str:
    if isinstance(value, list | tuple):
        return "\n".join(str(each) for each in value)
    return "" if value is None else str(value)
