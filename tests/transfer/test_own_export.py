"""account.export and its way back: whole or refused, sealed when asked, and no ratchet is used twice."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.creds import CREDS, CREDS_ID
from protocol.keystore import Changes, Kind, Save
from tests.support.vectors import FOLDER
from waconnd.store.archive import Archive, Draft
from waconnd.store.authdir import AuthDir
from waconnd.store.transfer import baileys, export, vault
from waconnd.store.transfer.report import Held, TransferError
from waconnd.store.transfer.restore import restored

NOW = 1_790_000_000.0


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Changes:
    folder = shutil.copytree(FOLDER / "baileys_auth", tmp_path_factory.mktemp("b") / "auth")
    return baileys.read_folder(Path(folder)).changes


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[Archive]:
    async with Archive(tmp_path / "events.db") as opened:
        yield opened


def written(records: Changes, passphrase: str = "", history: Path | None = None) -> bytes:
    out = io.BytesIO()
    export.write(out, "main", records, seq=7, now=NOW, passphrase=passphrase, history=history)
    return out.getvalue()


@pytest.mark.parametrize("passphrase", ["", "correct horse"])
def test_what_was_written_is_read(records: Changes, tmp_path: Path, passphrase: str) -> None:
    data = written(records, passphrase)
    opened = export.read(io.BytesIO(data), tmp_path, passphrase=passphrase)
    assert opened.changes == records
    assert (opened.manifest.account, opened.manifest.seq, opened.manifest.records) == (
        "main",
        7,
        len(records),
    )
    creds = CREDS.get(Held(records), CREDS_ID)
    assert creds is not None
    for secret in (
        creds.identity.private,
        creds.noise.private,
        creds.account.pn.encode() if creds.account else b"?",
    ):
        assert not passphrase or secret not in data


def test_it_can_be_read_from_a_pipe(records: Changes, tmp_path: Path) -> None:
    readable, writable = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(readable)
        with os.fdopen(writable, "wb") as out:
            export.write(out, "main", records, seq=1, now=NOW)
        os._exit(0)
    os.close(writable)
    with os.fdopen(readable, "rb") as source:
        assert export.read(source, tmp_path).changes == records
    os.waitpid(pid, 0)


def test_each_damage_is_refused(records: Changes, tmp_path: Path) -> None:
    for passphrase in ("", "x"):
        data = written(records, passphrase)
        for place in range(0, len(data), max(1, len(data) // (6 if passphrase else 40))):
            broken = bytearray(data)
            broken[place] ^= 1
            try:
                opened = export.read(io.BytesIO(bytes(broken)), tmp_path, passphrase=passphrase)
            except TransferError:
                continue
            # Only the padding and the dates of a plain tar carry nothing.
            assert not passphrase
            assert opened.changes == records
        for length in (0, 3, 20, len(data) // 2):
            with pytest.raises(TransferError):
                export.read(io.BytesIO(data[:length]), tmp_path, passphrase=passphrase)


def test_wrong_and_missing_passphrases_are_told_apart(records: Changes, tmp_path: Path) -> None:
    data = written(records, "right")
    with pytest.raises(TransferError, match="passphrase is wrong"):
        export.read(io.BytesIO(data), tmp_path, passphrase="wrong")
    with pytest.raises(TransferError, match="give its passphrase"):
        export.read(io.BytesIO(data), tmp_path)


def test_foreign_tars_are_refused(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("../../etc/passwd"), io.BytesIO())
    with pytest.raises(TransferError, match="no manifest"):
        export.read(io.BytesIO(out.getvalue()), tmp_path)


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=200_000), st.integers(1, 70_000))
def test_the_vault_gives_back_what_went_in(data: bytes, piece: int) -> None:
    old, vault.LOG_N = vault.LOG_N, 10  # type: ignore[misc]
    try:
        out = io.BytesIO()
        with vault.seal(out, "p") as sealed:
            for start in range(0, len(data), piece):
                sealed.write(data[start : start + piece])
        assert vault.open_sealed(io.BytesIO(out.getvalue()), "p").read() == data
        # Any whole number of chunks cut off is seen as well.
        step = vault.CHUNK + vault.TAG
        for length in range(24, len(out.getvalue()), step):
            with pytest.raises(TransferError):
                vault.open_sealed(io.BytesIO(out.getvalue()[:length]), "p").read()
    finally:
        vault.LOG_N = old  # type: ignore[misc]


def test_a_restore_keeps_identity_and_drops_what_would_repeat(records: Changes, tmp_path: Path) -> None:
    back = restored(export.read(io.BytesIO(written(records)), tmp_path))
    before, after = CREDS.get(Held(records), CREDS_ID), CREDS.get(Held(back.changes), CREDS_ID)
    assert before is not None
    assert after is not None
    assert (after.identity, after.noise, after.account) == (before.identity, before.noise, before.account)
    assert after.next_pre_key_id > before.next_pre_key_id + 1_000
    assert not after.server_has_pre_keys
    kinds = {kind for kind, _ in back.changes}
    assert not kinds & {Kind.SESSION, Kind.SENDER_KEY, Kind.SENDER_KEY_MEMORY, Kind.DEVICE_LIST, Kind.PRE_KEY}
    assert {Kind.IDENTITY_KEY, Kind.APP_STATE_KEY, Kind.LID_MAPPING} <= kinds


async def test_history_goes_out_and_comes_back_searchable(
    records: Changes, archive: Archive, tmp_path: Path
) -> None:
    for account in ("main", "other"):
        events = [
            {
                "type": "message.received", "key": f"k{n}", "at": NOW + n, "id": f"M{n}", "sent_at": NOW + n,
                "chat": {"id": "1@lid", "kind": "user"}, "from": {"id": "1@lid", "name": "Ann"}, "from_me": False,
                "body": {"kind": "text", "text": f"{account} words{n}"}, "private": {"media": {"key": "k"}},
            }
            for n in range(30)
        ]  # fmt: skip
        await archive.events.append(account, events)
    await archive.outbox.add("main", Draft("1@lid", "S1", b"c", b"h", key="k"))
    await archive.history.export("main", tmp_path / "history.db")
    data = written(records, history=tmp_path / "history.db")
    (tmp_path / "unpacked").mkdir()
    opened = export.read(io.BytesIO(data), tmp_path / "unpacked")
    assert opened.history is not None
    assert b"other words" not in opened.history.read_bytes()
    async with Archive(tmp_path / "new.db") as fresh:
        await fresh.events.append("busy", events)
        assert await fresh.history.restore(opened.history, "again") == 30
        assert await fresh.history.restore(opened.history, "again") == 0
        assert [hit.message.id for hit in await fresh.messages.search("again", "words7")] == ["M7"]
        assert (await fresh.chats.get("again", "1@lid")).last_id == "M29"
        assert (await fresh.media.get("again", "1@lid", "M3")).reference == {"key": "k"}
        row = await fresh.outbox.by_key("again", "k")
        assert row is not None
        assert row.status == "failed"
        assert await fresh.verify() == []


async def test_an_account_is_exported_while_it_runs(records: Changes, tmp_path: Path) -> None:
    directory = await AuthDir.open(tmp_path / "account", create=True)
    await directory.commit(Save(1, records))
    out = io.BytesIO()
    export.write(out, "main", await directory.snapshot(), seq=directory.seq, now=NOW)
    await directory.commit(Save(2, {("lid-mapping", "1"): b"{}"}))
    assert export.read(io.BytesIO(out.getvalue()), tmp_path).changes == records
    await directory.close()
