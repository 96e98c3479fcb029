"""The WhatsApp multi-device protocol, sans-I/O: bytes in, bytes and events out.

Nothing below this package opens a socket or a file, reads a clock or draws randomness: time and entropy are
handed in by the host. See docs/architecture.md.
"""
