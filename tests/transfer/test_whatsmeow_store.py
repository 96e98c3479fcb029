"""A whatsmeow database taken over. Made here by its schema out of the sample account, so its sessions can be checked."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from protocol.creds import CREDS, CREDS_ID
from protocol.flows.tokens import TOKENS
from protocol.keystore import Keystore, Kind
from protocol.signal.foreign import whatsmeow as records
from protocol.signal.records import IDENTITIES, PRE_KEYS, SENDER_KEYS, SESSIONS
from tests.support.vectors import FOLDER
from tests.transfer.test_baileys_folder import expected, steps
from waconnd.store.transfer import baileys, whatsmeow
from waconnd.store.transfer.report import Held, TransferError

NOW = 1_790_000_000.0
SCHEMA = """
create table whatsmeow_version(version integer, compat integer);
create table whatsmeow_device(jid text primary key, lid text, facebook_uuid text, registration_id bigint, noise_key blob,
  identity_key blob, signed_pre_key blob, signed_pre_key_id integer, signed_pre_key_sig blob, adv_key blob, adv_details blob,
  adv_account_sig blob, adv_account_sig_key blob, adv_device_sig blob, platform text, business_name text, push_name text,
  lid_migration_ts bigint);
create table whatsmeow_identity_keys(our_jid text, their_id text, identity blob);
create table whatsmeow_pre_keys(jid text, key_id integer, key blob, uploaded boolean);
create table whatsmeow_sessions(our_jid text, their_id text, session blob);
create table whatsmeow_sender_keys(our_jid text, chat_id text, sender_id text, sender_key blob);
create table whatsmeow_privacy_tokens(our_jid text, their_jid text, token blob, timestamp bigint, sender_timestamp bigint);
create table whatsmeow_lid_map(lid text primary key, pn text);
"""


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER / "baileys_auth", tmp_path / "baileys"))


@pytest.fixture
def database(sample: Path, tmp_path: Path) -> Path:
    path = tmp_path / "store.db"
    view = Held(baileys.read_folder(sample).changes)
    creds = CREDS.get(view, CREDS_ID)
    assert creds is not None
    assert creds.account is not None
    own = creds.account
    db = sqlite3.connect(path)
    db.executescript(SCHEMA)
    db.execute("insert into whatsmeow_version values(15, 8)")
    signed = creds.signed_pre_key
    db.execute(
        "insert into whatsmeow_device values(?, ?, null, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'android', '', 'Me', 1)",
        (
            own.pn, own.lid, creds.registration_id, creds.noise.private, creds.identity.private, signed.pair.private, signed.id,
            signed.signature, creds.adv_secret, own.details, own.account_signature, own.account_key, own.device_signature,
        ),
    )  # fmt: skip
    for id in SESSIONS.ids(view):
        record = SESSIONS.get(view, id)
        assert record is not None
        name = ":".join(id.rsplit(".", 1))
        db.execute(
            "insert into whatsmeow_sessions values(?, ?, ?)", (own.pn, name, records.export_session(record))
        )
    for id in IDENTITIES.ids(view):
        identity = IDENTITIES.get(view, id)
        assert identity is not None
        db.execute(
            "insert into whatsmeow_identity_keys values(?, ?, ?)",
            (own.pn, ":".join(id.rsplit(".", 1)), identity.key),
        )
    for id in SENDER_KEYS.ids(view):
        keys = SENDER_KEYS.get(view, id)
        assert keys is not None
        group, name, device = id.split("::")
        row = (own.pn, group, f"{name}:{device}", records.export_sender_key(keys))
        db.execute("insert into whatsmeow_sender_keys values(?, ?, ?, ?)", row)
    for id in PRE_KEYS.ids(view):
        key = PRE_KEYS.get(view, id)
        assert key is not None
        db.execute(
            "insert into whatsmeow_pre_keys values(?, ?, ?, ?)", (own.pn, int(id), key.private, int(id) < 7)
        )
    db.execute("insert into whatsmeow_lid_map values('200000000000011', '15557650001')")
    db.execute(
        "insert into whatsmeow_privacy_tokens values(?, '200000000000011@lid', x'0102', 1760000000, null)",
        (own.pn,),
    )
    db.commit()
    db.close()
    return path


@pytest.mark.vectors
def test_sessions_go_on(database: Path, sample: Path) -> None:
    imported = whatsmeow.read_database(database)
    assert imported.report.skipped == ()
    # Its skipped keys have no seeds, which ours keep as they are: everything can be read all the same.
    steps(Keystore(Held(imported.changes)), expected(sample))
    creds = CREDS.get(Held(imported.changes), CREDS_ID)
    assert creds is not None
    highest = max(int(id) for kind, id in imported.changes if kind == Kind.PRE_KEY)
    assert (creds.next_pre_key_id, creds.first_unuploaded_pre_key_id) == (highest + 1, 7)
    token = TOKENS.get(Held(imported.changes), "200000000000011@lid")
    assert token is not None
    assert (token.token, token.timestamp) == (b"\1\2", 1760000000)


@pytest.mark.vectors
def test_a_broken_row_is_skipped(database: Path) -> None:
    db = sqlite3.connect(database)
    own = whatsmeow.devices(database)[0]
    db.execute("insert into whatsmeow_sessions values(?, '1:0', x'ffff')", (own,))
    db.execute("insert into whatsmeow_sessions values(?, 'nobody', x'')", (own,))
    db.commit()
    db.close()
    assert [s.piece for s in whatsmeow.read_database(database).report.skipped] == ["whatsmeow_sessions"] * 2


@pytest.mark.vectors
def test_of_several_devices_one_must_be_named(database: Path) -> None:
    own = whatsmeow.devices(database)[0]
    db = sqlite3.connect(database)
    db.execute(
        "insert into whatsmeow_device select '1:2@s.whatsapp.net', null, facebook_uuid, registration_id, noise_key,"
        " identity_key, signed_pre_key, signed_pre_key_id, signed_pre_key_sig, adv_key, adv_details, adv_account_sig,"
        " adv_account_sig_key, adv_device_sig, platform, business_name, push_name, lid_migration_ts from whatsmeow_device"
    )
    db.commit()
    db.close()
    with pytest.raises(TransferError, match="several devices"):
        whatsmeow.read_database(database)
    assert whatsmeow.read_database(database, own).report.number == own
    whatsmeow.mark_moved(database, "main", own, NOW)
    with pytest.raises(TransferError, match="moved to waconnd's account 'main'"):
        whatsmeow.read_database(database, own)
    assert database.exists(), "another device still lives there"


@pytest.mark.vectors
def test_a_store_of_one_device_is_put_aside(database: Path) -> None:
    own = whatsmeow.read_database(database).report.number
    whatsmeow.mark_moved(database, "main", own, NOW)
    assert not database.exists()
    assert database.with_name("store.db.moved").exists()


@pytest.mark.vectors
def test_what_is_no_such_store_is_refused(database: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(TransferError, match="no SQLite database"):
        whatsmeow.read_database(tmp_path / "notes.txt")
    sqlite3.connect(tmp_path / "other.db").execute("create table x(y)").connection.close()
    with pytest.raises(TransferError, match="store of whatsmeow"):
        whatsmeow.read_database(tmp_path / "other.db")
    db = sqlite3.connect(database)
    db.execute("update whatsmeow_version set version = 5")
    db.commit()
    with pytest.raises(TransferError, match="schema 5"):
        whatsmeow.read_database(database)
    db.close()
