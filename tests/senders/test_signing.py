"""A signature of our own: its key is made once, sealed, and kept while it may be."""

from __future__ import annotations

import pytest

from portal.crypto.signing import algorithm_of, new_key
from portal.errors import Invalid
from portal.services import senders
from portal.services.senders.carrying import carrier, identity, signed_identity
from portal.services.senders.sealing import open_secrets
from portal.services.senders.signature import dkim_record
from portal.store.models import SenderVersion

SIGNING = {"domain": "example.org", "selector": "portal"}


def key_of(actor) -> str:
    version = SenderVersion.select().order_by(SenderVersion.id.desc()).first()
    opened = open_secrets(actor.installation.vault, version)
    return opened["dkim_signing.key"].reveal()


@pytest.mark.parametrize("algorithm", ["rsa", "ed25519"])
def test_the_first_save_makes_a_key_and_tells_its_record(admin, save, algorithm):
    saved = save(admin, dkim_signing={**SIGNING, "algorithm": algorithm})

    record = dkim_record(admin, saved.id)

    assert record.name == "portal._domainkey.example.org"
    assert record.value.startswith(f"v=DKIM1; k={algorithm}; p=")
    assert algorithm_of(key_of(admin)) == algorithm


def test_rsa_is_the_default_and_the_domain_that_of_the_from_address(admin, save):
    save(admin, dkim_signing={"selector": "Portal", "domain": ""})

    signing = senders.sender(admin, senders.senders(admin)[0].id).fields.dkim_signing
    assert (signing.domain, signing.selector) == ("example.org", "portal")
    assert algorithm_of(key_of(admin)) == "rsa"


def test_the_key_stays_while_domain_selector_and_algorithm_do(admin, save):
    ed25519 = {**SIGNING, "algorithm": "ed25519"}
    sender_id = save(admin, dkim_signing=ed25519).id
    first = key_of(admin)

    save(admin, sender_id=sender_id, dkim_signing=ed25519, from_name="Other", port=2525)
    assert key_of(admin) == first

    seen = {first}
    for change in (
        {"selector": "portal2"},
        {"selector": "portal2", "domain": "mail.example.org"},
        {"selector": "portal2", "domain": "mail.example.org", "algorithm": "rsa"},
    ):
        save(admin, sender_id=sender_id, dkim_signing={**ed25519, **change})
        seen.add(key_of(admin))
    assert len(seen) == 4


def test_a_key_may_be_brought_along(admin, save):
    own = new_key("ed25519")

    save(admin, dkim_signing={**SIGNING, "algorithm": "ed25519", "key": own})

    assert key_of(admin) == own


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"selector": ""}, "dkim_signing.selector"),
        ({"selector": "a b"}, "dkim_signing.selector"),
        ({"domain": "not a domain"}, "dkim_signing.domain"),
        ({"algorithm": "dsa"}, "dkim_signing.algorithm"),
        ({"key": "nonsense"}, "dkim_signing.key"),
        ({"key": "ed25519"}, "dkim_signing.key"),
        ({"bits": 1024}, "dkim_signing.bits"),
    ],
)
def test_each_fault_stands_at_its_own_field(validate, form, change, field):
    if change.get("key") == "ed25519":
        change = {"key": new_key("ed25519")}

    with pytest.raises(Invalid) as refused:
        validate(form(dkim_signing={**SIGNING, **change}))

    assert [each.field for each in refused.value.errors] == [field]


def test_a_domain_that_does_not_align_is_noted_and_not_refused(admin, save):
    for domain, noted in (
        ("example.org", False),
        ("mail.example.org", False),
        ("example.net", True),
        ("evilexample.org", True),
    ):
        name = f"for {domain}"
        saved = save(admin, name=name, dkim_signing={**SIGNING, "domain": domain})
        found = [each for each in saved.notes if each.field == "dkim_signing.domain"]
        assert bool(found) is noted, domain


def test_only_who_sends_opens_the_key(admin, save, installation):
    save(admin, activate=True, dkim_signing=SIGNING)
    version = SenderVersion.get()
    where = (installation, "sender", version.id)

    shown = identity(*where, tenant_id=admin.here.id)
    sending = signed_identity(*where, tenant_id=admin.here.id)

    assert shown.signing is None
    assert sending.signing.selector == "portal"
    assert sending.signing.key.reveal() == key_of(admin)
    assert carrier(*where, tenant_id=admin.here.id).identity == sending
    assert key_of(admin) not in repr(sending)


def test_without_a_signature_no_key_is_made_and_none_is_kept(admin, save):
    sender_id = save(admin, dkim_signing=SIGNING).id

    save(admin, sender_id=sender_id)

    assert set(senders.sender(admin, sender_id).secrets) == {"password"}
    assert dkim_record(admin, sender_id) is None


def test_a_stranger_gets_no_record(admin, stranger, save):
    sender_id = save(admin, dkim_signing=SIGNING).id

    with pytest.raises(Exception, match="no such sender"):
        dkim_record(stranger, sender_id)


@pytest.mark.parametrize("number", [1, "1000", None])
def test_fallback_is_a_number_of_failures(validate, form, number):
    assert validate(form(fallback_after=number)).fallback_after == (
        int(number) if number else None
    )
