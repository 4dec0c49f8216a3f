"""Searches for a relay: asked for by a page, run by the engine, shown while they run."""

from portal.services.searching.running import Job, claim, finish, progress, tidy
from portal.services.searching.starting import start
from portal.services.searching.viewing import SearchView, read

__all__ = [
    "Job",
    "SearchView",
    "claim",
    "finish",
    "progress",
    "read",
    "start",
    "tidy",
]
