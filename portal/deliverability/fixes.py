"""Records to publish, as they are typed into a DNS panel."""

from __future__ import annotations

import re

from portal.deliverability.asking import Asking
from portal.deliverability.suffixes import organization, registered
from portal.deliverability.types import Fix
from portal.net.records import Answered, Records

PROXIED = "DNS only: a proxy in front (Cloudflare's orange cloud) hides it."
LONGEST_PART = 255  # octets of one character-string (RFC 1035 §3.3)
IN_PARTS = "Longer than 255: where the panel refuses it, in quoted parts."
OWN_MAIL = "10 {your mail server}"
OWN_MAIL_NOTE = "Where answers and bounces go; most mailbox providers tell the name."


_ALIAS = (
    "{} is an alias of {}, and no other record may stand beside a CNAME: put addresses "
    "in its place, or have this published at {}."
)


def place_of(name: str, home: str) -> tuple[str, str | None]:
    """Where a record for `name` stands, which may be an alias of `home` (RFC 1034
    §3.6.2); and a note where that is in the zone of somebody else."""
    if name == home or organization(home) == organization(name):
        return home, None
    return name, _ALIAS.format(name, home, home)


async def fix(
    asking: Asking, name: str, kind: str, value: str, note: str | None = None
) -> Fix:
    """`name` in full. Its zone is asked for: panels want the part before it."""
    if kind == "TXT" and len(value) > LONGEST_PART:
        note = f"{note} {IN_PARTS}" if note else IN_PARTS
    if kind == "CNAME":
        note = f"{note} {PROXIED}" if note else PROXIED
    return Fix(
        name=name,
        host=relative(name, await zone_of(asking, name)),
        type=kind,
        value=value,
        note=note,
    )


async def own_mail(asking: Asking, domain: str, answer: Records) -> Fix:
    """An MX record where there is none; `answer` knows whether `domain` is an alias."""
    name, note = place_of(domain, answer.aliases[-1] if answer.aliases else domain)
    told = f"{OWN_MAIL_NOTE} {note}" if note else OWN_MAIL_NOTE
    return await fix(asking, name, "MX", OWN_MAIL, told)


async def zone_of(asking: Asking, name: str) -> str:
    """The zone that a name is in, or would be; the name itself where nobody says."""
    if "{" in name:  # the provider's console says the rest
        name = name.rpartition("}")[2].strip(".")
    # What begins with an underscore is hardly ever a zone of its own (RFC 8552).
    name = re.sub(r"^.*(?<![^.])_[^.]*\.", "", name)
    answer = await asking.ask(name, "SOA")
    if answer.answered is Answered.OK and not answer.aliases:
        return name
    zone = answer.zone
    if zone is not None and (name == zone or name.endswith(f".{zone}")):
        return zone
    # An alias tells of another zone, a resolver perhaps of none.
    return registered(name)


def relative(name: str, zone: str) -> str:
    if name == zone:
        return "@"
    return name.removesuffix(f".{zone}")
