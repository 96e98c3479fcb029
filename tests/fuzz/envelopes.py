"""Signal's inputs: envelopes of strangers, records as a disk may give them back, other programs' stores."""

from functools import cache

import msgspec

from protocol.creds import Creds
from protocol.keystore import Keystore, Kind, Txn
from protocol.signal import groups, session
from protocol.signal.errors import SignalError
from protocol.signal.foreign import baileys, whatsmeow
from protocol.signal.foreign.credentials import import_creds
from protocol.signal.foreign.values import ForeignError
from protocol.signal.records import sender_key_id
from protocol.signal.reporting import reporting_token
from tests.signal.people import Device, Letter
from tests.support.vectors import FOLDER

ANN, BEN, GROUP = "100000000000001_1.0", "100000000000002_1.3", "120363000000000001@g.us"


@cache
def scene() -> tuple[Device, Device, list[Letter], bytes, list[bytes]]:
    """Two devices with a session and an archived one, letters not read yet, a sender key and messages under it."""
    ann, ben = Device(ANN, 1), Device(BEN, 2)
    ben.read(ann.write(ben, b"one"))
    ann.read(ben.write(ann, b"two"))
    waiting = [ann.write(ben, b"three"), ann.write(ben, b"four")]
    ann.open(ben)
    ben.read(ann.write(ben, b"five"))
    waiting += [ann.write(ben, b"six"), Device(ANN, 3).write(ben, b"seven")]
    txn = ann.store.txn()
    skdm = groups.distribution(txn, GROUP, ANN, entropy=ann.me.entropy)
    sealed = [groups.encrypt(txn, GROUP, ANN, b"%d" % n, entropy=ann.me.entropy) for n in range(3)]
    ann.store.keep(txn)
    txn = ben.store.txn()
    groups.process_distribution(txn, GROUP, ANN, skdm)
    ben.store.keep(txn)
    return ann, ben, waiting, skdm, sealed


def reader() -> tuple[Txn, session.Local]:
    ben = scene()[1]
    return Keystore(ben.store.disk).txn(), ben.me


def fuzz_session(data: bytes) -> None:
    """The first byte says which envelope. What is refused changes nothing."""
    txn, me = reader()
    type = "pkmsg" if data[:1] == b"p" else "msg"
    try:
        session.decrypt(txn, ANN, type, data[1:], me=me, now=0.0)
    except SignalError:
        assert not txn.changes


def fuzz_group(data: bytes) -> None:
    txn, _ = reader()
    try:
        groups.decrypt(txn, GROUP, ANN, data)
    except SignalError:
        assert not txn.changes
    txn, _ = reader()
    try:
        groups.process_distribution(txn, GROUP, ANN, data)
    except SignalError:
        assert not txn.changes


def fuzz_records(data: bytes) -> None:
    """A record of any bytes: decrypt says what is wrong, and a new session or key can always be put in its place."""
    _, _, waiting, skdm, sealed = scene()
    txn, me = reader()
    txn.put(Kind.SESSION, ANN, data)
    txn.put(Kind.SENDER_KEY, sender_key_id(GROUP, ANN), data)
    session.has_session(txn, ANN)
    before = dict(txn.changes)
    try:
        session.decrypt(txn, ANN, waiting[0].type, waiting[0].data, me=me, now=0.0)
    except SignalError:
        assert txn.changes == before
    try:
        groups.decrypt(txn, GROUP, ANN, sealed[0])
    except SignalError:
        pass
    session.open_session(txn, ANN, bundle(), me=me, now=0.0)
    session.encrypt(txn, ANN, b"x", me=me)
    txn.put(Kind.SESSION, ANN, data)
    session.merge_sessions(txn, ANN, BEN)
    groups.process_distribution(txn, GROUP, ANN, skdm)


@cache
def bundle() -> session.Bundle:
    return Device(ANN, 4).bundle()


def fuzz_foreign(data: bytes) -> None:
    for read in (whatsmeow.import_session, whatsmeow.import_sender_key):
        try:
            read(data)
        except ForeignError:
            pass
    try:
        obj = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    for use in (
        import_creds,
        baileys.import_sender_key,
        baileys.import_pre_key,
        baileys.import_identity,
        session_of,
    ):
        try:
            use(obj)
        except ForeignError:
            pass


@cache
def own() -> Creds:
    return import_creds(msgspec.json.decode((FOLDER / "baileys_auth" / "creds.json").read_bytes()))


def session_of(obj: object) -> None:
    baileys.export_session(baileys.import_session(obj, own()), 1.0)


def fuzz_reporting(data: bytes) -> None:
    reporting_token(data, bytes(32), "id", "a@lid", "b@lid")


def letters() -> list[bytes]:
    return [(b"p" if letter.type == "pkmsg" else b"m") + letter.data for letter in scene()[2]]


def group_messages() -> list[bytes]:
    return [scene()[3], *scene()[4]]


def stored() -> list[bytes]:
    return [
        raw
        for (kind, _), raw in scene()[1].store.disk.records.items()
        if kind in (Kind.SESSION, Kind.SENDER_KEY)
    ]


def foreign() -> list[bytes]:
    return [path.read_bytes() for path in sorted((FOLDER / "baileys_auth").glob("*.json"))]


def contents() -> list[bytes]:
    cases = msgspec.json.decode((FOLDER / "secret_message.json").read_bytes())["reporting"]
    return [bytes.fromhex(case["message_protobuf"]) for case in cases]
