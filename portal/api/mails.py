"""The fields of a mail as programs send them, into a Draft."""

from __future__ import annotations

import base64
import binascii
import difflib
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StrictInt,
    StrictStr,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from portal.address import BadAddress, Named, parse_mailbox, parse_name, parse_named
from portal.api.strict_json import place
from portal.errors import FieldError, Invalid
from portal.mail.types import Attachment, Draft, Kind

TAGS = 20
_ADDRESS_SCHEMA = {
    "oneOf": [
        {"type": "string", "examples": ["Kim <kim@example.org>"]},
        {
            "type": "object",
            "properties": {
                "email": {"type": "string"},
                "name": {"type": "string"},
            },
            "required": ["email"],
            "additionalProperties": False,
        },
    ]
}


def _wrong(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("portal", "{sentence}", {"sentence": sentence})


def _address(value: Any) -> Named:
    """`"Name <a@b>"` or `{"email", "name"}`."""
    try:
        if isinstance(value, str):
            return parse_named(value)
        if isinstance(value, dict) and set(value) <= {"email", "name"}:
            email, name = value.get("email"), value.get("name") or ""
            if isinstance(email, str) and isinstance(name, str):
                return Named(parse_mailbox(email), parse_name(name))
    except BadAddress as error:
        raise _wrong(str(error)) from None
    raise _wrong('An address is "Name <a@b>" or {"email": "a@b", "name": "Name"}.')


def _several(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _base64(value: Any) -> bytes:
    if not isinstance(value, str):
        raise _wrong("The content of a file is base64 text.")
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        raise _wrong("This is not base64.") from None


def _instant(value: Any) -> datetime:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or "T" not in str(value).upper():
        raise _wrong("A time is RFC 3339 with its zone, as 2026-11-21T09:00:00Z.")
    return at


Address = Annotated[Named, PlainValidator(_address), WithJsonSchema(_ADDRESS_SCHEMA)]
Addresses = Annotated[
    list[Address],
    BeforeValidator(_several),
    WithJsonSchema(
        {"anyOf": [_ADDRESS_SCHEMA, {"type": "array", "items": _ADDRESS_SCHEMA}]}
    ),
]
File = Annotated[
    bytes,
    PlainValidator(_base64),
    WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
]
Instant = Annotated[
    datetime,
    PlainValidator(_instant),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


class AttachmentIn(BaseModel):
    model_config = ConfigDict(extra="forbid", title="Attachment")

    filename: StrictStr
    content: File
    content_type: StrictStr = "application/octet-stream"
    content_id: StrictStr | None = None


def _said(words: str, **more: Any) -> Any:
    return Field(default=None, description=words, **more)


def _listed(words: str) -> Any:
    return Field(default_factory=list, description=words)


def _mapped(words: str) -> Any:
    return Field(default_factory=dict, description=words)


class MailIn(BaseModel):
    """One mail. `from` is optional: the active sender's own, or one it allows."""

    model_config = ConfigDict(extra="forbid", title="Mail")

    to: Addresses = _listed('"Name <a@b>" or {"email", "name"}, one or a list.')
    cc: Addresses = _listed("As `to`.")
    bcc: Addresses = _listed("As `to`; nobody else sees them.")
    from_: Address | None = _said(
        "Who it is from; the active sender must allow it. Without: the sender's own.",
        alias="from",
    )
    reply_to: Addresses = _listed("Where answers go.")
    subject: StrictStr = Field(default="", description="The subject.")
    text: StrictStr | None = _said("Plain text. Without it, made of `html`.")
    html: StrictStr | None = _said("HTML. A mail needs `text`, or `html`, or both.")
    headers: dict[StrictStr, StrictStr] = _mapped("Further header fields by name.")
    attachments: list[AttachmentIn] = _listed("Up to 20 files of 10 MB each.")
    kind: Kind = Field(
        default=Kind.OTHER,
        description="What it is for; `otp` and `magic_link` are urgent.",
    )
    tags: dict[StrictStr, StrictStr] = _mapped("Your own words for it, by name.")
    scheduled_at: Instant | None = _said("Not before this time (RFC 3339).")
    expires_in_s: StrictInt | None = _said("Worth nothing after so many seconds.")

    def draft(self) -> Draft:
        return Draft(
            to=tuple(self.to),
            cc=tuple(self.cc),
            bcc=tuple(self.bcc),
            from_=self.from_,
            reply_to=tuple(self.reply_to),
            subject=self.subject,
            text=self.text,
            html=self.html,
            headers=self.headers,
            attachments=tuple(Attachment(**dict(each)) for each in self.attachments),
            kind=self.kind,
            tags=self.tags,
            scheduled_at=self.scheduled_at,
            expires_in_s=self.expires_in_s,
        )


FIELDS = tuple(field.alias or name for name, field in MailIn.model_fields.items())


def draft_of(document: Any, base: str = "") -> Draft:
    """Raises Invalid, each wrong field by its name; `base` is its place in a batch."""
    if not isinstance(document, dict):
        raise Invalid(base, "A mail is a JSON object.")
    try:
        mail = MailIn.model_validate(document)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        raise Invalid.many([_fault(each, base) for each in faults]) from None
    _check_tags(mail.tags, base)
    return mail.draft()


def _check_tags(tags: Mapping[str, str], base: str) -> None:
    field = place(base, "tags")
    if len(tags) > TAGS:
        raise Invalid(field, f"At most {TAGS} tags.")
    for name, value in tags.items():
        if not 1 <= len(name) <= 64 or len(value) > 256:
            raise Invalid(
                field, "A tag has a name of 1 to 64 and up to 256 characters."
            )


def _fault(fault: Any, base: str) -> FieldError:
    field = base
    for step in fault["loc"]:
        if step != "[key]":
            field = place(field, step)
    if fault["type"] == "extra_forbidden":
        return FieldError(field, _unknown(str(fault["loc"][-1])))
    return FieldError(field, _sentence(fault["msg"]))


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, FIELDS, n=1)
    hint = f" Did you mean “{near[0]}”?" if near else ""
    return f"There is no such field.{hint}"


def _sentence(message: str) -> str:
    message = message[:1].upper() + message[1:]
    return message if message.endswith((".", "!", "?")) else f"{message}."
