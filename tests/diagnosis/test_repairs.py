"""What a cause alone says of its repair, for the settings at hand."""

from __future__ import annotations

import pytest

from portal.diagnosis.repairs import mends, merged
from portal.diagnosis.rules import causes
from portal.diagnosis.types import Evidence, Repair


def of(**values) -> Evidence:
    return Evidence(text="", **values)


def sets(cause: str, **values) -> list[dict[str, object]]:
    return [dict(each.set) for each in mends(cause, of(**values))]


def test_a_wrong_port_leads_to_the_usual_ones():
    assert sets("connection_refused", port=589, security="starttls") == [
        {"port": 465, "security": "tls"},
        {"port": 587, "security": "starttls"},
        {"port": 2525, "security": "starttls"},
    ]


def test_what_is_set_already_is_no_repair():
    found = sets("connection_refused", port=465, security="tls")

    assert {"port": 465, "security": "tls"} not in found
    assert sets("plain_on_tls_port", port=587, security="tls") == [
        {"port": 587, "security": "starttls"}
    ]


@pytest.mark.parametrize("stage", ["mail_from", "post_data"])
def test_a_relay_that_let_us_in_is_not_left_for_another_port(stage):
    assert sets("connection_dropped_early", stage=stage) == []
    assert sets("connection_dropped_early", stage="banner") != []


def test_every_cause_of_the_table_is_one_of_ours():
    known = [cause for cause in causes() if sets(cause)]

    assert "connection_refused" in known
    assert "mailbox_full" not in known


def test_a_repair_is_offered_once():
    one = Repair(set={"security": "tls"}, label="One")
    other = Repair(set={"security": "tls"}, label="Other")

    assert merged((one,), (other,)) == (one,)
