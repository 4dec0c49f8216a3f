"""Proof from a received mail: its signatures verified, its domains compared."""
