"""SMTP Portal: send a product's e-mail through the team's own SMTP provider."""

__version__ = "0.1.0"
