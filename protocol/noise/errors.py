"""What can go wrong on the encrypted channel."""

from __future__ import annotations

from protocol.errors import RemoteProtocolError


class NoiseError(RemoteProtocolError):
    """The handshake or a frame after it does not fit; the connection is lost."""


class CertificateError(NoiseError):
    """The server could not prove who it is: interception, or a wrong clock. People have to know."""
