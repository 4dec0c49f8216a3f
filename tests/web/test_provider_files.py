"""A provider file that is left out is named where its operator looks."""

from __future__ import annotations

import dataclasses

from portal.app import create_app
from portal.providers.catalogue import Catalogue
from tests.browsing import Visitor


def test_the_platform_page_names_file_and_field(installation, owner, tmp_path):
    (tmp_path / "postmark.toml").write_text("[limits]\nmessage_size = 40\n")
    catalogue = Catalogue.load(tmp_path)
    app = create_app(
        installation=dataclasses.replace(installation, catalogue=catalogue)
    )

    page = Visitor(app, owner).get("/platform").text

    assert "Provider files" in page and "1 left out" in page
    assert "is left out: there is no key “limits.message_size”." in page


def test_nothing_is_said_where_every_file_is_understood(as_owner):
    assert "Provider files" not in as_owner.get("/platform").text
