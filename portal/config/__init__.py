"""What the operator says through the environment, read once and validated."""

from portal.config.relays import AllowRule, Network
from portal.config.sender import DefaultSender
from portal.config.settings import Settings

__all__ = ["AllowRule", "DefaultSender", "Network", "Settings"]
