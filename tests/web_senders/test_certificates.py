"""Client certificates: looked at when chosen, tested, saved, kept, replaced."""

from __future__ import annotations

import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    load_pem_private_key,
    pkcs12,
)

from portal.services.senders.sealing import open_secrets
from portal.store.models import LiveTest, SenderVersion
from tests.web_senders.asking import certified, upload
from tests.web_senders.conftest import BASE, NEW, SECRET, START
from tests.web_senders.reading import chosen, rungs, words

CHECK = f"{BASE}/certificate"


@pytest.fixture
def client(authority):
    return authority.clients["good"]


@pytest.fixture
def sent(form, client, authority):
    """`sent(port=…)`: the form with two files; a file is read once, so anew each."""

    def build(**changes: object) -> dict[str, object]:
        given = certified(client, authority) | changes
        files = {name: each for name, each in given.items() if isinstance(each, tuple)}
        plain = {name: each for name, each in given.items() if name not in files}
        return {**form(**plain), **files}

    return build


@pytest.fixture
def relay(oauth_sink, authority):
    """Ends the handshake without a certificate that it knows."""
    return oauth_sink(
        starttls=authority.contexts["demands"],
        mechanisms=("EXTERNAL",),
        certificates={"app.peer.example": "app"},
    )


def stored() -> SenderVersion:
    return SenderVersion.select().order_by(SenderVersion.id.desc()).first()


def container(client, passphrase: bytes) -> bytes:
    key = load_pem_private_key(client.key.encode(), None)
    leaf = x509.load_pem_x509_certificate(client.certificate.encode())
    return pkcs12.serialize_key_and_certificates(
        b"app", key, leaf, None, BestAvailableEncryption(passphrase)
    )


@pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])
def test_a_certificate_is_looked_at_when_it_is_chosen(as_admin, sent, htmx: bool):
    """Whose it is, from whom, until when; the key is not shown and nothing kept."""
    answer = as_admin.post(CHECK, sent(), htmx=htmx)

    assert answer.status_code == 200
    assert ("<html" in answer.text) is not htmx
    assert "CN=app.peer.example" in answer.text
    assert "The key belongs to this certificate." in answer.text
    assert "PRIVATE KEY" not in answer.text
    assert LiveTest.select().count() == SenderVersion.select().count() == 0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"client_cert_file": None}, "Choose the file of the certificate."),
        ({"client_key_file": "other"}, "does not match the private key"),
        ({"client_cert_file": "expired"}, "The certificate expired on"),
        ({"client_cert_file": "text"}, "There is no certificate in this file."),
    ],
)
def test_what_is_wrong_with_a_file_is_a_sentence(
    as_admin, sent, authority, changes, sentence
):
    files = {
        "other": lambda: upload(authority.clients["stranger"].key, "k.pem"),
        "expired": lambda: upload(authority.clients["expired"].certificate, "c.pem"),
        "text": lambda: upload("good morning", "c.pem"),
    }
    if changes == {"client_cert_file": "expired"}:
        changes = {
            **changes,
            "client_key_file": upload(authority.clients["expired"].key, "k.pem"),
        }
    given = {
        name: files[each]() if isinstance(each, str) else each
        for name, each in changes.items()
    }

    answer = as_admin.post(CHECK, sent(**given), htmx=True)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert answer.text.lstrip().startswith(
        '<div class="stack" data-gap="s" id="checked"'
    )


def test_a_container_opens_with_its_passphrase_alone(as_admin, sent, client):
    def given(passphrase: str) -> dict[str, object]:
        return sent(
            client_cert_file=upload(container(client, b"open sesame"), "app.p12"),
            client_key_file=None,
            client_passphrase=passphrase,
        )

    right = as_admin.post(CHECK, given("open sesame"), htmx=True)
    wrong = as_admin.post(CHECK, given("open barley"), htmx=True)
    saved = as_admin.post(NEW, given("open sesame"))

    assert "CN=app.peer.example" in right.text
    assert "passphrase does not open" in wrong.text
    assert saved.status_code == 303, saved.text
    assert "BEGIN CERTIFICATE" in stored().settings["client_cert"]


