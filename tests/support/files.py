"""Small files of every kind that is sent, each as much of one as its readers look at."""

import base64
import struct
import zlib


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def png(width: int = 3, height: int = 2) -> bytes:
    """The smallest picture that is one."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes(3 * width) for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def webp() -> bytes:
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes((0, 0, 0, 0)) + (511).to_bytes(3, "little") * 2
    return b"RIFF" + struct.pack("<I", len(body)) + body


def ogg(seconds: int = 3) -> bytes:
    """An Ogg stream with the head of an Opus one and a last page that tells the length."""

    def page(kind: int, position: int, body: bytes) -> bytes:
        return b"OggS" + struct.pack("<BBqIII", 0, kind, position, 1, 0, 0) + bytes((1, len(body))) + body

    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 312, 48000, 0, 0)
    return page(2, 0, head) + page(4, seconds * 48000 + 312, b"\0" * 20)


def box(name: bytes, body: bytes, *, large: bool = False) -> bytes:
    if large:
        return struct.pack(">I", 1) + name + struct.pack(">Q", len(body) + 16) + body
    return struct.pack(">I", len(body) + 8) + name + body


def mp4(
    seconds: float, width: int, height: int, *, version: int = 0, turned: bool = False, at_end: bool = True
) -> bytes:
    scale, ticks = 1000, round(seconds * 1000)
    if version:
        mvhd = struct.pack(">IQQIQ", 1 << 24, 0, 0, scale, ticks) + bytes(80)
        head = struct.pack(">IQQIIQ", 1 << 24, 0, 0, 1, 0, ticks)
    else:
        mvhd = struct.pack(">IIIII", 0, 0, 0, scale, ticks) + bytes(80)
        head = struct.pack(">IIIIII", 0, 0, 0, 1, 0, ticks)
    one = 0x10000
    matrix = (0, one, 0, -one, 0, 0, 0, 0, 1 << 30) if turned else (one, 0, 0, 0, one, 0, 0, 0, 1 << 30)
    tkhd = head + bytes(16) + struct.pack(">9i", *matrix) + struct.pack(">II", width << 16, height << 16)
    sound = head + bytes(16) + bytes(36) + struct.pack(">II", 0, 0)
    moov = box(
        b"moov", box(b"mvhd", mvhd) + box(b"trak", box(b"tkhd", sound)) + box(b"trak", box(b"tkhd", tkhd))
    )
    film = box(b"mdat", bytes(5000), large=True)
    return box(b"ftyp", b"mp42" + bytes(8)) + (film + moov if at_end else moov + film)
