"""What a browser sent, as the values that the services judge, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from portal.providers.types import Provider
from portal.services.senders import SenderFields
from portal.services.senders.typed import Lender
from portal.web import sender_oauth
from portal.web.sender_forms import (
    ALONE,
    DKIM,
    KEEP,
    LENT,
    OAUTH,
    OFF,
    OWN_KEY,
    PACING,
    PLAIN,
    SECRETS,
    SIGNING,
    WITH_PASSWORD,
    SenderForm,
    find_place,
)

_WITH_PASSWORD = ("password", "api_key")


def values(
    form: SenderForm,
    provider: Provider,
    base: SenderFields | None,
    lender: Lender | None = None,
) -> dict[str, object]:
    """What was sent, over what is stored: a field that this form does not show
    keeps its value."""
    found: dict[str, object] = dict(base.settings()) if base else {}
    found["provider"] = provider.id
    found |= {name: form._fields[name].data for name in PLAIN if form.has(name)}
    found["pacing"] = _part(form, PACING, found.get("pacing"))
    found["dkim"] = _part(form, DKIM, found.get("dkim"))
    _follow_place(form, found, provider)
    if form.has("auth"):
        _sign_in(form, found, provider, lender)
    if form.has("signing"):
        found["dkim_signing"] = _signing(form)
    if uploaded := form.upload("ca_file"):
        found["ca"] = form.ca.data = _text(uploaded)
    return found


def replaced(form: SenderForm, secret: str) -> dict[str, object]:
    """What was sent to replace one secret and nothing else; a key comes with its
    certificate."""
    if secret != "client_key":  # noqa: S105, the name of a secret
        return {secret: _typed(form, secret)}
    return {
        "client_cert_file": form.upload("client_cert_file"),
        "client_key_file": form.upload("client_key_file"),
        "client_passphrase": form.client_passphrase.data,
    }


def filled(
    form: SenderForm, settings: Mapping[str, Any], provider: Provider
) -> SenderForm:
    """The form showing these settings, as `SenderFields.settings` or `values` has
    them. Secrets are never among what is shown."""
    for name in PLAIN:
        if name in settings:
            form._fields[name].data = _shown(settings[name])
    for part, names in (("pacing", PACING), ("dkim", DKIM)):
        for name, value in (settings.get(part) or {}).items():
            if name in names:
                form._fields[name].data = _shown(value)
    _fill_sign_in(form, settings)
    sender_oauth.fill(form, settings.get("oauth") or {}, provider)
    signing = settings.get("dkim_signing") or {}
    form.signing.data = OWN_KEY if signing else OFF
    for inner, name in SIGNING.items():
        form._fields[name].data = _shown(signing.get(inner))
    return form


def _part(form: SenderForm, names: Iterable[str], base: object) -> dict[str, object]:
    """The fields inside of one."""
    kept = dict(base) if isinstance(base, Mapping) else {}
    sent = {name: form._fields[name].data for name in names if form.has(name)}
    return {**kept, **sent}


def _follow_place(
    form: SenderForm, found: dict[str, object], provider: Provider
) -> None:
    """Without a script the host field cannot follow the list beside it: where
    only the list was changed, its host is meant."""
    before, chosen = form.place_was.data or "", form.place.data or ""
    host = str(found.get("host") or "").strip()
    if chosen and chosen != before and host in ("", before):
        found["host"] = form.host.data = chosen
    place = find_place(provider, str(found.get("host") or "").strip())
    found["region"] = place.region if place else None


def _sign_in(
    form: SenderForm,
    found: dict[str, object],
    provider: Provider,
    lender: Lender | None,
) -> None:
    """What belongs to the way that was chosen; what another way asks for is not
    taken over, though a browser sends it along."""
    way = form.auth.data or ""
    certified = way == "client_cert"
    beside = certified and form.beside_cert.data == WITH_PASSWORD
    found["auth"] = "password" if beside else way
    found["username"] = form.mailbox.data if way == "oauth2" else ""
    if way in _WITH_PASSWORD or beside:
        found["username"] = form.username.data
        if form.choice_of("password") not in (KEEP, LENT):
            found["password"] = form.password.data
    found["oauth"] = _oauth(form, provider) if way == "oauth2" else None
    if certified:
        _certificate(form, found, lender)
    elif way != "oauth2":
        found["client_cert"] = None


def _oauth(form: SenderForm, provider: Provider) -> dict[str, object]:
    found: dict[str, object] = {name: form._fields[name].data for name in OAUTH}
    sender_oauth.complete(form, found, provider)
    for name in form.secrets:
        if form.choice_of(name) in (KEEP, LENT):
            continue
        found[name.partition(".")[2]] = _typed(form, name)
    return found


def _typed(form: SenderForm, secret: str) -> object:
    """A secret from its field, or from the file beside it."""
    field, _ = SECRETS[secret]
    uploaded = form.upload(f"{field}_file")
    return _text(uploaded) if uploaded else form._fields[field].data


def _certificate(
    form: SenderForm, found: dict[str, object], lender: Lender | None
) -> None:
    chosen = form.choice_of("client_key")
    if chosen == KEEP:
        return
    found["client_cert"] = None
    data, key = form.upload("client_cert_file"), form.upload("client_key_file")
    if data or key:
        found["client_cert_file"] = data
        found["client_key_file"] = key
        found["client_passphrase"] = form.client_passphrase.data
    elif lender and chosen in (LENT, ""):
        found["client_cert"] = lender.fields.client_cert


def _signing(form: SenderForm) -> dict[str, object] | None:
    if form.signing.data != OWN_KEY:
        return None
    return {inner: form._fields[name].data for inner, name in SIGNING.items()}


def _fill_sign_in(form: SenderForm, settings: Mapping[str, Any]) -> None:
    way = _shown(settings.get("auth"))
    beside = bool(settings.get("client_cert")) and way in _WITH_PASSWORD
    form.auth.data = "client_cert" if beside else way
    form.beside_cert.data = WITH_PASSWORD if beside else ALONE
    username = _shown(settings.get("username"))
    if way == "oauth2":
        form.mailbox.data = username
    else:
        form.username.data = username


def _text(uploaded: bytes) -> str:
    """A file that should be text; what is not is refused where it is judged."""
    return uploaded.decode("utf-8-sig", errors="replace")


def _shown(value: object) -> str:
    """A setting as the text of a field."""
    if isinstance(value, list | tuple):
        return "\n".join(str(each) for each in value)
    return "" if value is None else str(value)
