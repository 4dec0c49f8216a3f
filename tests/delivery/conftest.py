"""A relay and the token server whose tokens it takes."""

from __future__ import annotations

import pytest


@pytest.fixture
def office(token_server, oauth_sink, authority):
    """`office(mechanisms=("OAUTHBEARER",))`: the server, and its relay."""

    def open_(**values):
        server = token_server()
        relay = oauth_sink(tokens=server, starttls=authority.contexts["good"], **values)
        return server, relay

    return open_
