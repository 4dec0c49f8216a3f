"""Each answer carries the security headers, and no page breaks them."""

from __future__ import annotations

import re

import pytest

from portal.services import captures
from portal.services.captures import Taken

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; frame-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
PAGES = ("/t/acme-inc/", "/t/acme-inc/messages/rows", "/nowhere", "/sign-in")


@pytest.mark.parametrize("path", PAGES)
def test_the_policy_stands_on_pages_fragments_and_errors(as_owner, path: str):
    headers = as_owner.get(path).headers

    assert headers["Content-Security-Policy"] == CSP
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "HX-Request" in headers["Vary"]
    assert "Strict-Transport-Security" not in headers  # this is http


def test_htmx_is_told_to_keep_nothing_and_to_stay_here(as_owner):
    page = as_owner.get("/t/acme-inc/").text
    config = re.search(r"<meta name=\"htmx-config\" content='([^']*)'", page)

    assert config
    assert '"includeIndicatorCSS": false' in config[1]
    assert '"mode": "same-origin"' in config[1]
    assert '"history": "reload"' in config[1]
    assert '"noSwap": [204, 304, "5xx"]' in config[1]


def test_a_captured_mail_is_shown_under_a_policy_of_its_own(as_owner, owner):
    """It may be framed by us; nothing in it runs, loads or submits."""
    kept = captures.keep(
        Taken(
            ehlo="x",
            reverse_path="a@example.org",
            recipients=("b@example.org",),
            content=b"Content-Type: text/html\r\n\r\n<script>alert(1)</script><b>hi</b>",
        )
    )

    answer = as_owner.get(f"/t/acme-inc/sandbox/{kept}/frame")

    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "frame-ancestors 'self'" in policy
    assert "script-src" not in policy
    assert answer.text.startswith("<script>alert(1)</script>")
    page = as_owner.get(f"/t/acme-inc/sandbox/{kept}").text
    assert f'sandbox src="/t/acme-inc/sandbox/{kept}/frame"' in page
    assert "<script>alert" not in page


def test_a_form_that_is_too_large_is_refused(as_owner):
    answer = as_owner.post("/t/acme-inc/keys", {"name": "x" * 300_000})

    assert answer.status_code == 413
    assert "256 KB" in answer.text


def test_a_crowd_of_form_parts_is_refused(as_owner):
    many = {f"field{n}": "x" for n in range(200)}

    answer = as_owner.client.post(
        "/t/acme-inc/keys",
        data={"csrf_token": as_owner.token, **many},
        content_type="multipart/form-data",
    )

    assert answer.status_code == 413
