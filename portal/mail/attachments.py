"""What may be attached, and under which name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from portal.errors import Invalid
from portal.mail.guard import check_words
from portal.mail.types import Attachment

COUNT = 20
FILE_BYTES = 10 * 1024 * 1024
NAME_LENGTH = 200

_TOKEN = r"[A-Za-z0-9!#$&^_.+-]{1,64}"  # noqa: S105, RFC 6838 §4.2
_TYPE = re.compile(
    rf"{_TOKEN}/{_TOKEN}(?: *; *charset=(\"?)[A-Za-z0-9_.:-]{{1,40}}\1)?"
)
_CONTENT_ID = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=^_{|}~.-]{1,64}(?:@[A-Za-z0-9.-]{1,64})?"
)


def checked(attachments: Sequence[Attachment]) -> tuple[Attachment, ...]:
    """The attachments as they go into the mail. Raises Invalid."""
    if len(attachments) > COUNT:
        raise Invalid("attachments", f"A mail takes at most {COUNT} attachments.")
    result = tuple(_checked(at, each) for at, each in enumerate(attachments))
    ids = [each.content_id for each in result if each.content_id]
    for at, each in enumerate(result):
        if each.content_id and ids.count(each.content_id) > 1:
            raise Invalid(
                f"attachments[{at}].content_id", "Two attachments share this name."
            )
    return result


def clean_name(name: str) -> str:
    """The last part of a path, without controls and bidirectional marks."""
    name = re.split(r"[/\\]", name)[-1]
    name = "".join(c for c in name if unicodedata.category(c) not in _UNSEEN)
    name = re.sub(r"\s+", " ", name).strip(" ")
    return name if name.strip(".") else "attachment"


_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp"})


def _checked(at: int, attachment: Attachment) -> Attachment:
    field = f"attachments[{at}]"
    if len(attachment.content) > FILE_BYTES:
        raise Invalid(
            f"{field}.content",
            f"A file takes at most {FILE_BYTES // 1024**2} MB; this one has "
            f"{len(attachment.content) / 1024**2:.1f} MB.",
        )
    content_id = attachment.content_id
    if content_id is not None:
        content_id = content_id.removeprefix("<").removesuffix(">")
        if not _CONTENT_ID.fullmatch(content_id):
            raise Invalid(
                f"{field}.content_id",
                "A content id is 1 to 64 letters, digits, dots and hyphens, "
                "as in “logo” or “logo@example.org”.",
            )
    return replace(
        attachment,
        filename=_name(f"{field}.filename", attachment.filename),
        content_type=_type(f"{field}.content_type", attachment.content_type),
        content_id=content_id,
    )


def _name(field: str, given: str) -> str:
    name = clean_name(given)
    if len(name) > NAME_LENGTH:
        raise Invalid(field, f"A file name has at most {NAME_LENGTH} characters.")
    check_words(field, name)
    return name


def _type(field: str, given: str) -> str:
    if not _TYPE.fullmatch(given):
        raise Invalid(field, "A content type looks like “application/pdf”.")
    if given.lower().startswith(("message/", "multipart/")):
        # RFC 2046 §5.1, §5.2.1: these may not be base64, so the bytes could change.
        raise Invalid(
            field, "Attach another mail as application/octet-stream, named “….eml”."
        )
    return given
