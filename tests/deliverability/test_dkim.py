"""DKIM keys of a sender: what a verifier makes of each record, and of them together."""

from __future__ import annotations

import asyncio
import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from portal.deliverability.asking import Asking
from portal.deliverability.dkim.judging import check_dkim
from portal.deliverability.dkim.key import read
from portal.deliverability.types import DkimExpected, Expectation, Status, Subject
from portal.net.records import NameServers
from tests.net.zones import Zones


def rsa_text(bits, form=PublicFormat.SubjectPublicKeyInfo):
    key = rsa.generate_private_key(65537, bits).public_key()
    return base64.b64encode(key.public_bytes(Encoding.DER, form)).decode()


GOOD = rsa_text(2048)
PKCS1 = rsa_text(2048, PublicFormat.PKCS1)
WEAK = rsa_text(1024)
SHORT = (  # 512 bits, by OpenSSL: the library makes no such keys
    "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAK3yhea23uH0j5NloOkY/QlLqPk5WRcIJcRC6Tl33l7G"
    "zHns+1bRH540+2MvyQMF9D2kJSfTvkD9UnNc6ykFe/UCAwEAAQ=="
)
EDWARDS = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="  # of RFC 8463 §A.2


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        (f"v=DKIM1; k=rsa; p={GOOD}", []),
        (f"p={GOOD}", []),
        (f"v=DKIM1; p={GOOD[:100]} {GOOD[100:]};", []),
        (f"v=DKIM1; k=rsa; p={PKCS1}", []),
        (f"v=DKIM1; k=ed25519; p={EDWARDS}", []),
        (f"v=DKIM1; t=s; p={GOOD}", []),
        (f"v=DKIM1; h=sha1:sha256; s=email; n=a note; p={GOOD}", []),
        (f"v=DKIM1; p={WEAK}", ["dkim_key_weak"]),
        (f"v=DKIM1; p={SHORT}", ["dkim_key_too_short"]),
        (f"v=DKIM1; t=y:s; p={GOOD}", ["dkim_test_mode"]),
        (f"v=DKIM1; h=sha1; p={GOOD}", ["dkim_sha1_only"]),
        (f"v=DKIM1; s=tlsrpt; p={GOOD}", ["dkim_service_type"]),
        ("v=DKIM1; k=rsa; p=", ["dkim_revoked"]),
        ("v=DKIM1; k=rsa;", ["dkim_syntax_error"]),
        (f"v=DKIM1; k=rsa; p={GOOD[:255]}", ["dkim_invalid_key"]),
        (f"v=DKIM1; p=-----BEGIN PUBLIC KEY-----{GOOD}", ["dkim_invalid_key"]),
        (f"v=DKIM1; k=ed25519; p={GOOD}", ["dkim_invalid_key"]),
        (f"v=DKIM1; k=dsa; p={GOOD}", ["dkim_invalid_key"]),
        (f"k=rsa; v=DKIM1; p={GOOD}", ["dkim_wrong_version"]),
        (f"v=DKIM2; p={GOOD}", ["dkim_wrong_version"]),
        (f"v=DKIM1; P={GOOD}", ["dkim_syntax_error"]),
        (f'"v=DKIM1; p={GOOD}"', ["dkim_syntax_error"]),
        (f"v=DKIM1\\; k=rsa\\; p={GOOD}", ["dkim_syntax_error"]),
        (f'v=DKIM1; p={GOOD[:99]}" "{GOOD[99:]}', ["dkim_syntax_error"]),
        (f"v=DKIM1; p={GOOD}; p={GOOD}", ["dkim_syntax_error"]),
    ],
)
def test_a_key_record(text, reasons):
    assert list(read(text).reasons) == reasons


def zone(*lines):
    made = []
    for line in lines:
        name, kind, value = line.split(None, 2)
        if kind == "TXT":
            value = " ".join(
                f'"{value[at : at + 200]}"' for at in range(0, len(value), 200)
            )
            value = value.replace(";", "\\;")
        made.append(f"{name} {kind} {value}")
    return {"shop.example": "\n".join(made), "post.example": f'key TXT "p={WEAK}"'}


ONE = Expectation(id="one", name="One", dkim=DkimExpected(selectors=("s1",)))
BOTH = Expectation(
    id="both",
    name="Both",
    dkim=DkimExpected(
        record_type="CNAME",
        selectors=("s1", "s2"),
        targets=("{selector}.{domain-with-dashes}.u{id}.post.example",),
        all_required=True,
        by_provider=True,
    ),
)
EITHER = Expectation(
    id="either", name="Either", dkim=DkimExpected(selectors=("s1", "s2"))
)
ASKED = Expectation(id="asked", name="Asked", dkim=DkimExpected(common=("k1", "mail")))
S1, S2 = "s1._domainkey", "s2._domainkey"


