"""Mails as receivers, forwarders, gateways and copies leave them: each says what a
careful admin expects to read (received/*.toml)."""

from __future__ import annotations

import pytest

from portal.services.domains import proof
from tests.domains.received_mails import ZONES, received


def read_of(found):
    """In the words of `expect`."""
    adopted = found.adoptable
    took = [_took(hop) for hop in found.way]
    return {
        "status": found.status.value,
        "rows": sorted(f"{e.label} {e.status.value} {e.about}" for e in found.rows),
        "border": next((hop.by for hop in found.way if hop.is_border), None),
        "encryption": [hop.encryption for hop in found.way],
        "took": took,
        "offered": list(found.offered),
        "selectors": list(adopted.selectors) if adopted else [],
        "return_path": (adopted.return_path if adopted else None) or "",
    }


def _took(hop):
    if hop.off_s is not None:
        return f"off by {hop.off_s}"
    return "-" if hop.took_s is None else str(hop.took_s)


@pytest.mark.parametrize("mail", received(), ids=lambda mail: mail.name)
def test_a_received_mail_reads_as_expected(dns, shop, owner, mail):
    dns.publish(ZONES)

    found = proof.prove(owner, shop(), mail.content, trusting=mail.trusting)

    expected = dict(mail.expect)
    spoken = {
        "notes": " ".join(found.notes),
        "says": found.sentence,
        "texts": " ".join(row.text for row in found.rows),
    }
    for name, whole in spoken.items():
        missing = [part for part in expected.pop(name, ()) if part not in whole]
        assert not missing, whole
    told = [part for part in expected.pop("without", ()) if part in spoken["notes"]]
    assert not told, spoken["notes"]
    if "rows" in expected:
        expected["rows"].sort()
    read = read_of(found)
    assert {name: read[name] for name in expected} == expected
