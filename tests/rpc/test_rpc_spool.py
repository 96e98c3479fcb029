"""Uploads that wait to be used: for their owner alone, so many and no more, for a day, and never half of one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from waconnd.rpc import spool as spools
from waconnd.rpc.errors import RpcError
from waconnd.rpc.spool import KEEP_S, MAX_PER_OWNER, Spool


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    spool = Spool(tmp_path / "spool")
    spool.open()
    return spool


async def put(spool: Spool, *parts: bytes, owner: int = 1) -> str:
    kept = await spool.put(pieces(*parts), owner=owner, mimetype="text/plain", file_name="a")
    return str(kept["upload"])


async def test_a_handle_is_its_owner_s(spool: Spool) -> None:
    handle = await put(spool, b"ab", b"cd")
    path, kept = spool.find(handle, 1)
    assert (path.read_bytes(), kept.size) == (b"abcd", 4)
    assert spool.find(handle, None)[0] == path
    with pytest.raises(RpcError, match="no upload"):
        spool.find(handle, 2)


async def test_so_many_and_no_more(spool: Spool) -> None:
    handles = [await put(spool, b"x") for _ in range(MAX_PER_OWNER)]
    with pytest.raises(RpcError, match="wait to be used"):
        await put(spool, b"x")
    await put(spool, b"x", owner=2)
    spool.drop(handles[0])
    await put(spool, b"x")


async def test_a_day_and_no_longer(spool: Spool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    handle = await put(spool, b"x")
    now = spools.time.time()
    monkeypatch.setattr(spools.time, "time", lambda: now + KEEP_S - 5)
    spool.find(handle, 1)
    monkeypatch.setattr(spools.time, "time", lambda: now + KEEP_S + 5)
    with pytest.raises(RpcError, match="kept for a day"):
        spool.find(handle, 1)
    assert list((tmp_path / "spool").iterdir()) == []


async def test_half_a_file_is_none(spool: Spool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise ConnectionError("the line ended")

    with pytest.raises(ConnectionError):
        await spool.put(broken(), owner=1, mimetype="", file_name="")
    monkeypatch.setattr(spools, "MAX_SIZE", 10)
    with pytest.raises(RpcError, match="10 bytes"):
        await put(spool, b"0123456789", b"0")
    assert list((tmp_path / "spool").iterdir()) == []


async def test_leftovers_of_an_earlier_process_go(tmp_path: Path) -> None:
    first = Spool(tmp_path / "spool")
    first.open()
    await put(first, b"x")
    second = Spool(tmp_path / "spool")
    second.open()
    assert list((tmp_path / "spool").iterdir()) == []
