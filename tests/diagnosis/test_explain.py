"""Every failure gets an answer, and none that the evidence does not carry."""

from __future__ import annotations

import pytest

from portal.delivery.types import FailureKind, Stage
from portal.diagnosis.explain import explain
from portal.diagnosis.rules import causes
from portal.diagnosis.types import Evidence
from portal.diagnosis.words import diagnosis_json


def of(text: str = "Words.", **fields: object) -> Evidence:
    return Evidence(text=text, **fields)


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize(
    "kind", [each for each in FailureKind if each is not FailureKind.REPLY]
)
def test_every_stage_and_class_has_an_honest_sentence(stage, kind):
    """Never silence; and no words, no certainty about somebody else's doing."""
    found = explain(of(stage=stage, kind=kind, port=587, security="starttls"))

    assert found.title and found.meaning.endswith(".") and found.remedy.endswith(".")
    assert found.cause in causes()


@pytest.mark.parametrize(
    "stage", [each for each in Stage if each not in ("dns", "connect", "tls")]
)
@pytest.mark.parametrize("code", [421, 450, 500, 550, 554, 599])
def test_a_reply_without_words_is_not_taken_for_more_than_it_is(stage, code):
    found = explain(of("", stage=stage, kind="reply", code=code))

    assert found.title and found.remedy
    assert found.confidence <= 0.85
    assert found.temporary is (code < 500) or stage == "oauth_token"


@pytest.mark.parametrize("code", [450, 550])
@pytest.mark.parametrize(
    "stage", ["banner", "mail_from", "rcpt_to", "data", "post_data"]
)
@pytest.mark.parametrize(
    "text",
    [
        "Blorp",
        "Transaction failed",
        "5.0.0 Error",
        "Requested action not taken",
        "Not accepted. Reference 8f3a",
        "Rejected by administrator",
        "Mail from host rejected",
        "Message refused. See https://mx.example.org/err/4711",
        "Your message could not be delivered, ask postmaster@example.org",
        "from now on the user agreement of this domain holds",
        "Fehler 4711",
        "错误代码",
    ],
)
def test_words_that_name_no_cause_are_given_none(text, stage, code):
    """“Transaction failed” names no cause, and we do not invent one."""
    found = explain(of(text, stage=stage, code=code))

    assert found.cause == "rejected_unspecified" or (stage, code) == ("banner", 450)
    assert found.confidence <= 0.6
    assert found.temporary is (code == 450)


def test_a_pasted_reply_needs_no_fields():
    found = explain(
        of("535-5.7.8 Username and Password not accepted.\n535 5.7.8 see help")
    )

    assert found.cause == "auth_bad_credentials"
    assert found.evidence == {
        "code": 535,
        "enhanced": "5.7.8",
        "text": "535-5.7.8 Username and Password not accepted.\n535 5.7.8 see help",
        "stage": None,
    }


def test_without_its_stage_a_bare_code_stays_unexplained():
    assert explain(of("550 no")).cause == "rejected_unspecified"


def test_the_class_of_the_reply_says_whether_it_may_pass():
    """Except where “later” mends nothing: a wrong password stays wrong."""
    assert explain(of("spam", stage="post_data", code=450)).temporary
    assert not explain(of("spam", stage="post_data", code=550)).temporary
    assert not explain(of("authentication failed", stage="auth", code=435)).temporary
    assert explain(of("rate limit", stage="mail_from", code=550)).temporary


def test_the_json_has_exactly_the_shape_of_the_contract():
    shape = diagnosis_json(
        explain(of("x", stage="banner", port=465, security="none", kind="timeout"))
    )

    assert list(shape) == [
        "cause",
        "confidence",
        "temporary",
        "title",
        "meaning",
        "remedy",
        "repairs",
        "evidence",
        "alternatives",
        "docs",
    ]
    assert list(shape["evidence"]) == ["code", "enhanced", "text", "stage"]
    assert list(shape["repairs"][0]) == ["set", "label", "tested"]
    assert isinstance(shape["alternatives"], list)


@pytest.mark.parametrize(
    "text", ["", "\0", "5" * 100_000, "550 " * 5_000, "{host}", "(" * 999]
)
def test_any_text_is_answered_quickly(text):
    assert explain(of(text)).title
    assert explain(of(text, stage="auth", code=535)).title
