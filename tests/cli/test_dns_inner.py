"""What `portal dns` does not do, whatever the answers say."""

from __future__ import annotations

import json

from click.testing import CliRunner

from portal.cli import main
from tests.net.zones import Zones

INNER = """
    @ A 192.0.2.1
    _mta-sts TXT "v=STSv1; id=1"
    mta-sts A 127.0.0.1
"""


def test_an_answer_leads_no_request_to_an_inner_address():
    with Zones({"shop.example": INNER}) as served:
        at = "{}:{}".format(*served.address)
        done = CliRunner().invoke(
            main, ["dns", "shop.example", "--nameserver", at, "--json"]
        )

    checks = json.loads(done.stdout)["checks"]
    check = next(each for each in checks if each["check"] == "mta_sts")
    assert check["reasons"] == ["mta_sts_policy_unreachable"]
    assert "may not connect" in check["facts"]["said"]
