"""The binary node codec (reference 01, 3): what everybody else calls."""

from __future__ import annotations

from protocol.wire.decoder import decode
from protocol.wire.encoder import encode
from protocol.wire.tags import CodecError, EncodeError

__all__ = ["CodecError", "EncodeError", "decode", "encode"]
