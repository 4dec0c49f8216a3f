"""The description says what the API does: no more, no less."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any

import pytest

from portal.api.mails import FIELDS
from portal.api.openapi import description
from portal.services.sending import limiting
from tests.api.conftest import MAIL

DOCUMENT = description()
SCHEMAS = DOCUMENT["components"]["schemas"]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def test_it_is_served_as_json(client):
    answer = client.get("/openapi.json")

    assert answer.status_code == 200
    assert answer.json["openapi"] == "3.1.0"
    assert answer.json == DOCUMENT


def test_every_reference_leads_somewhere():
    found = set(references(DOCUMENT))

    assert found
    for reference in found:
        assert reference.removeprefix("#/components/schemas/") in SCHEMAS


def test_every_way_to_send_is_described(client):
    rules = client.application.url_map.iter_rules()
    served = {
        (rule.rule.replace("<message_id>", "{id}"), method.lower())
        for rule in rules
        if rule.endpoint in ("send.accept", "send.find", "send.read", "send.cancel")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    described = {
        (path, method)
        for path, methods in DOCUMENT["paths"].items()
        if path.startswith("/send")
        for method in methods
    }

    assert described == served


def test_every_field_of_a_mail_is_described_in_words():
    properties = SCHEMAS["Mail"]["properties"]

    assert set(properties) == set(FIELDS)
    assert all(each["description"] for each in properties.values())
    assert SCHEMAS["Mail"]["additionalProperties"] is False


def test_an_answer_has_the_fields_that_are_described(caller):
    made = caller.post(MAIL).json
    whole = caller.get(f"/send/{made['id']}").json
    page = caller.get("/send").json
    problem = caller.post({}).json

    for shape, name in (
        (made, "Accepted"),
        (whole, "Message"),
        (page, "Page"),
        (problem, "Problem"),
    ):
        schema = SCHEMAS[name]
        assert set(schema["required"]) <= set(shape)
        assert set(shape) <= set(schema["properties"])


def test_limits_are_told_with_their_numbers_and_where_to_wait(client):
    """From → Reply-To, the burst of a recipient, the platform's cap, Retry-After."""
    post = DOCUMENT["paths"]["/send"]["post"]
    page = html.unescape(client.get("/docs").text)

    for words in (
        f"{limiting.KEY_LIMIT} mails a minute",
        f"{limiting.BURST} mails an hour to one recipient",
        "platform's default sender takes as many recipients an hour",
        "Reply-To is the mail's reply_to, else its from",
        "429; Retry-After",
        "no retry and no replay",
    ):
        assert words in post["description"]
        assert words in page
    for status in ("409", "429", "503"):
        assert set(post["responses"][status]["headers"]) == {"Retry-After"}
    assert "headers" not in post["responses"]["400"]


@pytest.mark.parametrize(
    "words", ["curl http://localhost/send", "expires_in_s", "problem+json"]
)
def test_the_page_for_people(client, words):
    answer = client.get("/docs")

    assert answer.status_code == 200
    assert words in answer.text
    assert "http" not in answer.text.partition("<main")[0]  # nothing of others
