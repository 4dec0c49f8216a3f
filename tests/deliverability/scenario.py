"""Domains as data: zones, whom they send through, and what a report says of them.

`scenarios/*.toml`: a scenario's `zone` is added to what `COMMON` has of shop.example,
`without` takes lines of that out by how they begin; `zones` are others beside those of
the providers (world.toml). `expect` is a status and the reasons that have to be there,
the main one first; `absent` where a check does not apply. `fixes` are records to
publish, as type, host and value.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from portal.deliverability.types import Subject
from portal.providers.catalogue import Catalogue
from portal.services import expecting
from tests.deliverability.keys import KEY, OTHER, WEAK

HERE = Path(__file__).parent / "scenarios"
CATALOGUE = Catalogue.load()
COMMON = """
@ A 192.0.2.1
@ MX 10 mail
mail A 192.0.2.2
_dmarc TXT "v=DMARC1; p=reject; rua=mailto:d@shop.example"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    name: str
    status: str
    expect: dict[str, str]
    domain: str = "shop.example"
    provider: str | None = None
    zone: str = ""
    without: tuple[str, ...] = ()
    zones: dict[str, str] = field(default_factory=dict)
    fixes: tuple[str, ...] = ()
    no_fixes: bool = False
    signed: bool = False
    given: dict[str, Any] = field(default_factory=dict)

    @property
    def served(self) -> dict[str, str]:
        kept = [
            line for line in COMMON.splitlines() if not line.startswith(self.without)
        ]
        shop = "\n".join([*kept, self.zone])
        zones = {"shop.example": shop, **WORLD, **self.zones}
        return {name: _with_keys(text) for name, text in zones.items()}

    @property
    def subject(self) -> Subject:
        given = dict(self.given)
        region = given.pop("region", None)
        provider = CATALOGUE.get(self.provider) if self.provider else None
        signing = given.get("signing_domain")
        given["relay_ips"] = map(ip_address, given.get("relay_ips", ()))
        many = ("relay_ips", "selectors", "blocklists")
        given |= {name: tuple(given[name]) for name in many if name in given}
        return Subject(
            domain=self.domain,
            expectation=provider
            and expecting.expectation(
                provider, self.domain, region=region, signing_domain=signing
            ),
            somebody_elses=expecting.is_somebody_elses(provider, self.domain),
            **given,
        )


def _with_keys(text: str) -> str:
    words = {"{KEY}": KEY, "{WEAK}": WEAK, "{OTHER}": OTHER}
    for word, key in words.items():
        text = text.replace(word, f'"v=DKIM1; k=rsa; p={key[:200]}" "{key[200:]}"')
    return text


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((HERE / name).read_text())


def _made(raw: dict[str, Any]) -> Scenario:
    own = set(Scenario.__dataclass_fields__)
    for name in ("without", "fixes"):
        raw[name] = tuple(raw.get(name, ()))
    given = {key: raw.pop(key) for key in set(raw) - own}
    return Scenario(given=given, **raw)


WORLD: dict[str, str] = _read("world.toml")["zones"]
ALL = [
    _made(raw)
    for path in sorted(HERE.glob("*.toml"))
    if path.name != "world.toml"
    for raw in _read(path.name)["scenario"]
]
