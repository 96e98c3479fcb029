"""Files that are made into what WhatsApp wants: voice notes by ffmpeg, stickers by Pillow; and a clear word without them."""

import io
import os
import stat
import struct
from pathlib import Path

import pytest

from tests.support.files import ogg
from waconnd.media import sealing
from waconnd.media.pictures import measure
from waconnd.media.sealing import BadMedia, Told


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def install_ffmpeg(folder: Path, made: bytes, samples: bytes) -> None:
    """A program that takes ffmpeg's arguments and gives what it would give."""
    (folder / "made").write_bytes(made)
    (folder / "samples").write_bytes(samples)
    program = folder / "ffmpeg"
    program.write_text(
        "#!/bin/sh\n"
        "for last; do :; done\n"
        f'if [ "$last" = - ]; then /bin/cat "{folder}/samples"; else /bin/cat "{folder}/made" > "$last"; fi\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def test_other_sound_becomes_a_voice_note(programs: Path, tmp_path: Path) -> None:
    loud = struct.pack("<640h", *([0] * 320 + [1000] * 320))
    install_ffmpeg(programs, ogg(7), loud)
    source = tmp_path / "song.mp3"
    source.write_bytes(b"ID3 something")
    made, told = sealing.as_voice(source, Told(mimetype="audio/mpeg"), tmp_path)
    assert made.read_bytes() == ogg(7)
    assert (told.mimetype, told.duration_s) == ("audio/ogg; codecs=opus", 7)
    assert (told.waveform[0], told.waveform[63], len(told.waveform)) == (0, 100, 64)


def test_without_ffmpeg_only_opus_is_a_voice_note(programs: Path, tmp_path: Path) -> None:
    source = tmp_path / "song.mp3"
    source.write_bytes(b"ID3 something")
    with pytest.raises(BadMedia, match="ffmpeg is not installed"):
        sealing.as_voice(source, Told(mimetype="audio/mpeg"), tmp_path)
    right = tmp_path / "note.ogg"
    right.write_bytes(ogg(2))
    made, told = sealing.as_voice(right, Told(mimetype="audio/ogg; codecs=opus"), tmp_path)
    assert (made, told.waveform) == (right, b"")


def test_an_ffmpeg_that_fails_is_named(programs: Path, tmp_path: Path) -> None:
    program = programs / "ffmpeg"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o700)
    with pytest.raises(BadMedia, match="could not read"):
        sealing.as_voice(tmp_path / "x", Told(mimetype="audio/mpeg"), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]


@pytest.mark.parametrize("frames", [1, 3])
def test_pictures_become_stickers(tmp_path: Path, frames: int) -> None:
    image = pytest.importorskip("PIL.Image")
    pictures = [image.new("RGB", (300, 200), (index * 80, 0, 0)) for index in range(frames)]
    source = tmp_path / "picture.gif"
    pictures[0].save(source, "GIF", save_all=True, append_images=pictures[1:], duration=80)
    made, told = sealing.as_sticker(source, Told(mimetype="image/gif"), tmp_path)
    found = measure(made.read_bytes())
    assert found is not None
    assert (found.width, found.height, found.animated) == (512, 512, frames > 1)
    assert (told.mimetype, told.animated) == ("image/webp", frames > 1)


def test_what_is_no_picture_is_no_sticker(tmp_path: Path) -> None:
    source = tmp_path / "words.txt"
    source.write_bytes(b"words")
    with pytest.raises(BadMedia, match="must be WebP"):
        sealing.as_sticker(source, Told(mimetype="text/plain"), tmp_path)


def test_a_picture_gets_a_thumbnail(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    out = io.BytesIO()
    image.frombytes("RGB", (400, 300), os.urandom(400 * 300 * 3)).save(out, "PNG")
    told = sealing.look(out, len(out.getvalue()), Told())
    small = measure(told.thumbnail)
    assert small is not None
    assert max(small.width, small.height) == 100
    assert (told.width, told.height) == (400, 300)
