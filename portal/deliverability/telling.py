"""A report as JSON, in the shape of the contract."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from portal.deliverability.types import Check, Report

LONGEST = 2_000  # characters of one record that is told


def report_json(report: Report) -> dict[str, Any]:
    return {
        "domain": report.domain,
        "provider": report.provider,
        "status": report.status.value,
        "checks": [check_json(check) for check in report.checks],
    }


def check_json(check: Check) -> dict[str, Any]:
    return {
        "check": check.check.value,
        "status": check.status.value,
        "reasons": list(check.reasons),
        "found": [text[:LONGEST] for text in check.found],
        "expected": check.expected,
        "fixes": [asdict(fix) for fix in check.fixes],
        "facts": dict(check.facts),
    }
