"""`portal try --auth oauth2`: token server and relay are real, and on loopback."""

from __future__ import annotations

import base64

import pytest

from tests.cli.oauth_words import (
    BY_JWT,
    BY_REFRESH,
    BY_SECRET,
    FIXED,
    READY,
    STARTTLS,
    USER,
    asking,
    client,
    step,
)


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
@pytest.mark.parametrize("by", [BY_SECRET, BY_REFRESH, BY_JWT])
def test_every_grant_sends_by_every_mechanism(told, relay, server, by, mechanism):
    """The token stage stands before AUTH and tells whom the token is for."""
    known = () if by is BY_JWT else client(server)
    words = asking(server, *known, *by, "--mechanism", mechanism.lower())

    status, found = told(relay.port, *words, **STARTTLS)

    assert (status, found["outcome"]) == (0, "sent"), found
    stages = [each["stage"] for each in found["steps"]]
    assert stages.index("oauth_token") + 1 == stages.index("auth")
    asked = step(found, "oauth_token")
    assert asked["status"] == "ok"
    assert server.audience in asked["said"]
    assert relay.log_ons == [(USER, mechanism)]
    assert len(server.asked) == 1


def test_subject_user_alone_names_the_mailbox(told, relay, server):
    """A service account acts for it; nobody types it twice."""
    words = asking(server, *BY_JWT, user=None)

    status, _ = told(relay.port, *words, **STARTTLS)

    assert (status, relay.log_ons[0][0]) == (0, USER)


def test_the_files_say_which_grant_is_meant(told, relay, server):
    for by in (BY_SECRET[:2], BY_REFRESH):
        told(relay.port, *asking(server, *client(server), *by), **STARTTLS)
    told(relay.port, *asking(server, *BY_JWT), **STARTTLS)

    assert [each["grant_type"].rpartition(":")[2] for each in server.asked] == [
        "client_credentials",
        "refresh_token",
        "jwt-bearer",
    ]


def test_a_ready_token_asks_nobody(told, relay, server):
    status, found = told(relay.port, *FIXED, *READY, **STARTTLS)

    assert (status, found["outcome"]) == (0, "sent")
    assert step(found, "oauth_token")["status"] == "ok"
    assert server.asked == []


def test_a_token_server_of_the_same_authority_is_asked_over_https(
    told, relay, server, token_server, authority
):
    """--ca-file is for the token end point too."""
    secure = token_server(
        tls=authority.contexts["good"], issued=server.issued, key=server.key
    )
    words = asking(secure, *client(secure), *BY_SECRET)

    assert told(relay.port, *words, **STARTTLS)[0] == 0
    distrusting = [word for word in words if word not in ("--ca-file", "ca.pem")]
    status, found = told(relay.port, *distrusting, **STARTTLS)
    assert (status, found["stage"]) == (1, "starttls")


def test_a_public_client_has_no_secret(told, relay, server):
    server.client_secret = None
    words = asking(server, *client(server), *BY_REFRESH[2:])

    assert told(relay.port, *words, **STARTTLS)[0] == 0
    assert "client_secret" not in server.asked[0]


def test_a_refused_token_is_refreshed_once(told, relay, server):
    """Given both: 535, one question, AUTH again on the same connection."""
    server.revoke()
    words = asking(server, *client(server), *BY_REFRESH, *READY[2:])

    status, found = told(relay.port, *words, **STARTTLS)

    assert (status, found["outcome"]) == (0, "sent"), found
    assert len(server.asked) == 1
    assert len(relay.log_ons) == 2
    assert [each["stage"] for each in found["steps"]].count("auth") == 1


def test_a_second_refusal_is_the_end(told, relay, server):
    """The new token is refused too: no third try locks the mailbox."""
    server.user = "other@peer.example"
    server.revoke()
    words = asking(server, *client(server), *BY_REFRESH, *READY[2:])

    status, found = told(relay.port, *words, **STARTTLS)

    assert (status, found["stage"]) == (1, "auth")
    assert found["diagnosis"]["cause"] == "oauth_token_expired"
    assert (len(server.asked), len(relay.log_ons)) == (1, 2)


def test_a_new_refresh_token_takes_the_place_of_the_old_one(
    portal_try, relay, server, files
):
    """It works no more: without this the next try would need a new consent."""
    server.rotates = True
    (files / "refresh").chmod(0o600)
    words = asking(server, *client(server), *BY_REFRESH)

    done = [portal_try(relay.port, *words, **STARTTLS) for _ in range(2)]

    assert [each.exit_code for each in done] == [0, 0]
    assert "refresh holds the new one" in done[0].stderr
    kept = (files / "refresh").read_text().strip()
    assert set(server.refresh_tokens) == {kept}
    assert (files / "refresh").stat().st_mode & 0o777 == 0o600
    assert kept not in done[1].output


@pytest.mark.parametrize("ends_well", [True, False])
@pytest.mark.parametrize("as_json", [True, False])
def test_no_secret_shows_in_any_output(portal_try, relay, server, as_json, ends_well):
    """Neither client secret nor tokens, in no form in which they travel."""
    if not ends_well:
        relay.scope = "another"
    words = asking(server, *client(server), *BY_REFRESH)

    done = portal_try(relay.port, *words, *(["--json"] if as_json else []), **STARTTLS)

    assert done.exit_code == (0 if ends_well else 1)
    secrets = [server.client_secret, *server.refresh_tokens, *server.issued]
    for secret in secrets:
        assert secret not in done.output
        assert base64.b64encode(secret.encode()).decode() not in done.output
        assert secret.rpartition(".")[2] not in done.output


def test_people_read_the_token_stage(portal_try, relay, server):
    words = asking(server, *client(server), *BY_SECRET)

    done = portal_try(relay.port, *words, **STARTTLS)

    line = next(each for each in done.stdout.splitlines() if "oauth_token" in each)
    assert line.startswith("ok")
    assert "smtp.send" in line
    assert "Accepted by 127.0.0.1" in done.stdout
