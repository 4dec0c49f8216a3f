"""What a report is about, made of a sender's fields and of its provider's facts."""

from __future__ import annotations

import dataclasses

from portal.crypto.signing import new_key, public_record
from portal.secret import Secret
from portal.services.domains.subjects import about, subject_of
from portal.services.senders.fields import SIGNING_KEY, stored_fields
from portal.services.senders.sealing import Stamp, seal_secrets
from portal.store.fields import now


def subject(installation, version):
    return subject_of(installation, stored_fields(version.settings), version)


def test_three_domains_come_from_the_sender(make, owner, installation):
    version = make.sender(
        owner.here,
        provider="postmark",
        from_address="kim@shop.example",
        dkim={
            "selectors": ["pm"],
            "signing_domain": "mail.shop.example",
            "return_path": "bounce.shop.example",
        },
    )

    found = subject(installation, version)

    assert found.domain == "shop.example"
    assert found.signing_domain == "mail.shop.example"
    assert found.return_path == "bounce.shop.example"
    assert found.expectation.name == "Postmark"


def test_the_envelope_address_counts_where_the_provider_leaves_it(
    make, owner, installation
):
    """An own relay does; Postmark and Mailjet write their own over it."""
    values = {"from_address": "kim@shop.example", "mail_from": "b@bounce.shop.example"}
    own = make.sender(owner.here, **values)
    postmark = make.sender(owner.here, provider="postmark", **values)
    mailjet = make.sender(owner.here, provider="mailjet", **values)

    assert subject(installation, own).return_path == "bounce.shop.example"
    assert subject(installation, postmark).return_path is None
    assert subject(installation, mailjet).return_path is None


def test_our_own_key_is_what_has_to_be_published(make, owner, installation):
    """Its record is known here, so the page can show all of it."""
    key = new_key("rsa")
    version = make.sender(
        owner.here,
        from_address="kim@shop.example",
        dkim_signing={
            "domain": "shop.example",
            "selector": "portal",
            "algorithm": "rsa",
        },
    )
    stamp = Stamp(at=now(), by=None)
    secrets = {SIGNING_KEY: Secret(key)}
    seal_secrets(installation.vault, version, secrets, {SIGNING_KEY: stamp})

    found = subject(installation, version)

    assert found.selectors == ("portal",)
    assert found.expectation.dkim.values == {"portal": public_record(key)}
    assert found.expectation.dkim.targets == ()


def test_the_portals_addresses_stand_where_a_provider_asks_for_them(
    make, owner, installation
):
    """A connector of Microsoft 365 sees the portal; SPF is evaluated for it."""
    version = make.sender(owner.here, provider="microsoft365_connector")
    bare = subject(installation, version)
    settings = dataclasses.replace(
        installation.settings, egress_ips=("192.0.2.7", "2001:db8::7")
    )

    told = subject(dataclasses.replace(installation, settings=settings), version)

    assert bare.relay_ips == ()
    assert [str(ip) for ip in told.relay_ips] == ["192.0.2.7", "2001:db8::7"]


def test_addresses_that_no_receiver_sees_are_left_out(make, owner, installation):
    inner = ["10.1.2.3", "fd00::1", "127.0.0.1", "192.0.2.7"]
    version = make.sender(owner.here, relay_ips=inner)

    assert [str(ip) for ip in subject(installation, version).relay_ips] == ["192.0.2.7"]


def test_a_password_changes_nothing_and_a_selector_does(make, owner, installation):
    """Whether the last report still holds."""
    plain = stored_fields(make.sender(owner.here).settings)
    other = dataclasses.replace(plain, username="lee", name="Other")
    keyed = dataclasses.replace(
        plain, dkim=dataclasses.replace(plain.dkim, selectors=("s1",))
    )

    assert about(installation, plain) == about(installation, other)
    assert about(installation, plain) != about(installation, keyed)
