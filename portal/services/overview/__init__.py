"""Is mail flowing, through whom, what waits and what failed: one look at a tenant."""

from portal.services.overview.reading import is_held, overview
from portal.services.overview.views import (
    Failed,
    Flow,
    Hour,
    Overview,
    Queue,
    Steps,
    Trouble,
)

__all__ = [
    "Failed",
    "Flow",
    "Hour",
    "Overview",
    "Queue",
    "Steps",
    "Trouble",
    "is_held",
    "overview",
]
