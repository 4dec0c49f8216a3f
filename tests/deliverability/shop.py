"""The domain of a shop that has a policy, and what SPF and DKIM came to."""

from __future__ import annotations

from portal.deliverability.types import Check, CheckName, Status

GOOD = "v=DMARC1; p=reject; rua=mailto:dmarc@shop.example"
SPF_OK = Check(check=CheckName.SPF, status=Status.PASS, reasons=("spf_ok",))
SPF_BAD = Check(check=CheckName.SPF, status=Status.FAIL, reasons=("spf_missing",))
DKIM_OK = Check(check=CheckName.DKIM, status=Status.PASS, reasons=("dkim_ok",))
DKIM_BAD = Check(check=CheckName.DKIM, status=Status.FAIL, reasons=("dkim_missing",))
DKIM_WHO = Check(check=CheckName.DKIM, status=Status.UNKNOWN, reasons=("dns_timeout",))


def quoted(zone):
    lines = (line.split(None, 2) for line in zone.splitlines())
    return "\n".join(
        f'{name} TXT "{value}"' if kind == "TXT" else f"{name} {kind} {value}"
        for name, kind, value in lines
    )


def shop(record, more=""):
    return {
        "shop.example": quoted(f"_dmarc TXT {record}\nnews A 192.0.2.1\n{more}".strip())
    }
