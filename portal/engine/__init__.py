"""The standing loop that claims what waits, hands it to relays, and records."""
