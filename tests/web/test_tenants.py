"""Tenants and the platform: the operator's pages."""

from __future__ import annotations

import dataclasses

import pytest

from portal.app import create_app
from portal.config import DefaultSender
from portal.secret import Secret
from portal.services import tenants
from tests.browsing import Visitor


def quotas(owner) -> dict[str, int | None]:
    return {each.ref.slug: each.quota for each in tenants.every(owner)}


@pytest.mark.parametrize("htmx", [False, True])
def test_a_tenant_is_added(as_owner, owner, htmx: bool):
    form = {"tenant": "Ostrava Clinics", "quota": "20,000"}
    page = as_owner.post("/tenants", form, htmx=True).text if htmx else ""
    page = page or as_owner.follow("/tenants", form)

    assert quotas(owner) == {"acme-inc": None, "ostrava-clinics": 20_000}
    assert "Its pages are at /t/ostrava-clinics/." in page
    assert ("<html" in page) is not htmx


@pytest.mark.parametrize("htmx", [False, True])
@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"tenant": "", "quota": ""}, "tenant"),
        ({"tenant": "Clinics", "quota": "many"}, "quota"),
        ({"tenant": "Clinics", "quota": "-1"}, "quota"),
        ({"tenant": "Clinics", "quota": "9" * 11}, "quota"),
    ],
)
def test_a_refused_tenant_has_its_sentence(as_owner, owner, form, field, htmx):
    answer = as_owner.post("/tenants", form, htmx=htmx)

    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert list(quotas(owner)) == ["acme-inc"]


@pytest.mark.parametrize("htmx", [False, True])
@pytest.mark.parametrize(("typed", "kept"), [("500", 500), ("", None)])
def test_a_quota_is_set_and_lifted(as_owner, owner, typed, kept, htmx):
    tenants.set_quota(owner, "acme-inc", 7)

    answer = as_owner.post("/tenants/acme-inc/quota", {"quota": typed}, htmx=htmx)

    assert answer.status_code == (200 if htmx else 303)
    assert quotas(owner) == {"acme-inc": kept}


def test_a_quota_that_is_no_number_leaves_the_old_one(as_owner, owner):
    tenants.set_quota(owner, "acme-inc", 7)

    answer = as_owner.post("/tenants/acme-inc/quota", {"quota": "lots"})

    assert answer.status_code == 422
    assert quotas(owner) == {"acme-inc": 7}


@pytest.mark.parametrize("path", ["/tenants", "/platform"])
def test_an_owner_who_is_no_operator_is_refused(as_stranger, path: str):
    """Owner of a tenant, and yet not of the installation."""
    assert as_stranger.get(path).status_code == 403


def test_the_platform_shows_the_default_sender_without_its_password(
    installation, owner
):
    sender = DefaultSender(
        host="relay.example.org",
        port=587,
        security="starttls",
        username="portal",
        password=Secret("hunter2-of-the-platform"),
        from_address="noreply@example.org",
        per_hour=300,
    )
    settings = dataclasses.replace(installation.settings, default_sender=sender)
    app = create_app(installation=dataclasses.replace(installation, settings=settings))

    page = Visitor(app, owner).get("/platform").text

    assert "relay.<wbr>example.<wbr>org" in page
    assert "300 mails an hour" in page
    assert "Acme Inc" in page
    assert "hunter2" not in page


def test_the_platform_tells_the_versions_and_the_key(both_databases, as_owner):
    page = as_owner.get("/platform").text

    name = {"sqlite": "SQLite 3.", "postgresql": "PostgreSQL 1"}[both_databases]
    assert name in page
    assert "PORTAL_RELAY_PORTS" in page
    assert "Beside the data" in page