def test_a_relay_that_demands_one_is_tested_with_it(
    as_admin, sent, relay, run_tests, installation
):
    """And a plain form saves it from the test, without a second upload."""
    answer = as_admin.post(START, sent(port=relay.port))
    run_tests()
    page = words(as_admin.get(answer.headers["Location"]).text)
    test = LiveTest.get()
    lent = {
        "client_cert_file": None,
        "client_key_file": None,
        "client_cert_choice": "lent",
        "test": test.public_id,
    }

    saved = as_admin.post(NEW, sent(port=relay.port, **lent))

    assert "A test message was accepted by 127.0.0.1" in page
    assert set(rungs(page).values()) == {"ok"}
    assert chosen(page, "client_cert_choice") == "lent"
    assert "CN=app.peer.example" in page
    assert saved.status_code == 303, saved.text
    assert stored().test_status == "sent"
    assert (
        "PRIVATE KEY"
        in open_secrets(installation.vault, stored())["client_key"].reveal()
    )


def test_a_refused_form_says_what_is_wrong_beside_the_file(as_admin, sent, authority):
    other = upload(authority.clients["stranger"].key, "other.key")

    answer = as_admin.post(NEW, sent(client_key_file=other))

    assert answer.status_code == 422
    assert 'id="client_cert_file-error"' in answer.text
    assert "does not match the private key" in answer.text


def test_a_saved_certificate_is_kept_and_its_key_never_shown(as_admin, sent):
    at = as_admin.post(NEW, sent()).headers["Location"]
    page = as_admin.get(at).text
    nothing = {"client_cert_file": None, "client_key_file": None}

    kept = as_admin.post(
        at, sent(**nothing, client_cert_choice="keep", from_name="Other")
    )

    assert "CN=app.peer.example" in page
    assert chosen(page, "client_cert_choice") == "keep"
    assert "PRIVATE KEY" not in page
    assert kept.status_code == 303, kept.text
    assert stored().number == 2
    assert "BEGIN CERTIFICATE" in stored().settings["client_cert"]


@pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])
def test_a_certificate_is_replaced_on_the_page_of_the_secret(
    as_admin, sent, authority, htmx: bool
):
    at = as_admin.post(NEW, sent()).headers["Location"]
    before = stored().settings["client_cert"]
    fresh = authority.clients["stranger"]
    files = {
        "client_cert_file": upload(fresh.certificate, "c.pem"),
        "client_key_file": upload(fresh.key, "k.pem"),
    }
    assert 'name="client_cert_file"' in as_admin.get(f"{at}/secret").text

    answer = as_admin.post(f"{at}/secret", files, htmx=htmx)

    assert answer.status_code == (200 if htmx else 303), answer.text
    assert stored().settings["client_cert"] != before


def test_a_password_may_go_beside_the_certificate(
    as_admin, sent, sink, authority, run_tests
):
    """It is the relay's map or EXTERNAL otherwise."""
    relay = sink(users={"kim": SECRET}, starttls=authority.contexts["demands"])
    beside = {
        "beside_cert": "with_password",
        "username": "kim",
        "password": SECRET,
        "port": relay.port,
    }

    answer = as_admin.post(START, sent(**beside, to="pat@example.com"))
    run_tests()
    page = words(as_admin.get(answer.headers["Location"]).text)

    assert "A test message was accepted by 127.0.0.1 for pat@example.com." in page
    assert relay.mails[0].user == "kim"
    assert chosen(page, "auth") == "client_cert"
    assert chosen(page, "beside_cert") == "with_password"
    assert chosen(page, "secret") == "lent"


def test_an_upload_is_limited(as_admin, sent):
    big = upload(b"x" * 300_000, "big.pem")

    assert as_admin.post(CHECK, sent(client_cert_file=big)).status_code == 413


def test_the_server_context_really_demands(authority):
    """Else the tests above would prove nothing."""
    assert authority.contexts["demands"].verify_mode is ssl.CERT_REQUIRED
