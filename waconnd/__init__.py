"""The daemon: all I/O, all policy. The protocol itself is in `protocol`."""

__version__ = "0.1.0"