@pytest.mark.parametrize(
    ("expectation", "lines", "reason", "status"),
    [
        (ONE, [f"{S1} TXT v=DKIM1; p={GOOD}"], "dkim_ok", "pass"),
        (ONE, [f"{S1} TXT v=DKIM1; p={WEAK}"], "dkim_key_weak", "warn"),
        (ONE, ["www A 192.0.2.1"], "dkim_missing", "fail"),
        (ONE, [f"{S1}.shop.example TXT p={GOOD}"], "dkim_name_doubled", "fail"),
        (ONE, ["*.shop.example. TXT v=spf1 -all"], "dkim_not_a_key", "fail"),
        (ONE, [f"{S1} CNAME gone.post.example."], "dkim_cname_dangling", "fail"),
        (ONE, [f"{S1} CNAME key.post.example."], "dkim_key_weak", "warn"),
        (
            ONE,
            [f"{S1} TXT p={GOOD}", f"{S1} TXT p={WEAK}"],
            "dkim_multiple_records",
            "fail",
        ),
        (ONE, [f"{S1} ! SERVFAIL"], "dns_servfail", "unknown"),
        (BOTH, [f"{S1} TXT p={GOOD}"], "dkim_partial", "warn"),
        (BOTH, [f"{S1} TXT p={GOOD}", f"{S2} TXT p={GOOD}"], "dkim_ok", "pass"),
        (
            BOTH,
            [f"{S1} CNAME key.post.example.", f"{S2} TXT p={GOOD}"],
            "dkim_cname_wrong_target",
            "warn",
        ),
        (
            EITHER,
            [f"{S1} TXT p={GOOD}", f"{S2} CNAME gone.post.example."],
            "dkim_ok",
            "pass",
        ),
        (EITHER, [f"{S1} ! SILENT", f"{S2} TXT p={GOOD}"], "dkim_ok", "pass"),
        (EITHER, [f"{S1} ! SILENT"], "dns_timeout", "unknown"),
        (ASKED, ["www A 192.0.2.1"], "dkim_selector_unknown", "warn"),
        (ASKED, [f"k1._domainkey TXT p={GOOD}"], "dkim_ok", "pass"),
    ],
)
def test_the_selectors_of_a_sender(checked, expectation, lines, reason, status):
    subject = Subject(domain="shop.example", expectation=expectation)

    check = checked(zone(*lines), check_dkim, subject)

    assert reason in check.reasons
    assert check.status == status


def test_the_record_of_the_provider_is_filled_in(checked):
    subject = Subject(domain="shop.example", expectation=BOTH)

    check = checked(zone(f"{S1} TXT p={GOOD}"), check_dkim, subject)

    (made,) = check.fixes
    assert (made.name, made.host) == ("s2._domainkey.shop.example", "s2._domainkey")
    assert (made.type, made.value) == ("CNAME", "s2.shop-example.u{id}.post.example")
    assert "console" in made.note


def test_the_selectors_of_the_tenant_go_first(checked):
    subject = Subject(
        domain="shop.example",
        expectation=ASKED,
        selectors=("mine",),
        signing_domain="mg.shop.example",
    )

    check = checked(
        zone(f"mine._domainkey.mg TXT v=DKIM1; p={GOOD}"), check_dkim, subject
    )

    assert check.reasons == ("dkim_ok",)
    assert check.facts["selectors"][0]["bits"] == 2048


def test_a_provider_that_signs_for_itself_has_nothing_to_check(checked):
    itself = Expectation(
        id="itself", name="Itself", dkim=DkimExpected(record_type="none")
    )

    assert (
        checked({}, check_dkim, Subject(domain="a.example", expectation=itself)) is None
    )


def test_our_own_key_is_named_in_the_fix(checked):
    own = Expectation(
        id="own",
        name="Own",
        dkim=DkimExpected(selectors=("p1",), values={"p1": f"v=DKIM1; p={GOOD}"}),
    )

    check = checked(
        zone("www A 192.0.2.1"),
        check_dkim,
        Subject(domain="shop.example", expectation=own),
    )

    assert check.status is Status.FAIL
    assert check.fixes[0].value == f"v=DKIM1; p={GOOD}"


def test_a_key_that_is_not_ours_verifies_nothing_of_ours(checked):
    own = DkimExpected(selectors=("p1",), values={"p1": f"v=DKIM1; k=rsa; p={GOOD}"})
    subject = Subject(
        domain="shop.example",
        expectation=Expectation(id="own", name="Own", dkim=own),
    )

    other, same = (
        checked(zone(f"p1._domainkey TXT {text}"), check_dkim, subject)
        for text in (f"v=DKIM1; p={PKCS1}", f"v=DKIM1; t=s; p={GOOD[:9]} {GOOD[9:]}")
    )

    assert other.reasons == ("dkim_invalid_key",)
    assert other.fixes[0].value == own.values["p1"]
    assert same.reasons == ("dkim_ok",)


def test_what_stands_in_the_way_of_a_fix_is_said(checked):
    lines = ["s1._domainkey TXT hello", "s2._domainkey CNAME other.post.example."]
    zones = zone(*lines) | {"post.example": f'other TXT "p={WEAK}"'}

    check = checked(zones, check_dkim, Subject(domain="shop.example", expectation=BOTH))

    assert check.reasons[0] == "dkim_partial"
    assert "Nothing else" in check.fixes[0].note
    assert "leads to a key" in check.fixes[1].note


def test_an_alias_that_leads_to_no_key_is_among_what_was_found(checked):
    zones = zone("s1._domainkey CNAME gone") | {"post.example": f'k TXT "p={WEAK}"'}
    zones["shop.example"] += "\ns2._domainkey CNAME k.post.example."

    check = checked(zones, check_dkim, Subject(domain="shop.example", expectation=BOTH))

    lost, strange = "CNAME gone.shop.example", "CNAME k.post.example"
    assert check.found == (lost, strange, f"p={WEAK}")


def test_many_selectors_leave_questions_for_the_others():
    names = tuple(f"s{number}" for number in range(10))
    subject = Subject(domain="shop.example", selectors=names)

    async def looked(served):
        async with Asking(NameServers(served.address)) as asking:
            return await check_dkim(asking, subject)

    with Zones(zone("www A 192.0.2.1")) as served:
        check = asyncio.run(looked(served))

    assert check.reasons == ("dkim_missing",)
    assert sum(served.asked.values()) <= len(names) + 5
