"""The engine of this process, as its own tests have it."""

from tests.engine.conftest import engine, installation, post, settings

__all__ = ["engine", "installation", "post", "settings"]
