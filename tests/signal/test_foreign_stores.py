"""A real Baileys folder: read, used, and written again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from protocol.creds import Creds
from protocol.keystore import Txn
from protocol.pb.signal_pb2 import RecordStructure
from protocol.signal import groups, session
from protocol.signal.foreign import baileys, whatsmeow
from protocol.signal.foreign.credentials import export_creds, import_creds, import_device
from protocol.signal.foreign.values import ForeignError, as_bytes, as_key
from protocol.signal.padding import unpad
from protocol.signal.records import (
    IDENTITIES,
    PRE_KEYS,
    SENDER_KEYS,
    SESSIONS,
    SenderKeyRecord,
    SenderState,
    SessionRecord,
    archived_states,
)
from tests.signal.support import VECTORS, Memory

pytestmark = pytest.mark.vectors
FOLDERS = sorted(path.parent for path in VECTORS.glob("*/expected.json"))
FOLDER = FOLDERS[0]
Twist = Callable[[SessionRecord], SessionRecord]


def read(path: Path) -> Any:
    return msgspec.json.decode(path.read_bytes())


def creds(folder: Path = FOLDER) -> Creds:
    return import_creds(read(folder / "creds.json"))


def files(prefix: str, folder: Path = FOLDER) -> dict[str, Any]:
    return {path.stem.removeprefix(prefix): read(path) for path in folder.glob(f"{prefix}*.json")}


def a_session() -> Any:
    """One that can send and has skipped keys."""
    for obj in files("session-").values():
        current = baileys.import_session(obj, creds()).current
        if current and current.sending.key and any(chain.skipped for chain in current.receiving):
            return obj
    raise AssertionError("no session of the folder has skipped keys")


def same(value: Any) -> Any:
    return value


def through_baileys(record: SessionRecord) -> SessionRecord:
    exported = msgspec.json.decode(msgspec.json.encode(baileys.export_session(record, 1_800_000_000.0)))
    return baileys.import_session(exported, creds())


def through_whatsmeow(record: SessionRecord) -> SessionRecord:
    return whatsmeow.import_session(whatsmeow.export_session(record))


def keys_through_baileys(record: SenderKeyRecord) -> SenderKeyRecord:
    return baileys.import_sender_key(
        msgspec.json.decode(msgspec.json.encode(baileys.export_sender_key(record)))
    )


def keys_through_whatsmeow(record: SenderKeyRecord) -> SenderKeyRecord:
    return whatsmeow.import_sender_key(whatsmeow.export_sender_key(record))


def fill(txn: Txn, folder: Path, sessions: Twist, sender_keys: Any) -> None:
    me = creds(folder)
    for address, obj in files("session-", folder).items():
        SESSIONS.put(txn, address, sessions(baileys.import_session(obj, me)))
    for name, obj in files("sender-key-", folder).items():
        if not name.startswith("memory-"):
            record = baileys.import_sender_key(obj)
            SENDER_KEYS.put(txn, name.replace("--", "::"), sender_keys(record))
    for number, obj in files("pre-key-", folder).items():
        PRE_KEYS.put(txn, number, baileys.import_pre_key(obj))
    for address, obj in files("identity-key-", folder).items():
        IDENTITIES.put(txn, address, baileys.import_identity(obj))


@pytest.mark.parametrize(
    ("sessions", "sender_keys"),
    [
        pytest.param(same, same, id="imported"),
        pytest.param(through_baileys, keys_through_baileys, id="exported and imported again"),
        pytest.param(through_whatsmeow, keys_through_whatsmeow, id="by way of the Go library's form"),
    ],
)
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_the_owner_goes_on(folder: Path, sessions: Twist, sender_keys: Any) -> None:
    expected = read(folder / "expected.json")
    store = Memory()
    me = session.local_from_creds(creds(folder), lambda size: bytes(range(size)))
    owner = expected["owner"]
    assert me.registration_id == owner["registration_id"]
    assert me.identity.public.hex() == owner["identity_public"]
    txn = store.txn()
    fill(txn, folder, sessions, sender_keys)
    store.keep(txn)
    store.restart()
    for step in expected["encrypt"]:
        txn = store.txn()
        sealed = session.encrypt(txn, step["signal_address"], bytes.fromhex(step["padded_plaintext"]), me=me)
        assert (sealed.type, sealed.data.hex()) == (step["type"], step["ciphertext"]), step["note"]
        store.keep(txn)
    for step in expected["decrypt"]:
        txn = store.txn()
        data = bytes.fromhex(step["ciphertext"])
        opened = session.decrypt(txn, step["signal_address"], step["type"], data, me=me, now=0.0)
        assert opened.plaintext.hex() == step["plaintext"], step["note"]
        assert step["text"].encode() in unpad(opened.plaintext)
        store.keep(txn)
    for step in expected["group_decrypt"]:
        txn = store.txn()
        plaintext = groups.decrypt(
            txn, expected["group"], step["signal_address"], bytes.fromhex(step["ciphertext"])
        )
        assert plaintext.hex() == step["plaintext"], step["note"]
        store.keep(txn)


def test_credentials_there_and_back() -> None:
    mine = creds()
    assert mine.account
    owner = read(FOLDER / "expected.json")["owner"]
    assert (mine.account.pn, mine.account.lid) == (owner["jid"], owner["lid"])
    assert mine.account.account_key.hex() == owner["account_signature_key"]
    written = msgspec.json.decode(msgspec.json.encode(export_creds(mine, lambda size: bytes(size))))
    theirs = read(FOLDER / "creds.json")
    for name in (
        "noiseKey",
        "signedIdentityKey",
        "account",
        "advSecretKey",
        "registrationId",
        "nextPreKeyId",
    ):
        assert written[name] == theirs[name], name
    assert import_creds(written) == mine


def test_the_row_of_the_go_library() -> None:
    mine = creds()
    account = mine.account
    assert account
    row = {
        "jid": account.pn,
        "lid": account.lid,
        "registration_id": mine.registration_id,
        "noise_key": mine.noise.private,
        "identity_key": mine.identity.private,
        "signed_pre_key": mine.signed_pre_key.pair.private,
        "signed_pre_key_id": mine.signed_pre_key.id,
        "signed_pre_key_sig": mine.signed_pre_key.signature,
        "adv_key": mine.adv_secret,
        "adv_details": account.details,
        "adv_account_sig": account.account_signature,
        "adv_account_sig_key": account.account_key,
        "adv_device_sig": account.device_signature,
        "push_name": mine.push_name,
        "platform": account.platform,
    }
    read_again = import_device(row, next_pre_key_id=9, first_unuploaded=9)
    assert read_again.identity == mine.identity
    assert read_again.account == account
    row["identity_key"] = bytes(32)
    with pytest.raises(ForeignError, match="not signed"):
        import_device(row, next_pre_key_id=9, first_unuploaded=9)


def spoil(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    whole = read(FOLDER / "creds.json")
    inner = whole
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return whole


OTHER = {"type": "Buffer", "data": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        (("me",), None, "not linked"),
        (("account",), None, "not linked"),
        (("me", "id"), "15551230000@s.whatsapp.net", "of a phone"),
        (("me", "id"), "junk", "own address"),
        (("noiseKey", "private"), OTHER, "Noise"),
        (("signedIdentityKey", "public"), OTHER, "identity"),
        (("signedPreKey", "signature"), OTHER, "signed prekey"),
        (("account", "accountSignature"), "AAAA", "account did not sign"),
        (("account", "deviceSignature"), "AAAA", "device signature"),
        (("account", "details"), "//8=", "damaged"),
        (("registrationId",), -1, "out of range"),
        (("registrationId",), None, "number"),
        (("advSecretKey",), "AAAA", "bytes"),
        (("noiseKey",), [], "object"),
    ],
)
def test_credentials_that_can_not_work_are_refused(path: tuple[str, ...], value: Any, why: str) -> None:
    with pytest.raises(ForeignError, match=why):
        import_creds(spoil(path, value))


@pytest.mark.parametrize(
    "form",
    [
        {"type": "Buffer", "data": "BQE="},
        {"type": "Buffer", "data": [5, 1]},
        {"0": 5, "1": 1},
        "BQE=",
        b"\x05\x01",
        [5, 1],
    ],
    ids=str,
)
def test_every_form_of_bytes(form: Any) -> None:
    assert as_bytes(form) == b"\x05\x01"


@pytest.mark.parametrize(
    "form", [None, 5, "!", {"type": "Buffer"}, {"1": 5}, {"0": 300}, [999], {"0": "x"}], ids=str
)
def test_what_is_no_bytes(form: Any) -> None:
    with pytest.raises(ForeignError):
        as_bytes(form)


def test_a_key_of_a_wrong_length() -> None:
    with pytest.raises(ForeignError):
        as_key(b"\x06" * 33)


@pytest.mark.parametrize("junk", [None, [], 7, {"_sessions": {"a": {}}}, {"_sessions": {"a": 1}}], ids=str)
def test_sessions_that_make_no_sense(junk: Any) -> None:
    with pytest.raises(ForeignError):
        baileys.import_session(junk, creds())


def test_the_newest_sender_key_stands_last_in_baileys_and_first_with_us() -> None:
    states = [SenderState(id=n, public=bytes(32), key=bytes(32), index=n) for n in range(5)]
    record = SenderKeyRecord(states=states)
    for there_and_back in (keys_through_baileys, keys_through_whatsmeow):
        assert there_and_back(record) == record
    written = msgspec.json.decode(as_bytes(baileys.export_sender_key(record)))
    assert [state["senderKeyId"] for state in written] == [4, 3, 2, 1, 0]
    assert [state.id for state in baileys.import_sender_key([*written, written[0] | {"senderKeyId": 9}]).states] == [
        9, 0, 1, 2, 3,
    ]  # fmt: skip


@pytest.mark.parametrize("junk", [None, {}, "AAAA", [{}], "W10="], ids=str)
def test_sender_keys_that_make_no_sense(junk: Any) -> None:
    if junk == "W10=":
        assert baileys.import_sender_key(junk).states == []
        return
    with pytest.raises(ForeignError):
        baileys.import_sender_key(junk)


@pytest.mark.parametrize("junk", [b"\x0a\x05", b"\xff" * 9], ids=repr)
def test_protobufs_that_make_no_sense(junk: bytes) -> None:
    with pytest.raises(ForeignError):
        whatsmeow.import_session(junk)
    with pytest.raises(ForeignError):
        whatsmeow.import_sender_key(junk)


def test_addresses_of_the_go_library() -> None:
    assert whatsmeow.import_address("456_1:12") == "456_1.12"
    for junk in ("456", ":1", "456:x"):
        with pytest.raises(ForeignError):
            whatsmeow.import_address(junk)


def test_the_go_form_keeps_derived_keys() -> None:
    """A skipped key that is no seed opens its message, and is left out of what Baileys gets."""
    obj = a_session()
    record = through_whatsmeow(baileys.import_session(obj, creds()))
    assert record.current
    kept = [key for chain in record.current.receiving for key in chain.skipped.values()]
    assert kept
    assert {len(key) for key in kept} == {80}
    again = through_baileys(record)
    assert again.current
    assert not any(chain.skipped for chain in again.current.receiving)


def test_old_states_and_missing_parts() -> None:
    """More states than one, closed chains, a registration id at the top, a hidden id without its device."""
    obj = a_session()
    (name, entry), *_ = obj["_sessions"].items()
    sessions = {}
    for n in range(45):
        old = msgspec.json.decode(msgspec.json.encode(entry))
        del old["registrationId"]
        old["indexInfo"] |= {"closed": 1000 + n, "used": 1000 + n, "created": None}
        sessions[f"{n}"] = old
    record = baileys.import_session({"_sessions": sessions, "registrationId": 77}, creds())
    # Nothing open: all are archived, none can send.
    assert record.current is None
    assert len(record.archived) == 40
    sessions[name] = entry
    record = baileys.import_session({"_sessions": sessions, "registrationId": 77}, creds())
    assert record.current
    assert record.current.their_registration_id == entry["registrationId"]
    assert {state.their_registration_id for state in archived_states(record, "")} == {77}
    again = whatsmeow.import_session(whatsmeow.export_session(record))
    assert len(again.archived) == 40
    closed = msgspec.json.decode(msgspec.json.encode(entry))
    closed["_chains"] = {key: chain for key, chain in closed["_chains"].items() if chain["chainType"] == 2}
    record = baileys.import_session({"_sessions": {name: closed}}, creds())
    assert record.current
    assert record.current.sending.key is None
    assert through_baileys(record) == record
    whole = spoil(("me", "lid"), "200000000000001@lid")
    account = import_creds(whole).account
    assert account
    assert account.lid == "200000000000001:7@lid"


def test_small_records_there_and_back() -> None:
    for number, obj in files("pre-key-").items():
        key = baileys.import_pre_key(obj)
        assert baileys.export_pre_key(key) == obj
        assert whatsmeow.import_pre_key(key.private) == key, number
    for obj in files("identity-key-").values():
        identity = baileys.import_identity(obj)
        assert baileys.export_identity(identity) == obj
        assert whatsmeow.import_identity(identity.key) == identity


def test_a_sparse_account_is_exported_too() -> None:
    mine = creds()
    assert mine.account
    account = msgspec.structs.replace(mine.account, lid="")
    sparse = msgspec.structs.replace(
        mine, account=account, routing_info=b"", props_hash="", my_app_state_key=""
    )
    written = export_creds(sparse, bytes)
    assert not {"routingInfo", "lastPropHash", "myAppStateKeyId"} & written.keys()
    assert import_creds(written).account == account
    with pytest.raises(ForeignError, match="not linked"):
        export_creds(msgspec.structs.replace(mine, account=None), bytes)
    full = export_creds(msgspec.structs.replace(mine, my_app_state_key="AAAAAFZm"), bytes)
    assert import_creds(full).my_app_state_key == "AAAAAFZm"


def test_a_go_session_with_odd_skipped_keys() -> None:
    obj = a_session()
    pb = RecordStructure.FromString(whatsmeow.export_session(baileys.import_session(obj, creds())))
    pb.currentSession.receiverChains[-1].messageKeys.add(index=9, cipherKey=b"x", macKey=b"y", iv=b"z")
    with pytest.raises(ForeignError, match="wrong lengths"):
        whatsmeow.import_session(pb.SerializeToString())


@pytest.mark.parametrize("address", ["@", "1203@g.us", "s.whatsapp.net"])
def test_own_addresses_of_nobody(address: str) -> None:
    with pytest.raises(ForeignError, match="own address"):
        import_creds(spoil(("me", "id"), address))
