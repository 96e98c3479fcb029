"""What a file is and how long or large: by hand-made files whose truth is known, and by broken ones."""

import io
import struct
import wave

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.files import mp4
from waconnd.media import pictures, recordings
from waconnd.media.sniff import HEAD_BYTES, mimetype


def jpeg(width: int, height: int, *, orientation: int = 1) -> bytes:
    tiff = (
        b"II*\0"
        + struct.pack("<I", 8)
        + struct.pack("<H", 1)
        + struct.pack("<HHII", 0x0112, 3, 1, orientation)
    )
    exif = b"Exif\0\0" + tiff
    sof = struct.pack(">BHHB", 8, height, width, 3) + bytes(9)
    out = b"\xff\xd8" + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    return out + b"\xff\xff\xc2" + struct.pack(">H", len(sof) + 2) + sof + b"\xff\xd9"


def gif(width: int, height: int, frames: int = 1) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + bytes(3) + b"\x21\xf9\x04\0\0\0\0\0" * frames


def webp_lossy(width: int, height: int) -> bytes:
    body = bytes(3) + b"\x9d\x01\x2a" + struct.pack("<HH", width, height)
    return b"RIFF" + struct.pack("<I", 100) + b"WEBPVP8 " + struct.pack("<I", len(body)) + body


def webp_lossless(width: int, height: int) -> bytes:
    bits = (width - 1) | (height - 1) << 14
    return (
        b"RIFF"
        + struct.pack("<I", 100)
        + b"WEBPVP8L"
        + struct.pack("<I", 5)
        + b"\x2f"
        + struct.pack("<I", bits)
    )


def webp_animated(width: int, height: int) -> bytes:
    head = bytes((0x02, 0, 0, 0)) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", 100) + b"WEBPVP8X" + struct.pack("<I", 10) + head


@pytest.mark.parametrize(
    ("data", "size", "animated"),
    [
        (jpeg(640, 480), (640, 480), False),
        (jpeg(640, 480, orientation=6), (480, 640), False),
        (gif(10, 20), (10, 20), False),
        (gif(10, 20, frames=3), (10, 20), True),
        (webp_lossy(512, 300), (512, 300), False),
        (webp_lossless(513, 301), (513, 301), False),
        (webp_animated(512, 512), (512, 512), True),
    ],
)
def test_pictures_tell_their_size(data: bytes, size: tuple[int, int], animated: bool) -> None:
    found = pictures.measure(data)
    assert found is not None
    assert ((found.width, found.height), found.animated) == (size, animated)


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("at_end", [True, False])
def test_films_tell_length_and_size(version: int, at_end: bool) -> None:
    data = mp4(12.5, 1280, 720, version=version, at_end=at_end)
    found = recordings.measure(io.BytesIO(data), len(data), "video/mp4")
    assert (found.duration_s, found.width, found.height) == (12.5, 1280, 720)


def test_a_film_held_upright_is_higher_than_wide() -> None:
    data = mp4(1, 1280, 720, turned=True)
    found = recordings.measure(io.BytesIO(data), len(data), "video/mp4")
    assert (found.width, found.height) == (720, 1280)


def sound(samples: list[int], rate: int = 8000, channels: int = 1) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(struct.pack("<h", sample) * channels for sample in samples))
    return out.getvalue()


def test_a_recording_tells_length_and_waveform() -> None:
    loud = [100 if index < 4000 else -20000 for index in range(8000)]
    data = sound(loud, channels=2)
    found = recordings.measure(io.BytesIO(data), len(data), "audio/wav")
    assert found.duration_s == 1
    assert len(found.waveform) == 64
    assert found.waveform[0] == 0
    assert found.waveform[-1] == 100


def test_silence_has_flat_bars() -> None:
    data = sound([0] * 6400)
    assert recordings.measure(io.BytesIO(data), len(data), "audio/wav").waveform == bytes(64)


@pytest.mark.parametrize(
    ("head", "name", "kind"),
    [
        (jpeg(1, 1), "", "image/jpeg"),
        (mp4(1, 1, 1), "", "video/mp4"),
        (
            b"PK\x03\x04" + bytes(30),
            "offer.docx",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (b"PK\x03\x04" + bytes(30), "", "application/zip"),
        (b"just words", "notes.csv", "text/csv"),
        (b"just words", "", "text/plain"),
        (bytes(range(256)), "", "application/octet-stream"),
        (b"%PDF-1.7", "fake.jpg", "application/pdf"),
        (sound([1]), "", "audio/wav"),
        (b"", "", "application/octet-stream"),
    ],
)
def test_content_goes_before_names(head: bytes, name: str, kind: str) -> None:
    assert mimetype(head, name) == kind


@settings(max_examples=300)
@given(
    st.sampled_from(
        [jpeg(9, 9), gif(9, 9), webp_lossy(9, 9), webp_animated(9, 9), mp4(1, 9, 9), sound([1, 2, 3])]
    ),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=8),
    st.integers(0, 6000),
)
def test_broken_files_are_unknown_never_an_error(
    whole: bytes, flips: list[tuple[int, int]], cut: int
) -> None:
    data = bytearray(whole[:cut])
    for place, value in flips:
        if place < len(data):
            data[place] = value
    broken = bytes(data)
    pictures.measure(broken[:HEAD_BYTES])
    for kind in ("audio/ogg", "audio/wav", "video/mp4"):
        recordings.measure(io.BytesIO(broken), len(broken), kind)
    assert mimetype(broken)
