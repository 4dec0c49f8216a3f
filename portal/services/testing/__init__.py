"""Live tests: asked for by a form, run by the engine, shown while they run."""

from portal.services.testing.mending import Mending, mended
from portal.services.testing.preflight import AskedView
from portal.services.testing.preparing import MAIL, PREFLIGHT, Job
from portal.services.testing.running import claim, finish, progress, tidy
from portal.services.testing.starting import start
from portal.services.testing.viewing import TestView, latest, read, stop

__all__ = [
    "MAIL",
    "PREFLIGHT",
    "AskedView",
    "Job",
    "Mending",
    "TestView",
    "claim",
    "finish",
    "latest",
    "mended",
    "progress",
    "read",
    "start",
    "stop",
    "tidy",
]
