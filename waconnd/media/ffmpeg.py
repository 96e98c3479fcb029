"""What needs a decoder: voice notes from other formats, and the waveform of compressed sound. Only with ffmpeg there."""

from __future__ import annotations

import itertools
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Final

from protocol.content.media import WAVEFORM
from waconnd.media.recordings import bars

#: A voice note of an hour converts within a minute; longer means that something is wrong.
SECONDS: Final = 120.0
#: Enough resolution for 64 bars, little enough to hold in memory: an hour is 7 MB.
RATE: Final = 1000


class NotConverted(Exception):
    """ffmpeg is missing or could not read the file."""


def voice(source: Path, target: Path) -> None:
    """Ogg Opus, mono, as the apps record it. Raises NotConverted."""
    _run(
        [
            *("-i", str(source), "-vn", "-map_metadata", "-1", "-c:a", "libopus", "-b:a", "32k"),
            *("-ac", "1", "-ar", "48000", "-application", "voip", "-f", "ogg", "-y", str(target)),
        ]
    )


def waveform(source: Path) -> bytes:
    """64 bars, or nothing when it can't be told."""
    try:
        raw = _run(["-i", str(source), "-vn", "-ac", "1", "-ar", str(RATE), "-f", "s16le", "-"])
    except NotConverted:
        return b""
    count = len(raw) // 2
    if count < WAVEFORM:
        return b""
    samples = struct.unpack(f"<{count}h", raw[: count * 2])
    edges = [index * count // WAVEFORM for index in range(WAVEFORM + 1)]
    parts = [samples[a:b] for a, b in itertools.pairwise(edges)]
    return bars([sum(map(abs, part)) / len(part) for part in parts])


def _run(arguments: list[str]) -> bytes:
    program = shutil.which("ffmpeg")
    if program is None:
        raise NotConverted("ffmpeg is not installed")
    command = [program, "-nostdin", "-hide_banner", "-loglevel", "error", "-protocol_whitelist", "file,pipe"]
    try:
        done = subprocess.run([*command, *arguments], capture_output=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotConverted(f"ffmpeg failed ({type(error).__name__})") from error
    if done.returncode:
        raise NotConverted("ffmpeg could not read the file")
    return done.stdout
