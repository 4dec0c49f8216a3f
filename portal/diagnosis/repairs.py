"""Which settings mend a cause: one table, and what of it fits the settings at hand.

Only what a failure alone can tell. What the sender's own fields add (a user name in
another form, the CA that was shown) is services' to add, and so is trying it.
"""

from __future__ import annotations

from collections.abc import Mapping

from portal.diagnosis.types import Evidence, Repair

TLS_HERE = Repair(set={"security": "tls"}, label="Use TLS from the start")
STARTTLS_HERE = Repair(set={"security": "starttls"}, label="Use STARTTLS")
AT_465 = Repair(
    set={"port": 465, "security": "tls"}, label="Use 465 with TLS from the start"
)
AT_587 = Repair(set={"port": 587, "security": "starttls"}, label="Use 587 and STARTTLS")
AT_2525 = Repair(
    set={"port": 2525, "security": "starttls"}, label="Use 2525 and STARTTLS"
)
NO_MECHANISM = Repair(set={"mechanism": ""}, label="Let the portal choose how")
BY_ADDRESS = Repair(set={"auth": "none"}, label="Use it without a password")

_ELSEWHERE = (AT_465, AT_587, AT_2525)
# By cause, the likeliest first. RFC 8314 §3: TLS from the start before STARTTLS.
_MENDS: Mapping[str, tuple[Repair, ...]] = {
    "tls_on_plain_port": (STARTTLS_HERE, AT_465),
    "plain_on_tls_port": (TLS_HERE, AT_587),
    "starttls_required": (STARTTLS_HERE, AT_465),
    "starttls_not_offered": (AT_465, AT_587, TLS_HERE),
    "tls_protocol_too_old": (STARTTLS_HERE, TLS_HERE, *_ELSEWHERE),
    "connection_refused": _ELSEWHERE,
    "connect_timeout_firewalled": _ELSEWHERE,
    "connection_dropped_early": (TLS_HERE, *_ELSEWHERE),
    "session_timeout": (TLS_HERE, *_ELSEWHERE),
    "not_an_smtp_server": _ELSEWHERE,
    "protocol_out_of_sync": _ELSEWHERE,
    "auth_not_offered": (STARTTLS_HERE, AT_465, AT_587, BY_ADDRESS),
    "auth_mechanism_unsupported": (NO_MECHANISM,),
}
# A door is no remedy for what happens once the relay has let us in.
_AT_THE_DOOR = frozenset({"connect", "tls", "banner", "ehlo", "starttls", None})
_DOORS_ONLY = frozenset(
    {"connection_dropped_early", "session_timeout", "protocol_out_of_sync"}
)


def mends(cause: str, evidence: Evidence) -> tuple[Repair, ...]:
    """Untested ones, none of which asks for what is set already."""
    if cause in _DOORS_ONLY and evidence.stage not in _AT_THE_DOOR:
        return ()
    return tuple(each for each in _MENDS.get(cause, ()) if _changes(each, evidence))


def merged(*groups: tuple[Repair, ...]) -> tuple[Repair, ...]:
    """Each change of settings once, in the order given."""
    found: list[Repair] = []
    for each in (repair for group in groups for repair in group):
        if all(each.set != known.set for known in found):
            found.append(each)
    return tuple(found)


def _changes(repair: Repair, evidence: Evidence) -> bool:
    """Evidence may know nothing of the settings: then every repair is a change."""
    now = {
        "port": evidence.port,
        "security": evidence.security,
        "auth": evidence.auth,
    }
    return any(now.get(name) != value for name, value in repair.set.items())
