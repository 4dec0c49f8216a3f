"""Every page: read by its members, unknown to strangers, shut to who is nobody."""

from __future__ import annotations

import re

import pytest

from portal.services import senders
from tests.web.pages import HOSTILE, addresses, furnish

OF_TENANT = "/t/acme-inc/"
WAY_BACK = "/oauth/callback"  # from a consent, and a page of nothing else
OF_ADMINS = (
    "/senders/new",
    "/senders/hint",
    "/senders/find",
    "/secret",
)  # a viewer has nothing to do there
INLINE = re.compile(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|javascript:")
DOWNLOADS = (".csv", ".json", ".eml", "/frame")


@pytest.fixture
def world(make, owner):
    return furnish(make, owner)


def of_tenant(app, world) -> list[str]:
    return [p for p in addresses(app, world.ids) if p.startswith(OF_TENANT)]


def test_an_owner_sees_every_page(app, as_owner, world):
    """All of the tenant's, and people, tenants and platform."""
    paths = [p for p in addresses(app, world.ids) if p != WAY_BACK]

    answers = {path: as_owner.get(path).status_code for path in paths}

    assert {p: s for p, s in answers.items() if s not in (200, 303)} == {}
    assert as_owner.get(WAY_BACK).status_code == 404
    assert len(paths) > 20
    assert {p for p, s in answers.items() if s == 303} == {"/", "/sign-in"}


def test_a_viewer_reads_the_pages_of_the_tenant(app, as_viewer, world):
    paths = [p for p in of_tenant(app, world) if not _for_admins(p)]

    answers = {path: as_viewer.get(path).status_code for path in paths}

    assert {p: s for p, s in answers.items() if s != 200} == {}


@pytest.mark.parametrize("path", ["/people", "/tenants", "/platform"])
def test_a_viewer_is_told_that_a_page_is_not_theirs(as_viewer, path: str):
    answer = as_viewer.get(path)

    assert answer.status_code == 403
    assert "This is not yours to do" in answer.text


def test_a_stranger_finds_no_page_of_the_tenant(app, as_stranger, world):
    """404 as for a tenant that does not exist: the answer is the same."""
    answers = {path: as_stranger.get(path) for path in of_tenant(app, world)}

    assert {p: a.status_code for p, a in answers.items() if a.status_code != 404} == {}
    missing = as_stranger.get("/t/never-was/").text
    found = answers[OF_TENANT].text
    assert found.replace("acme-inc", "x") == missing.replace("never-was", "x")


def test_a_stranger_changes_nothing_of_the_tenant(app, as_stranger, world):
    paths = addresses(app, world.ids, "POST")
    ours = [path for path in paths if path.startswith(OF_TENANT)]

    answers = {path: as_stranger.post(path).status_code for path in ours}

    assert set(answers.values()) == {404}
    assert len(ours) > 5


def test_ids_of_another_tenant_are_not_found_in_ones_own(app, as_stranger, world):
    """Their slug, our ids: no row crosses tenants."""
    ids = world.ids | {"slug": "other-ltd"}
    named = [
        path
        for path in addresses(app, ids)
        if any(world.ids[k] in path for k in ("message_id", "capture_id", "sender_id"))
    ]

    answers = {path: as_stranger.get(path).status_code for path in named}

    assert set(answers.values()) == {404}
    assert len(named) > 5


def test_nobody_is_led_to_the_door_from_everywhere(app, nobody, world):
    closed = [p for p in addresses(app, world.ids) if p not in ("/sign-in", "/")]

    answers = {path: nobody.get(path) for path in closed}

    doors = {a.headers.get("Location", "").split("?")[0] for a in answers.values()}
    assert doors == {"/sign-in"}


def test_a_viewer_may_change_nothing(app, as_viewer, world):
    """Every form that posts is refused but those of their own account, and one that
    explains what is pasted and keeps nothing."""
    theirs = ("/sign-", "/account/", "/explain")
    ours = [p for p in addresses(app, world.ids, "POST") if not p.startswith(theirs)]

    answers = {path: as_viewer.post(path).status_code for path in ours}

    assert {p: s for p, s in answers.items() if s != 403} == {}


def test_a_viewer_is_not_shown_what_they_may_not_do(app, as_viewer, world):
    """No form that posts stands on a viewer's page but the one that signs out."""
    found = {}
    for path in of_tenant(app, world):
        if not _for_admins(path) and not path.endswith(DOWNLOADS):
            page = as_viewer.get(path).text
            found[path] = set(
                re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', page)
            )

    assert {p: f - {"/sign-out"} for p, f in found.items() if f - {"/sign-out"}} == {}


def test_no_page_has_a_style_or_a_script_within(app, as_owner, world):
    """The policy forbids both; a page that needs them is broken."""
    pages = [p for p in addresses(app, world.ids) if not p.endswith(DOWNLOADS)]

    found = {path: INLINE.findall(as_owner.get(path).text) for path in pages}

    assert {p: f for p, f in found.items() if f} == {}


def test_the_words_of_a_relay_and_of_a_caller_are_escaped(app, make, as_owner, owner):
    """A subject, a reply, a diagnosis and a name that are markup stay text."""
    world = furnish(make, owner, subject=HOSTILE)

    pages = [p for p in addresses(app, world.ids) if not p.endswith(DOWNLOADS)]
    found = {path: as_owner.get(path).text for path in pages}

    assert [path for path, page in found.items() if "<script>alert" in page] == []
    told = [path for path, page in found.items() if "&lt;script&gt;alert" in page]
    assert f"{OF_TENANT}messages" in told
    assert OF_TENANT in told


def test_every_page_says_who_carries_the_mail(app, as_owner, world, owner):
    route = senders.route_now(owner.installation, owner.here.id)
    paths = [p for p in addresses(app, world.ids) if p != WAY_BACK]
    answers = {path: as_owner.get(path).text for path in paths}
    pages = {path: page for path, page in answers.items() if "<main" in page}

    assert [p for p, page in pages.items() if "Mail goes through" not in page] == []
    assert [p for p, page in pages.items() if route.label not in page] == []
    assert len(pages) > 12


def test_the_side_bar_names_pages_that_exist(app, as_owner, world):
    page = as_owner.get(OF_TENANT).text
    side = page.split('<aside class="side"')[1].split("</aside>")[0]
    hrefs = set(re.findall(r'href="([^"]+)"', side))

    answers = {href: as_owner.get(href).status_code for href in hrefs}

    assert {h: s for h, s in answers.items() if s != 200} == {}
    assert len(hrefs) >= 9


def _for_admins(path: str) -> bool:
    return any(part in path for part in OF_ADMINS)
