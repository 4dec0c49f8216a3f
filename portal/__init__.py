"""SMTP Portal: send a product's e-mail through the team's own SMTP provider."""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Hands `create_app` on when it is asked for: `portal try` and `portal explain`
    start without the web."""
    if name == "create_app":
        from portal.app import create_app

        return create_app
    raise AttributeError(f"module 'portal' has no attribute {name!r}")
