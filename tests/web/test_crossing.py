"""No other site acts for the person at the screen."""

from __future__ import annotations

import dataclasses
import re

import pytest

from portal.app import create_app
from portal.services import keys
from tests.browsing import Visitor

KEYS = "/t/acme-inc/keys"
FORM = {"name": "ops", "scopes": "send"}


@pytest.mark.parametrize("token", ["", "made-up"])
@pytest.mark.parametrize("htmx", [False, True])
def test_a_post_without_the_sessions_token_is_refused(
    as_owner, owner, token: str, htmx: bool
):
    as_owner.token = token

    answer = as_owner.post(KEYS, FORM, htmx=htmx)

    assert answer.status_code == 403
    assert keys.keys(owner) == []


def test_the_token_of_another_session_does_not_do(app, as_owner, admin, owner):
    as_owner.token = Visitor(app, admin).token

    assert as_owner.post(KEYS, FORM).status_code == 403
    assert keys.keys(owner) == []


def test_the_header_that_htmx_inherits_is_enough(as_owner, owner):
    header = {"X-CSRF-Token": as_owner.token}
    as_owner.token = ""

    answer = as_owner.post(KEYS, FORM, htmx=True, headers=header)

    assert answer.status_code == 200
    assert [key.name for key in keys.keys(owner)] == ["ops"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    ],
)
def test_a_form_on_another_site_is_refused_with_the_right_token(
    as_owner, owner, headers
):
    assert as_owner.post(KEYS, FORM, headers=headers).status_code == 403
    assert keys.keys(owner) == []


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}, {}],
)
def test_a_form_of_ours_is_taken(as_owner, headers):
    assert as_owner.post(KEYS, FORM, headers=headers).status_code == 303


def test_signing_in_is_guarded_too(nobody, owner):
    """Else somebody could be signed in as another without knowing."""
    nobody.get("/sign-in")
    good = nobody.token

    for token, headers in (("", {}), (good, {"Sec-Fetch-Site": "cross-site"})):
        nobody.token = token
        answer = nobody.post(
            "/sign-in", {"email": "owner@example.org"}, headers=headers
        )
        assert answer.status_code == 403


def test_every_page_that_changes_something_is_guarded(app, as_owner):
    """Each POST of each blueprint of ours, with the right cookie and no token."""
    as_owner.token = ""
    refused = {}
    for rule in app.url_map.iter_rules():
        if "POST" in (rule.methods or ()) and _is_page(app, rule.endpoint):
            path = re.sub(r"<int:\w+>", "1", rule.rule.replace("<slug>", "acme-inc"))
            path = re.sub(r"<\w+>", "x", path)
            refused[path] = as_owner.post(path).status_code

    assert {path: status for path, status in refused.items() if status != 403} == {}
    assert len(refused) > 10


def test_no_page_changes_anything_by_get(app):
    """A page that is asked for with GET answers GET alone."""
    both = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if _is_page(app, rule.endpoint) and {"GET", "POST"} <= (rule.methods or set())
    ]

    assert both == []


def test_under_another_name_no_page_answers(installation, owner):
    """DNS rebinding: somebody points a name of theirs at this portal."""
    settings = dataclasses.replace(
        installation.settings, base_url="http://portal.example.org:8025"
    )
    app = create_app(installation=dataclasses.replace(installation, settings=settings))
    client = app.test_client()

    rebound = client.get("/sign-in", base_url="http://evil.example:8025")
    right = client.get("/sign-in", base_url="http://portal.example.org:8025")
    loopback = client.get("/sign-in", base_url="http://127.0.0.1:8025")

    assert rebound.status_code == 403
    assert right.status_code == loopback.status_code == 200


def _is_page(app, endpoint: str) -> bool:
    view = app.view_functions[endpoint]
    return str(view.__module__).startswith("portal.web")
