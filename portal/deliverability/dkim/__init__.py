"""DomainKeys Identified Mail: the keys that a domain publishes (RFC 6376)."""
