"""Audit: filtered, paged, taken away as CSV and JSON."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re

import pytest

from portal.services import audit

AUDIT = "/t/acme-inc/audit"


@pytest.fixture
def events(owner, admin):
    audit.record(owner, "key.created", detail={"name": "ops", "scopes": ["send"]})
    audit.record(admin, "email.sent", subject_kind="message", subject_id="m1")
    audit.record(owner, "email.send_failed", detail={"reply": "=1+1"})


def names(page: str) -> list[str]:
    rows = re.findall(r'<th scope="row"><code>([^/]*)</code></th>', page)
    return [row.replace("<wbr>", "") for row in rows]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["email.send_failed", "email.sent", "key.created"]),
        ("?event=email.", ["email.send_failed", "email.sent"]),
        ("?event=email.sent", ["email.sent"]),
        ("?person=admin@example.org", ["email.sent"]),
        ("?event=email.&person=owner@example.org", ["email.send_failed"]),
        ("?person=nobody@example.org", []),
    ],
)
def test_entries_are_filtered_by_event_and_person(as_viewer, events, query, found):
    assert names(as_viewer.get(AUDIT + query).text) == found
    fragment = as_viewer.get(f"{AUDIT}/rows{query}", htmx=True)
    assert names(fragment.text) == found
    assert "<html" not in fragment.text


def test_an_entry_says_what_by_whom_and_from_where(as_viewer, events):
    page = as_viewer.get(AUDIT).text

    assert "name ops, scopes send" in page
    assert "192.0.2.7" in page
    assert 'href="/t/acme-inc/messages/m1"' in page


def test_a_failure_is_told_in_words(as_viewer, owner):
    detail = {
        "reply": {"code": 550, "enhanced": "5.1.1", "text": "5.1.1 No such mailbox"},
        "diagnosis": {"cause": "recipient_unknown", "title": "Nobody lives here"},
        "cause": None,
    }
    audit.record(owner, "email.send_failed", detail=detail)

    page = as_viewer.get(AUDIT).text

    assert "reply 550 5.1.1 No such mailbox, diagnosis “Nobody lives here”" in page
    assert "cause" not in page.split("<tbody>")[1]


def test_pages_follow_each_other(as_viewer, owner):
    for number in range(60):
        audit.record(owner, f"test.number_{number}")
    first = as_viewer.get(AUDIT).text
    older = re.search(r'href="([^"]*after=[^"]*)"', first)
    assert older

    second = as_viewer.get(older[1].replace("&amp;", "&")).text

    assert names(first)[0] == "test.number_59"
    assert names(second) == [f"test.number_{number}" for number in range(9, -1, -1)]


def test_the_csv_runs_nothing_in_a_spreadsheet(as_viewer, events, owner):
    """A cell that begins like a formula is quoted."""
    audit.record(owner, "=cmd|' /C calc'!A0")

    answer = as_viewer.get(f"{AUDIT}.csv")
    rows = list(csv.reader(io.StringIO(answer.text)))

    assert answer.headers["Content-Type"].startswith("text/csv")
    assert "attachment" in answer.headers["Content-Disposition"]
    assert rows[0][:3] == ["at", "event", "actor"]
    assert rows[1][1] == "'=cmd|' /C calc'!A0"
    assert len(rows) == 5


def test_the_json_holds_every_entry(as_viewer, owner):
    """More than one page of the export; filtered like the page."""
    for number in range(1100):
        audit.record(owner, "test.many", detail={"number": number})
    audit.record(owner, "test.other")

    rows = json.loads(as_viewer.get(f"{AUDIT}.json?event=test.many").text)

    assert [row["detail"]["number"] for row in rows] == list(range(1099, -1, -1))


def test_no_entry_is_told_apart_from_no_hit(as_viewer):
    assert "No entry yet" in as_viewer.get(AUDIT).text
    assert "No such entry" in as_viewer.get(f"{AUDIT}?event=key.").text


def test_an_empty_export_is_whole(as_viewer):
    assert json.loads(as_viewer.get(f"{AUDIT}.json?event=none").text) == []
    assert len(list(csv.reader(io.StringIO(as_viewer.get(f"{AUDIT}.csv").text)))) == 1


def test_another_tenants_entries_are_not_there(as_stranger, stranger, events):
    audit.record(stranger, "tenant.theirs")

    assert names(as_stranger.get("/t/other-ltd/audit").text) == ["tenant.theirs"]
    rows = json.loads(as_stranger.get("/t/other-ltd/audit.json").text)
    assert [row["event"] for row in rows] == ["tenant.theirs"]


def test_the_installation_has_a_chain_of_its_own(as_owner, as_stranger, owner):
    """Sign-ins and new tenants concern no tenant: the operator reads them."""
    audit.record(dataclasses.replace(owner, tenant=None), "user.signed_in")

    assert names(as_owner.get("/platform/audit").text) == ["user.signed_in"]
    assert names(as_owner.get("/platform/audit/rows").text) == ["user.signed_in"]
    rows = json.loads(as_owner.get("/platform/audit.json").text)
    assert [row["event"] for row in rows] == ["user.signed_in"]
    assert "user.signed_in" not in as_owner.get(AUDIT).text
    for ending in ("", "/rows", ".csv", ".json"):
        assert as_stranger.get(f"/platform/audit{ending}").status_code == 403


def test_a_page_after_an_entry_of_another_tenant_is_not_there(
    as_stranger, owner, events
):
    theirs = audit.events(owner).events[0].id

    assert as_stranger.get(f"/t/other-ltd/audit?after={theirs}").status_code == 404
