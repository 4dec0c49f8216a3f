"""Mail as somebody received it: read, its ways and signatures, and whom to believe."""
