"""What a receiver said of SPF alone: Received-SPF (RFC 7208 §9.1)."""

from __future__ import annotations

import re

from portal.mail.received.comments import parted
from portal.mail.received.results import Result, Results

_RESULT = re.compile(r"\s*([a-z]{1,20})\b", re.IGNORECASE)
_PAIR = re.compile(
    r'([a-z][a-z-]{0,30})\s*=\s*((?:"(?:[^"\\]|\\.){0,500}"|[^\s;"]){1,500})',
    re.IGNORECASE,
)
# Where there is no envelope-from, the words are those that RFC 7208 gives as example.
_DOMAIN_OF = re.compile(r"\bdomain of (?:transitioning )?(\S{1,320})", re.IGNORECASE)


def spf_result(text: str) -> Results:
    """Of the value of one field, as Authentication-Results would have told it."""
    whole = parted(text)
    told = _RESULT.match(whole.words)
    if told is None:
        return Results(by="", results=())
    pairs = {
        name.lower(): value.strip('"<>') for name, value in _PAIR.findall(whole.words)
    }
    properties = {"smtp.helo": pairs.get("helo", "")}
    if pairs.get("identity", "mailfrom").lower() == "mailfrom":
        named = _DOMAIN_OF.search(" ".join(whole.comments))
        properties["smtp.mailfrom"] = pairs.get("envelope-from") or (
            named[1] if named else ""
        )
    found = Result(method="spf", result=told[1].lower(), properties=properties)
    return Results(by=pairs.get("receiver", "").lower(), results=(found,))
