"""The shapes of answers, as JSON Schema; `sending.shapes` makes what they describe."""

from __future__ import annotations

from typing import Any

from portal.services.outbox.states import PARTIAL, State


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(required: tuple[str, ...], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


_TEXT = {"type": "string"}
_NUMBER = {"type": "integer"}
_TIME = {"type": "string", "format": "date-time"}
_STATES = {"type": "string", "enum": [str(state) for state in State]}
_WHOLE = {"type": "string", "enum": [*(str(state) for state in State), PARTIAL]}
_ACCEPTED = {
    "id": _TEXT,
    "status": _WHOLE,
    "message_id": _TEXT,
    "captured": {
        "type": "boolean",
        "description": "The sandbox takes it: it does not go out.",
    },
    "recipients": {"type": "array", "items": _ref("Recipient")},
}

SCHEMAS: dict[str, Any] = {
    "Reply": _object(
        ("code", "enhanced", "text"),
        code=_NUMBER,
        enhanced=_nullable(_TEXT),
        text=_TEXT,
    ),
    "Recipient": _object(
        ("address", "status"),
        address=_TEXT,
        status=_STATES,
        field={"type": "string", "enum": ["to", "cc", "bcc"]},
        reply=_nullable(_ref("Reply")),
        next_at=_nullable(_TIME),
        waits_for=_nullable(
            {
                "type": "string",
                "enum": ["sender", "pace", "throttle"],
                "description": "What it waits for until next_at, besides its own"
                " pause: its sender is in trouble, has used up its own limits, or was"
                " asked by its relay to send less.",
            }
        ),
    ),
    "Attempt": _object(
        ("at", "sender_version", "stage", "reply", "ms", "outcome"),
        number=_NUMBER,
        at=_TIME,
        route={"type": "string", "enum": ["sender", "platform", "sandbox"]},
        sender=_nullable(_TEXT),
        sender_version=_nullable(_NUMBER),
        relay=_nullable(_TEXT),
        stage=_nullable(_TEXT),
        reply=_nullable(_ref("Reply")),
        ms=_nullable(_NUMBER),
        outcome=_nullable(_TEXT),
        recipients={"type": "array", "items": _TEXT},
    ),
    "Diagnosis": _object(
        ("cause", "confidence", "temporary", "title", "meaning", "remedy"),
        cause=_TEXT,
        confidence={"type": "number"},
        temporary={"type": "boolean"},
        title=_TEXT,
        meaning=_TEXT,
        remedy=_TEXT,
        repairs={"type": "array", "items": {"type": "object"}},
        evidence={"type": "object"},
        alternatives={"type": "array", "items": _TEXT},
        docs=_nullable(_TEXT),
    ),
    "Accepted": _object(tuple(_ACCEPTED), **_ACCEPTED),
    "Message": _object(
        (*_ACCEPTED, "attempts", "diagnosis"),
        **_ACCEPTED,
        subject=_TEXT,
        kind=_TEXT,
        tags={"type": "object", "additionalProperties": _TEXT},
        accepted_at=_TIME,
        scheduled_at=_nullable(_TIME),
        expires_at=_TIME,
        cancel_asked={"type": "boolean"},
        attempts={"type": "array", "items": _ref("Attempt")},
        diagnosis=_nullable(_ref("Diagnosis")),
    ),
    "Batch": _object(
        ("messages",), messages={"type": "array", "items": _ref("Accepted")}
    ),
    "Page": _object(
        ("messages", "next"),
        messages={"type": "array", "items": _ref("Accepted")},
        next=_nullable(_TEXT),
    ),
    "Problem": _object(
        ("type", "title", "status", "detail"),
        type=_TEXT,
        title=_TEXT,
        status=_NUMBER,
        detail=_TEXT,
        errors={
            "type": "array",
            "items": _object(("field", "detail"), field=_TEXT, detail=_TEXT),
        },
    ),
    "Health": _object(("status",), status=_TEXT),
    "Readiness": _object(("status", "checks"), status=_TEXT, checks={"type": "object"}),
}
