"""A sender as a file describes it: made, changed, or left as it is."""

from __future__ import annotations

from collections.abc import Mapping

from portal.delivery.types import Auth
from portal.services import knowledge
from portal.services.actor import Actor, Role
from portal.services.senders.checking import validate
from portal.services.senders.fields import SenderFields
from portal.services.senders.finding import named, newest, stored
from portal.services.senders.routing import CUT_OVER_PATIENCE_S, route_now
from portal.services.senders.saving import Saved, activate, save
from portal.services.senders.sealing import open_secrets
from portal.store.models import Sender, SenderVersion


def apply(
    actor: Actor,
    values: Mapping[str, object],
    *,
    use: bool,
    patience_s: float = CUT_OVER_PATIENCE_S,
) -> Saved:
    """The sender of this name as `values` say it, the whole of it.

    What the provider presets may be left out. The same file twice is one version:
    a deployment that applies it each time moves no mail. Raises Invalid.
    """
    actor.require(Role.ADMIN)
    values = _with_preset(actor, values)
    name = values.get("name")
    sender = named(actor, name.strip()) if isinstance(name, str) else None
    same = _unchanged(actor, sender, values) if sender else None
    if sender is None or same is None:
        sender_id = sender.public_id if sender else None
        return save(
            actor,
            sender_id=sender_id,
            values=values,
            activate=use,
            patience_s=patience_s,
        )
    if use:
        return activate(actor, sender.public_id, same.number, patience_s=patience_s)
    route = route_now(actor.installation, actor.here.id)
    return Saved(
        id=sender.public_id,
        version=same.number,
        active=route.version_id == same.id,
        tested=same.test_status == "sent",
    )


def _with_preset(actor: Actor, values: Mapping[str, object]) -> dict[str, object]:
    """What the file says wins, inside of `oauth` too; who gives a password and does
    not say how to sign in means the password."""
    catalogue = actor.installation.catalogue
    provider, region = values.get("provider"), values.get("region")
    if not isinstance(provider, str) or catalogue.get(provider) is None:
        return dict(values)
    preset = knowledge.preset(
        catalogue, provider, region=region if isinstance(region, str) else None
    )
    found: dict[str, object] = {**preset.values, **values}
    if "auth" not in values and values.get("password"):
        found["auth"] = knowledge.password_mode(catalogue, provider)
    facts, own = preset.oauth, values.get("oauth")
    if found["auth"] == Auth.OAUTH2 and facts and isinstance(own, Mapping | None):
        grant = own.get("grant") if own else None
        found["oauth"] = {**knowledge.oauth_preset(facts, grant), **(own or {})}
    return found


def _unchanged(
    actor: Actor, sender: Sender, values: Mapping[str, object]
) -> SenderVersion | None:
    """The newest version when it says exactly this, secrets included."""
    version = newest(sender)
    known = stored(version)
    fields = validate(
        values,
        catalogue=actor.installation.catalogue,
        settings=actor.installation.settings,
        stored=known,
    )
    if fields.settings() != known.fields.settings():
        return None
    return version if _same_secrets(actor, fields, version) else None


def _same_secrets(actor: Actor, fields: SenderFields, version: SenderVersion) -> bool:
    """Of those that the file gives; the others stay as they are stored."""
    if not fields.secrets:
        return True
    stored = open_secrets(actor.installation.vault, version, only=fields.secrets)
    return stored == fields.secrets
