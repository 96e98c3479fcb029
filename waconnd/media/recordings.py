"""Length of sound and video, size of video, waveform of a recording: Ogg Opus, WAV and MP4 read by hand."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, Final

import msgspec

from protocol.content.media import WAVEFORM

#: Opus counts in this rate whatever the recording had.
OPUS_RATE: Final = 48000
#: The last page of an Ogg stream begins within the largest page of the end.
_LAST_PAGE: Final = 65307
#: Boxes that are walked into on the way to `mvhd` and `tkhd`.
_INTO: Final = frozenset({b"moov", b"trak"})
#: A film has few boxes on the way; a hostile one must not keep us.
_MAX_BOXES: Final = 4096
#: PCM read at once.
_PCM: Final = 256 * 1024


class Recording(msgspec.Struct, frozen=True):
    """What is known; zero is unknown."""

    duration_s: float = 0.0
    width: int = 0
    height: int = 0
    waveform: bytes = b""


def measure(file: BinaryIO, size: int, mimetype: str) -> Recording:
    """By type. What can't be read is unknown, never an error."""
    try:
        if mimetype.startswith("audio/ogg"):
            return _ogg(file, size)
        if mimetype == "audio/wav":
            return _wav(file)
        if mimetype in ("video/mp4", "audio/mp4", "video/quicktime", "video/3gpp"):
            return _mp4(file, size)
    except (struct.error, ValueError, ZeroDivisionError):
        pass
    return Recording()


def bars(peaks: list[float]) -> bytes:
    """64 bars from 0 to 100, the loudest at 100; silence is 64 zeros."""
    top = max(peaks, default=0.0)
    return bytes(int(100 * peak / top) if top else 0 for peak in peaks) if len(peaks) == WAVEFORM else b""


def _ogg(file: BinaryIO, size: int) -> Recording:
    file.seek(0)
    head = file.read(4096)
    mark = head.find(b"OpusHead")
    if mark < 0:
        return Recording()
    (skip,) = struct.unpack_from("<H", head, mark + 10)
    file.seek(max(0, size - _LAST_PAGE))
    tail = file.read(_LAST_PAGE)
    last = tail.rfind(b"OggS")
    if last < 0:
        return Recording()
    (position,) = struct.unpack_from("<q", tail, last + 6)
    return Recording(max(0.0, (position - skip) / OPUS_RATE))


def _wav(file: BinaryIO) -> Recording:
    file.seek(12)
    channels = rate = width = 0
    while len(chunk := file.read(8)) == 8:
        name, length = chunk[:4], int.from_bytes(chunk[4:], "little")
        if name == b"fmt ":
            form = file.read(length + length % 2)
            kind, channels, rate = struct.unpack_from("<HHI", form)
            width = struct.unpack_from("<H", form, 14)[0] // 8
            if kind not in (1, 0xFFFE) or not channels or not rate:
                return Recording()
        elif name == b"data" and width:
            frames = length // (channels * width)
            waveform = bars(_peaks(file, frames, channels)) if width == 2 else b""
            return Recording(frames / rate, waveform=waveform)
        else:
            file.seek(length + length % 2, 1)
    return Recording()


def _peaks(file: BinaryIO, frames: int, channels: int) -> list[float]:
    """The mean amplitude of the first channel in each of 64 equal parts."""
    sums, counts = [0] * WAVEFORM, [0] * WAVEFORM
    at, step = 0, channels * 2
    while at < frames:
        piece = file.read(min(_PCM // step * step, (frames - at) * step))
        samples = memoryview(piece[: len(piece) // step * step]).cast("h")[::channels].tolist()
        if not samples:
            break
        for offset, sample in enumerate(samples):
            part = (at + offset) * WAVEFORM // frames
            sums[part] += abs(sample)
            counts[part] += 1
        at += len(samples)
    return [total / count if count else 0.0 for total, count in zip(sums, counts, strict=True)]


def _mp4(file: BinaryIO, size: int) -> Recording:
    duration, width, height = 0.0, 0, 0
    for name, start, end in _boxes(file, size):
        file.seek(start)
        body = file.read(min(end - start, 128))
        if name == b"mvhd":
            if body[0] == 1:
                scale, ticks = struct.unpack_from(">IQ", body, 20)
            else:
                scale, ticks = struct.unpack_from(">II", body, 12)
            duration = ticks / scale
        elif name == b"tkhd":
            place = 88 if body[0] == 1 else 76
            wide, high = struct.unpack_from(">II", body, place)
            if wide and high and not width:
                turned = _turned(body, place - 36)
                width, height = (high >> 16, wide >> 16) if turned else (wide >> 16, high >> 16)
    return Recording(duration, width, height)


def _turned(body: bytes, matrix: int) -> bool:
    """A quarter turn: the matrix has its ones beside the diagonal."""
    a, b = struct.unpack_from(">ii", body, matrix)
    return bool(a == 0 and b != 0)


def _boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    """`mvhd` and `tkhd`, wherever `moov` lies."""
    ends = [size]
    at = 0
    for _ in range(_MAX_BOXES):
        while ends and at >= ends[-1]:
            at = ends.pop()
        if not ends:
            return
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            return
        length, name, body = int.from_bytes(head[:4], "big"), head[4:8], at + 8
        if length == 1:
            length, body = int.from_bytes(head[8:16], "big"), at + 16
        end = min(at + length if length else ends[-1], ends[-1])
        if end < body:
            return
        if name in _INTO:
            ends.append(end)
            at = body
            continue
        if name in (b"mvhd", b"tkhd"):
            yield name, body, end
        at = end
