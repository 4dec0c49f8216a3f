"""A client certificate of a sender: uploaded, checked at once, and kept with its key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509 import load_pem_x509_certificate

from portal.errors import Invalid
from portal.secret import Secret
from portal.services import overview, senders
from portal.services.senders.advice import notes
from portal.services.senders.certificates import What, expiring
from portal.services.senders.making import relay_of
from portal.store.models import SenderVersion
from tests.relays.certificates import Authority, Client

ALONE = {"auth": "client_cert", "username": None, "password": None}


@pytest.fixture(scope="module")
def client(authority: Authority) -> Client:
    return authority.clients["good"]


def pem(client: Client) -> dict[str, str]:
    return {"client_cert": client.certificate, "client_key": client.key}


def encrypted(client: Client) -> bytes:
    key = load_pem_private_key(client.key.encode(), None)
    return key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"open sesame")
    )


def packed(client: Client) -> bytes:
    return pkcs12.serialize_key_and_certificates(
        b"portal",
        load_pem_private_key(client.key.encode(), None),
        load_pem_x509_certificate(client.certificate.encode()),
        None,
        BestAvailableEncryption(b"open sesame"),
    )


def faults(validate, values, **more) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        validate(values, **more)
    return {each.field: each.detail for each in refused.value.errors}


def test_the_relay_gets_certificate_and_key(validate, form, client, installation):
    fields = validate(form(**ALONE, **pem(client)))

    relay = relay_of(installation, fields)

    assert relay.client_cert == client.certificate
    assert relay.client_key.reveal().startswith("-----BEGIN PRIVATE KEY-----")
    assert (relay.username, relay.password) == (None, None)
    assert "PRIVATE KEY" not in str(fields.settings()) + repr(fields) + repr(relay)


def test_it_goes_with_a_password_too(validate, form, client, installation):
    relay = relay_of(installation, validate(form(**pem(client))))

    assert relay.client_cert
    assert relay.client_key
    assert relay.password == Secret("open sesame")


def test_every_kind_of_file_becomes_plain_pem(validate, form, client):
    typed = validate(form(**ALONE, **pem(client)))
    uploads = (
        {
            "client_cert_file": client.certificate.encode(),
            "client_key_file": encrypted(client),
            "client_passphrase": "open sesame",
        },
        {"client_cert_file": packed(client), "client_passphrase": "open sesame"},
        {"client_cert_file": (client.certificate + client.key).encode()},
    )
    for upload in uploads:
        fields = validate(form(**ALONE, **upload))
        assert fields.client_cert == typed.client_cert
        assert fields.secrets == typed.secrets


@pytest.mark.parametrize(
    ("name", "passphrase", "said"),
    [
        ("key", "", "passphrase"),
        ("key", "wrong", "passphrase"),
        ("packed", "", "passphrase"),
        ("packed", "wrong", "passphrase"),
    ],
)
def test_what_is_encrypted_asks_for_its_passphrase(
    validate, form, client, name, passphrase, said
):
    key = {
        "client_cert_file": client.certificate.encode(),
        "client_key_file": encrypted(client),
    }
    upload = key if name == "key" else {"client_cert_file": packed(client)}

    found = faults(validate, form(**ALONE, **upload, client_passphrase=passphrase))

    assert list(found) == ["client_cert"]
    assert said in found["client_cert"]


@pytest.mark.parametrize("which", ["expired", "early"])
def test_one_that_is_not_in_date_is_refused(validate, form, authority, which):
    found = faults(validate, form(**ALONE, **pem(authority.clients[which])))

    assert list(found) == ["client_cert"]


def test_certificate_and_key_belong_together(validate, form, authority, client):
    other = authority.clients["stranger"]
    mixed = {"client_cert": client.certificate, "client_key": other.key}

    assert list(faults(validate, form(**ALONE, **mixed))) == ["client_cert"]
    for name in ("client_cert", "client_key"):
        alone = {name: pem(client)[name]}
        assert faults(validate, form(**ALONE, **alone))


def test_a_certificate_is_never_shown_in_clear(validate, form, client):
    found = faults(validate, form(**ALONE, **pem(client), security="none"))

    assert list(found) == ["security"]


def test_only_external_goes_with_a_certificate_alone(validate, form, client):
    values = form(**ALONE, **pem(client))

    assert validate({**values, "mechanism": "external"}).mechanism == "EXTERNAL"
    assert list(faults(validate, {**values, "mechanism": "PLAIN"})) == ["mechanism"]


def test_the_key_stays_while_the_certificate_does(admin, save, authority, client):
    sender_id = save(admin, **ALONE, **pem(client)).id

    save(admin, sender_id=sender_id, **ALONE, client_cert=client.certificate)
    kept = senders.sender(admin, sender_id)
    with pytest.raises(Invalid) as refused:
        other = authority.clients["stranger"].certificate
        save(admin, sender_id=sender_id, **ALONE, client_cert=other)

    assert set(kept.secrets) == {"client_key"}
    assert [each.field for each in refused.value.errors] == ["client_key"]


def test_a_new_certificate_replaces_the_old_one_with_its_key(
    admin, save, authority, client
):
    sender_id = save(admin, **ALONE, **pem(client)).id
    fresh = authority.clients["stranger"]

    senders.save(
        admin,
        sender_id=sender_id,
        values={**pem(fresh), "host": "evil.example"},
        activate=False,
        replace_secret=True,
    )

    fields = senders.sender(admin, sender_id).fields
    assert fields.client_cert == fresh.certificate
    assert fields.host == "smtp.example.org"


def test_one_that_ends_soon_is_told_beside_its_field_and_on_the_overview(
    admin, viewer, stranger, save, soon, client
):
    saved = save(admin, **ALONE, **pem(soon), ca=client.certificate)

    (found,) = expiring(viewer)

    assert [each.field for each in saved.notes if "expires" in each.detail] == [
        "client_cert"
    ]
    assert (found.what, found.sender) == (What.CLIENT_CERTIFICATE, "Acme mail")
    assert (found.active, found.expired) == (False, False)
    assert overview.overview(viewer).expiring == (found,)
    assert expiring(stranger) == ()


def test_one_that_has_ended_is_listed_for_the_version_that_carries(
    admin, save, authority, client
):
    saved = save(admin, activate=True, **ALONE, **pem(client))
    version = SenderVersion.get()
    old = authority.clients["expired"].certificate
    changed = {**version.settings, "client_cert": old}
    SenderVersion.update(settings=changed).execute()
    save(admin, sender_id=saved.id)

    (found,) = expiring(admin)

    assert (found.version, found.active, found.expired) == (1, True, True)


def test_an_authority_that_ends_soon_is_listed_too(admin, save, soon):
    save(admin, ca=soon.certificate)

    assert [each.what for each in expiring(admin)] == [What.AUTHORITY]


@pytest.fixture
def soon() -> Client:
    """Good for ten days more."""
    import trustme

    from tests.relays.certificates import _client

    ends = datetime.now(UTC) + timedelta(days=10)
    return _client(trustme.CA(), not_after=ends)


def test_no_note_without_a_reason(validate, form, client):
    noted = notes(validate(form(**ALONE, **pem(client))), None)

    assert not [each for each in noted if "expires" in each.detail]
