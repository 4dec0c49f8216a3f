"""Which repairs a failed conversation has, with the settings at hand.

Used by live tests and by `portal try`: nothing of the store is imported here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from portal.delivery.extensions import Extensions
from portal.delivery.types import (
    Auth,
    Outcome,
    Relay,
    Security,
    Stage,
    Status,
)
from portal.diagnosis.repairs import merged
from portal.diagnosis.types import Diagnosis, Repair
from portal.mail.types import Envelope
from portal.providers.types import Provider
from portal.services import usernames

_TRIABLE = frozenset({"port", "security", "ehlo_name", "ca", "local_address", "auth"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A conversation that failed, and what its settings could be instead.

    `ehlo_names` are other names that this machine may go by.
    """

    relay: Relay = field(repr=False)
    outcome: Outcome
    provider: Provider | None
    from_address: str
    envelope: Envelope
    ehlo_names: tuple[str, ...] = ()


def offered(diagnosis: Diagnosis, case: Case) -> tuple[Repair, ...]:
    """What could mend it, untried, the likeliest first. The sandbox has no settings."""
    if case.provider is not None and case.provider.id == "sandbox":
        return ()
    found = merged(_of_settings(diagnosis.cause, case), diagnosis.repairs)
    return tuple(each for each in found if _is_sensible(each, case))


def is_triable(repair: Repair) -> bool:
    """Whether a probe can tell, which signs in nowhere."""
    known = set(repair.set) <= _TRIABLE
    return known and repair.set.get("auth") in (None, Auth.NONE)


def applied(relay: Relay, changes: Mapping[str, Any]) -> Relay:
    """The relay as a triable repair would have it."""
    values: dict[str, Any] = {
        name: changes[name] or None
        for name in ("ehlo_name", "local_address")
        if name in changes
    }
    if "port" in changes:
        values["port"] = int(changes["port"])
    if "security" in changes:
        values["security"] = Security(changes["security"])
    if "ca" in changes:
        values["ca_pem"] = changes["ca"]
    if "auth" in changes:
        values["auth"] = Auth(changes["auth"])
    return replace(relay, **values)


def _is_sensible(repair: Repair, case: Case) -> bool:
    """It changes something, and a known provider has that door."""
    relay, wanted = case.relay, repair.set
    if wanted == {"mechanism": ""} and relay.mechanism is None:
        return False
    if set(wanted) <= _TRIABLE and applied(relay, wanted) == relay:
        return False
    ports = case.provider.ports if case.provider else ()
    if "port" not in wanted or usernames.provider_is_open(case.provider) or not ports:
        return True
    door = (wanted["port"], wanted.get("security"))
    return any((each.port, each.security) == door for each in ports)


def _of_settings(cause: str, case: Case) -> tuple[Repair, ...]:
    """What the settings at hand add to the table of diagnosis."""
    finder = _FINDERS.get(cause)
    if finder is None or case.outcome.status is Status.SENT:
        return ()
    return finder(case)


def _of_username(case: Case) -> tuple[Repair, ...]:
    relay = case.relay
    if relay.auth not in (Auth.PASSWORD, Auth.API_KEY) or not relay.username:
        return ()
    forms = usernames.other_forms(relay.username, case.provider, case.from_address)
    return tuple(
        Repair(set={"username": each}, label=f"Use the user name {each}")
        for each in forms
    )


def _of_mode(case: Case) -> tuple[Repair, ...]:
    """The way to sign in that is left, where this one is switched off or unknown."""
    ways = case.provider.auth_methods if case.provider else ()
    mechanisms = set(Extensions(case.outcome.facts.ehlo).mechanisms)
    by_token = "oauth2" in ways or mechanisms & {"XOAUTH2", "OAUTHBEARER"}
    if case.relay.auth in (Auth.PASSWORD, Auth.API_KEY) and by_token:
        return (Repair(set={"auth": "oauth2"}, label="Sign in with OAuth 2.0"),)
    if case.relay.auth is Auth.OAUTH2 and mechanisms & {"PLAIN", "LOGIN"}:
        return (Repair(set={"auth": "password"}, label="Sign in with a password"),)
    return ()


def _of_sign_in(case: Case) -> tuple[Repair, ...]:
    if case.relay.auth is not Auth.NONE:
        return ()
    return (Repair(set={"auth": "password"}, label="Sign in with a password"),)


def _of_sender(case: Case) -> tuple[Repair, ...]:
    """The mailbox that signs in, and a reverse-path that is the From address."""
    user, found = case.relay.username or "", []
    if usernames.is_mailbox(user) and user.lower() != case.from_address.lower():
        found.append(Repair(set={"from_address": user}, label=f"Send as {user}"))
    path = case.envelope.reverse_path
    if case.outcome.stage is Stage.MAIL_FROM and path not in (None, case.from_address):
        found.append(
            Repair(set={"mail_from": ""}, label="Use the From address as return path")
        )
    return tuple(found)


def _of_name(case: Case) -> tuple[Repair, ...]:
    others = [each for each in case.ehlo_names if each != case.relay.ehlo_name]
    return tuple(
        Repair(set={"ehlo_name": each}, label=f"Introduce ourselves as {each}")
        for each in dict.fromkeys(others)
    )


def _of_trust(case: Case) -> tuple[Repair, ...]:
    """The authority that was shown last, or a certificate that signs itself. A known
    provider has a public one: another is somebody in between."""
    shown = case.outcome.facts.presented
    if not shown or not usernames.provider_is_open(case.provider):
        return ()
    last = shown[-1]
    if not (last.is_ca or last.subject == last.issuer):
        return ()
    what = "authority" if last.is_ca else "certificate"
    label = f"Trust this {what} (SHA-256 {last.fingerprint})"
    return (Repair(set={"ca": last.pem}, label=label),)


def _of_route(case: Case) -> tuple[Repair, ...]:
    if case.relay.local_address is None:
        return ()
    return (
        Repair(set={"local_address": ""}, label="Connect from any of our addresses"),
    )


_FINDERS = {
    "auth_bad_credentials": _of_username,
    "auth_basic_disabled_by_provider": _of_mode,
    "auth_mechanism_unsupported": _of_mode,
    "auth_required": _of_sign_in,
    "sender_not_authorised": _of_sender,
    "sender_domain_unverified": _of_sender,
    "helo_rejected": _of_name,
    "certificate_untrusted": _of_trust,
    "network_unreachable": _of_route,
}
