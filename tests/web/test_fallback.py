"""The platform default stands in for a sender: said on every page, ended by people."""

from __future__ import annotations

import dataclasses

import pytest

from portal.app import create_app
from portal.config import DefaultSender
from portal.secret import Secret
from portal.services.senders.routing import route_now
from portal.services.senders.sealing import Stamp, seal_secrets
from portal.store.fields import now
from portal.store.models import Route
from tests.browsing import Visitor
from tests.web.pages import addresses, furnish

END = "/t/acme-inc/fallback/end"
WHY = {
    "title": "The relay refuses this user name and password",
    "cause": "auth_bad_credentials",
    "relay": "smtp.example.org:587",
    "failures": 5,
}


@pytest.fixture
def installation(installation):
    default = DefaultSender(
        host="127.0.0.1",
        port=25,
        security="none",
        username=None,
        password=None,
        from_address="noreply@platform.example",
    )
    settings = dataclasses.replace(installation.settings, default_sender=default)
    return dataclasses.replace(installation, settings=settings)


@pytest.fixture
def world(make, owner):
    return furnish(make, owner)


@pytest.fixture
def stood_in(world, owner):
    """As the engine leaves it after failures in a row, with the password refused."""
    password, stamps = Secret("revoked"), {"password": Stamp(at=now(), by=None)}
    vault = owner.installation.vault
    seal_secrets(vault, world.version, {"password": password}, stamps)
    Route.update(
        active_version=None,
        fallback_version_id=world.version.id,
        fallback_at=now(),
        fallback_why=WHY,
        probe_at=now(),
        fence=Route.fence + 1,
    ).where(Route.tenant == owner.here.id).execute()
    return world.version.sender


def test_every_page_of_the_tenant_says_so(app, as_owner, world, stood_in):
    paths = [p for p in addresses(app, world.ids) if p.startswith("/t/acme-inc/")]
    answers = {path: as_owner.get(path).text for path in paths}
    pages = {path: page for path, page in answers.items() if "<main" in page}

    without = [path for path, page in pages.items() if "since <time" not in page]

    assert without == []
    assert len(pages) > 8
    page = pages["/t/acme-inc/"]
    assert f"<bdi>{stood_in.name}</bdi> failed 5 times in a row" in page
    assert WHY["title"] in page
    assert f"in place of {stood_in.name}" in page
    assert "not in use yet" not in page


def test_no_banner_where_nothing_stands_in(as_owner, world):
    assert "since <time" not in as_owner.get("/t/acme-inc/").text


@pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])
def test_an_admin_goes_back_at_once(
    as_admin, admin, stood_in, installation, htmx: bool
):
    as_admin.get("/t/acme-inc/")

    answer = as_admin.post(END, htmx=htmx)

    to = answer.headers["HX-Redirect" if htmx else "Location"]
    assert (answer.status_code, to) == (200 if htmx else 303, "/t/acme-inc/")
    route = route_now(installation, admin.here.id)
    assert (route.label, route.stands_in) == (stood_in.name, None)
    page = as_admin.get(to).text
    assert f"Mail goes through “{stood_in.name}” again from now on." in page
    assert "since <time" not in page


def test_a_second_wish_changes_nothing(as_admin, stood_in):
    as_admin.get("/t/acme-inc/")
    as_admin.post(END)
    as_admin.get("/t/acme-inc/")

    assert "nothing stood in for it" in as_admin.follow(END)


def test_a_viewer_reads_it_and_a_stranger_does_not(
    app, as_viewer, as_stranger, admin, stood_in, installation
):
    page = as_viewer.get("/t/acme-inc/").text

    assert "since <time" in page
    assert f'action="{END}"' not in page
    assert as_viewer.post(END).status_code == 403
    assert as_stranger.post(END).status_code == 404
    assert route_now(installation, admin.here.id).stands_in is not None


def test_its_sender_says_that_it_is_stood_in_for(as_admin, stood_in):
    """In the list and on its page, where it can be stopped for good."""
    at = f"/t/acme-inc/senders/{stood_in.public_id}"

    assert "Platform stands in" in as_admin.get("/t/acme-inc/senders").text
    page = as_admin.get(at).text
    assert "Platform stands in" in page
    assert 'id="stop"' in page
    after = as_admin.follow(f"{at}/disable", {"at": "connection"})
    assert "no longer used. Mail goes through the platform default from" in after
    assert "since <time" not in after


def test_using_a_sender_takes_the_banner_away(installation, admin, stood_in):
    """Where htmx swaps one part of the page, the banner follows."""
    visitor = Visitor(create_app(installation=installation), admin)
    at = f"/t/acme-inc/senders/{stood_in.public_id}/versions"
    visitor.get(at)

    answer = visitor.post(f"{at}/1/use", htmx=True)

    assert '<div id="fallback" hx-swap-oob="outerHTML"></div>' in answer.text
