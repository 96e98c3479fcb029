"""Logs: fields, masks, repeats, levels; and that nothing secret gets there."""

from __future__ import annotations

import logging
import os
import socket
import struct

import msgspec
import pytest

from waconnd import logs
from waconnd.logs.levels import LEVELS
from waconnd.logs.redact import masking, scrub
from waconnd.logs.sinks import Journal, Lines, choose

NUMBERS = [
    "573126809496@s.whatsapp.net",
    "100000000000001@lid",
    "573126809496:12@s.whatsapp.net",
    "+573126809496",
]


@pytest.fixture
def restored():
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before[0], before[1]
    LEVELS.overrides.clear()
    LEVELS.base = logging.INFO
    masking(b"", full=False)


class Text:
    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text

    def flush(self):
        pass


def fields_of(data: bytes) -> dict[str, str]:
    out = {}
    while data:
        line, _, rest = data.partition(b"\n")
        name, sign, value = line.partition(b"=")
        if not sign:
            (size,) = struct.unpack("<Q", rest[:8])
            value, rest = rest[8 : 8 + size], rest[9 + size :]
        out[name.decode()] = value.decode()
        data = rest
    return out


def test_the_journal_gets_real_fields(tmp_path, restored):
    journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    journal.bind(str(tmp_path / "journal"))
    handler = logs.setup(handler=Journal(str(tmp_path / "journal")), salt=b"salt")
    log = logging.getLogger("waconnd.test")
    log.info("two\nlines", extra=logs.fields("account.linked", account="shop", peer_uid=1000))
    got = fields_of(journal.recv(65536))
    assert got["MESSAGE"] == "two\nlines"
    assert got["MESSAGE_ID"] == logs.MESSAGE_IDS["account.linked"]
    assert (got["WACONND_ACCOUNT"], got["WACONND_PEER_UID"], got["PRIORITY"]) == ("shop", "1000", "6")
    assert got["CODE_FUNC"] == "test_the_journal_gets_real_fields"
    try:
        raise ValueError(f"no session for {NUMBERS[0]}")
    except ValueError:
        log.exception("failed for %s", NUMBERS[1])
    got = fields_of(journal.recv(65536))
    assert got["PRIORITY"] == "3"
    assert "ValueError" in got["MESSAGE"]
    assert not any(number.partition("@")[0] in got["MESSAGE"] for number in NUMBERS)
    handler.close()
    journal.close()


@pytest.mark.parametrize("form", ["text", "prefix", "json"])
def test_lines(form, restored):
    out = Text()
    logs.setup(handler=Lines(out, form), salt=b"salt")
    logging.getLogger("protocol.x").warning("one\ntwo %s", NUMBERS[0], extra=logs.fields(account="shop"))
    assert "573126809496" not in out.text
    if form == "json":
        got = msgspec.json.decode(out.text)
        assert (got["level"], got["account"]) == ("warning", "shop")
    elif form == "prefix":
        assert [line[:3] for line in out.text.splitlines()] == ["<4>", "<4>"]
    else:
        assert "shop: one" in out.text


def test_people_are_marks_that_stay_the_same():
    masking(b"salt", full=False)
    try:
        marks = {scrub(f"x {number} y") for number in NUMBERS if number.startswith(("573", "+573"))}
        assert len(marks) == 1
        assert logs.who(NUMBERS[1]).startswith("u:")
        assert logs.who("120363000000000001@g.us").startswith("g:")
        first = logs.who(NUMBERS[0])
        masking(b"another", full=False)
        assert logs.who(NUMBERS[0]) != first
        masking(b"salt", full=True)
        assert scrub(NUMBERS[0]) == NUMBERS[0]
    finally:
        masking(b"", full=False)
    assert (str(logs.Secret(b"k" * 32)), repr(logs.Secret(b"k" * 32)), f"{logs.Secret(b'k')}") == (
        "<32 bytes>",
        "<32 bytes>",
        "<1 bytes>",
    )


def test_times_ids_and_versions_are_no_people():
    for text in (
        "2.3000.1045798079",
        "seq 123456789",
        "3EB0A1B2C3D4E5F60718293A",
        "at 1763640000.120",
        "a@g.us",
    ):
        assert scrub(text) == text


def test_repeats_are_counted(restored):
    out = Text()
    logs.setup(handler=Lines(out, "text"))
    log = logging.getLogger("waconnd.test")
    for n in range(100):
        log.warning("try %d failed", n, extra=logs.fields(account="a"))
    log.warning("something else")
    assert out.text.count("failed") == 5
    assert "only be counted" in out.text
    assert "something else" in out.text


def test_levels_by_module_account_and_time(restored, monkeypatch):
    out = Text()
    logs.setup(handler=Lines(out, "text"))
    assert logs.set_level("debug", account="shop", for_s=60) == "info"
    log = logging.getLogger("waconnd.link")
    log.debug("seen", extra=logs.fields(account="shop"))
    log.debug("unseen", extra=logs.fields(account="other"))
    logs.set_level("error", module="waconnd.link")
    log.warning("quiet")
    logging.getLogger("waconnd.other").info("loud")
    now = __import__("time").monotonic()
    monkeypatch.setattr("waconnd.logs.levels.time.monotonic", lambda: now + 61)
    logging.getLogger("waconnd.x").debug("too late", extra=logs.fields(account="shop"))
    assert [line.split()[-1] for line in out.text.splitlines()] == ["seen", "loud"]


def test_the_journal_is_chosen_by_its_stream_only(monkeypatch):
    stat = os.fstat(2)
    assert isinstance(choose("auto", {"JOURNAL_STREAM": "1:1"}), Lines)
    handler = choose("auto", {"JOURNAL_STREAM": f"{stat.st_dev}:{stat.st_ino}"})
    assert isinstance(handler, Journal)
    handler.close()
