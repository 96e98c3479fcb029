"""Primitives over `cryptography` and libsodium. Knows keys and bytes, nothing of WhatsApp's records."""
