"""Other programs' files with any value in any place: read, or refused with a sentence, never anything else."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.signal.foreign import baileys
from protocol.signal.foreign.credentials import export_creds, import_creds
from protocol.signal.foreign.values import ForeignError, as_bytes, as_number
from protocol.signal.records import SENDER_KEYS, SESSIONS
from tests.signal.support import VECTORS

pytestmark = pytest.mark.vectors
FOLDER = VECTORS / "baileys_auth"

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=6),
    st.sampled_from(
        ["", "9" * 5000, "--5", "AAAA", "=", "-1", {"type": "Buffer"}, {"type": "Buffer", "data": {}}]
    ),
    st.lists(st.integers(-1, 300), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


def read(path: Path) -> Any:
    return msgspec.json.decode(path.read_bytes())


def places(value: Any, path: tuple = ()) -> list[tuple]:
    found = [path] if path else []
    if isinstance(value, dict):
        for name, inner in value.items():
            found += places(inner, (*path, name))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            found += places(inner, (*path, place))
    return found


def with_value(whole: Any, path: tuple, value: Any) -> Any:
    whole = deepcopy(whole)
    inner = whole
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return whole


CREDS = read(FOLDER / "creds.json")
OWN = import_creds(CREDS)
SESSION_FILES = [read(path) for path in sorted(FOLDER.glob("session-*.json"))]
SENDER_FILES = [
    msgspec.json.decode(as_bytes(read(path)))
    for path in sorted(FOLDER.glob("sender-key-*.json"))
    if "memory" not in path.name
]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_credentials(data: st.DataObject) -> None:
    whole = with_value(CREDS, data.draw(st.sampled_from(places(CREDS))), data.draw(VALUES))
    try:
        creds = import_creds(whole)
    except ForeignError:
        return
    export_creds(creds, bytes)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_sessions(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from(SESSION_FILES))
    whole = with_value(whole, data.draw(st.sampled_from(places(whole))), data.draw(VALUES))
    try:
        record = baileys.import_session(whole, OWN)
    except ForeignError:
        return
    # What was taken in is a record that our own reader accepts, too.
    assert SESSIONS.decode(SESSIONS.encode(record)) == record
    baileys.export_session(record, 1.0)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_sender_keys(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from(SENDER_FILES))
    whole = with_value(whole, data.draw(st.sampled_from(places(whole))), data.draw(VALUES))
    try:
        record = baileys.import_sender_key(whole)
    except ForeignError:
        return
    assert SENDER_KEYS.decode(SENDER_KEYS.encode(record)) == record
    baileys.export_sender_key(record)


def test_numbers_written_as_text() -> None:
    assert as_number("7") == 7
    for junk in ("9" * 11, "٣", "7.0", True, 1.5, float("inf")):
        with pytest.raises(ForeignError):
            as_number(junk)
