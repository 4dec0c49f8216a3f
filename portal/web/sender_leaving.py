"""Where mail goes once a sender is no longer used, before and after it is stopped."""

from __future__ import annotations

from portal.services.installation import Installation


def without(installation: Installation) -> str:
    """What stopping would mean: where mail would go, and what waits now with it."""
    if default := installation.settings.default_sender:
        return (
            "Mail then goes through the platform default, and what waits now goes"
            f" there too: From is {default.from_address}, answers go to you."
        )
    if installation.sandbox_port() is not None:
        return (
            "The sandbox then captures every mail, what waits now as well; nothing"
            " leaves."
        )
    return (
        "Mail then has no way out, and POST /send answers 503. What waits now"
        " stays here until a sender is used, or until it expires."
    )


def left(installation: Installation) -> str:
    """What stopping meant, told once it is done."""
    stopped = "This sender is no longer used."
    if installation.settings.default_sender:
        return f"{stopped} Mail goes through the platform default from now on."
    if installation.sandbox_port() is not None:
        return f"{stopped} The sandbox captures every mail from now on."
    return f"{stopped} Mail has no way out until a sender is used."
