"""A QR code as text for terminals, as PNG and as SVG."""

from __future__ import annotations

import struct
import zlib
from typing import Final

#: Modules of white around the code: scanners want four.
QUIET: Final = 4
#: Pixels a module in pictures.
SCALE: Final = 8


def matrix(text: str) -> list[list[bool]]:
    """True is dark; the quiet zone included."""
    # Brings a picture library along, 5 MiB that a linked daemon does not need.
    import qrcode
    from qrcode.constants import ERROR_CORRECT_L

    code = qrcode.QRCode(error_correction=ERROR_CORRECT_L, border=QUIET)
    code.add_data(text)
    code.make(fit=True)
    rows: list[list[bool]] = code.get_matrix()
    return rows


def terminal(text: str) -> str:
    """Half blocks, two rows a line, dark on light whatever the terminal's colours are."""
    rows = matrix(text)
    if len(rows) % 2:
        rows.append([False] * len(rows))
    blocks = {(False, False): "█", (False, True): "▀", (True, False): "▄", (True, True): " "}
    lines = [
        "".join(blocks[above, below] for above, below in zip(rows[i], rows[i + 1], strict=True))
        for i in range(0, len(rows), 2)
    ]
    return "\n".join(lines)


def svg(text: str) -> str:
    """One path of unit squares."""
    rows = matrix(text)
    path = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark)
    size = len(rows)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{size}v{size}H0z"/><path d="{path}"/></svg>'
    )


def png(text: str) -> bytes:
    """One bit a pixel; written by hand, so that no picture library is needed."""
    rows = matrix(text)
    width = len(rows) * SCALE
    lines = bytearray()
    for row in rows:
        bits = "".join(("0" if dark else "1") * SCALE for dark in row)
        bits += "0" * (-len(bits) % 8)
        line = b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big")
        lines += line * SCALE
    header = struct.pack(">IIBBBBB", width, width, 1, 0, 0, 0, 0)
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(bytes(lines), 9)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
