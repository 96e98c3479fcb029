"""The rules of sessions one by one: limits, prekeys, identities, damage, two names of one device."""

import msgspec
import pytest

from protocol.crypto.curve import generate
from protocol.crypto.primitives import hmac_sha256
from protocol.errors import RecordDamaged
from protocol.keystore import Kind
from protocol.signal import errors, session
from protocol.signal.chains import MAX_JUMP, MAX_JUMP_OWN, seed
from protocol.signal.envelope import read_message, read_pre_key_message, write_message, write_pre_key_message
from protocol.signal.identity import forget_identity, identity_of
from protocol.signal.migrate import merge_names, merge_person
from protocol.signal.ratchet import knows, message_keys, open_known, open_new
from protocol.signal.records import (
    IDENTITIES,
    MAX_ARCHIVED,
    MAX_CHAINS,
    MAX_SKIPPED,
    PRE_KEYS,
    QUARANTINE,
    SENDER_KEYS,
    SESSIONS,
    SIGNED_PRE_KEYS,
    Identity,
    OldSignedPreKey,
    SenderKeyRecord,
    SenderState,
    SessionRecord,
    archive,
    archived_states,
)
from tests.signal.people import Device, Letter

ANN, BEN, EVE = "100000000000001_1.0", "100000000000002_1.3", "100000000000003_1.0"


@pytest.fixture
def ann() -> Device:
    return Device(ANN, 1)


@pytest.fixture
def ben() -> Device:
    return Device(BEN, 2)


@pytest.fixture
def pair(ann: Device, ben: Device) -> tuple[Device, Device]:
    """A session that both sides have answered on."""
    ben.read(ann.write(ben, b"hello"))
    ann.read(ben.write(ann, b"hello yourself"))
    return ann, ben


def record(device: Device, address: str) -> SessionRecord:
    found = SESSIONS.get(device.store.keystore, address)
    assert found is not None
    return found


def put(device: Device, kind: str, id: str, data: bytes) -> None:
    txn = device.store.txn()
    txn.put(kind, id, data)
    device.store.keep(txn)


# Limits


def test_how_far_one_message_may_jump(pair: tuple[Device, Device]) -> None:
    ann, ben = pair
    letters = [ann.write(ben, b"%d" % n) for n in range(MAX_JUMP + 2)]
    with pytest.raises(errors.TooFarAhead):
        ben.read(letters[MAX_JUMP + 1])
    assert ben.read(letters[MAX_JUMP]).plaintext == b"%d" % MAX_JUMP
    assert ben.read(letters[0]).plaintext == b"0"


def test_own_devices_may_jump_further(pair: tuple[Device, Device]) -> None:
    ann, ben = pair
    letters = [ann.write(ben, b"%d" % n) for n in range(MAX_JUMP + 3000)]
    last = letters.pop()
    with pytest.raises(errors.TooFarAhead):
        ben.read(last)
    assert ben.read(last, own=True).plaintext == last.text
    # The number of keys that are kept is another limit: the newest stay.
    chain = record(ben, ANN).current.receiving[-1]  # type: ignore[union-attr]
    assert len(chain.skipped) == MAX_SKIPPED
    assert max(chain.skipped) == chain.index - 2
    assert ben.read(letters[-1]).plaintext == letters[-1].text
    with pytest.raises(errors.Duplicate):
        ben.read(letters[0])
    assert MAX_JUMP_OWN > MAX_JUMP


def test_the_oldest_skipped_keys_go_first(pair: tuple[Device, Device]) -> None:
    ann, ben = pair
    letters = [ann.write(ben, b"%d" % n) for n in range(2 * MAX_SKIPPED)]
    ben.read(letters[MAX_SKIPPED - 1])
    ben.read(letters[-1])
    assert ben.read(letters[MAX_SKIPPED]).plaintext == letters[MAX_SKIPPED].text
    with pytest.raises(errors.Duplicate):
        ben.read(letters[0])


def test_five_receiving_chains(pair: tuple[Device, Device]) -> None:
    ann, ben = pair
    late = []
    for turn in range(MAX_CHAINS + 1):
        late.append(ann.write(ben, b"late %d" % turn))
        ben.read(ann.write(ben, b"ping"))
        ann.read(ben.write(ann, b"pong"))
    with pytest.raises(errors.SignalError):
        ben.read(late[0])
    for letter in late[1:]:
        assert ben.read(letter).plaintext == letter.text


def test_archived_states_are_bounded_and_still_read(ann: Device, ben: Device) -> None:
    letters = []
    for turn in range(MAX_ARCHIVED + 5):
        ann.open(ben)
        letters.append(ann.write(ben, b"session %d" % turn))
    for letter in letters:
        ben.read(letter)
    assert len(record(ben, ANN).archived) == MAX_ARCHIVED
    # An answer on an archived state of hers still arrives, and makes that state the current one.
    assert len(record(ann, BEN).archived) == MAX_ARCHIVED
    ann.read(ben.write(ann, b"answer"))


# Prekeys


def test_a_one_time_prekey_goes_with_its_message(ann: Device, ben: Device) -> None:
    letter = ann.write(ben, b"first")
    assert PRE_KEYS.get(ben.store.keystore, "1") is not None
    broken = bytearray(letter.data)
    broken[len(letter.data) - 15] ^= 1
    with pytest.raises(errors.SignalError):
        ben.read(Letter(ANN, BEN, b"", "pkmsg", bytes(broken)))
    assert PRE_KEYS.get(ben.store.keystore, "1") is not None
    assert identity_of(ben.store.keystore, ANN) is None
    opened = ben.read(letter)
    assert opened.new_session
    assert not opened.identity_changed
    assert PRE_KEYS.get(ben.store.keystore, "1") is None
    assert identity_of(ben.store.keystore, ANN) == ann.identity.public
    # The base key is known now: again is a duplicate, not a missing prekey.
    with pytest.raises(errors.Duplicate):
        ben.read(letter)
    assert not ben.read(ann.write(ben, b"second")).new_session


def test_a_used_prekey(ann: Device, ben: Device) -> None:
    letter = ann.write(ben, b"first")
    ben.read(letter)
    txn = ben.store.txn()
    session.delete_session(txn, ANN)
    ben.store.keep(txn)
    with pytest.raises(errors.NoPreKey) as caught:
        ben.read(letter)
    assert caught.value.retry_reason == 3


def test_older_signed_prekeys_are_found_by_id(ann: Device, ben: Device) -> None:
    letter = ann.write(ben, b"on the old one")
    newer = generate(ben.chance.randbytes)
    old = ben.signed
    ben.me = msgspec.structs.replace(ben.me, signed_pre_key=msgspec.structs.replace(old, id=2, pair=newer))
    with pytest.raises(errors.NoSignedPreKey):
        ben.read(letter)
    txn = ben.store.txn()
    SIGNED_PRE_KEYS.put(txn, "1", OldSignedPreKey(old.pair.private, old.pair.public, old.signature))
    ben.store.keep(txn)
    assert ben.read(letter).plaintext == b"on the old one"


def test_bundles_are_verified(ann: Device, ben: Device) -> None:
    good = ben.bundle()
    txn = ann.store.txn()
    for bad in (
        msgspec.structs.replace(good, signature=bytes(64)),
        msgspec.structs.replace(good, signature=b""),
        msgspec.structs.replace(good, signed_pre_key=generate(ben.chance.randbytes).public),
    ):
        with pytest.raises(errors.BadSignature):
            session.open_session(txn, BEN, bad, me=ann.me, now=0.0)
    with pytest.raises(errors.InvalidKey):
        session.open_session(txn, BEN, msgspec.structs.replace(good, pre_key=bytes(32)), me=ann.me, now=0.0)
    assert not txn.changes
    assert session.open_session(txn, BEN, good, me=ann.me, now=0.0) is False


def test_a_bundle_of_our_own_device_with_another_registration(pair: tuple[Device, Device]) -> None:
    ann, ben = pair
    other = msgspec.structs.replace(ben.bundle(), registration_id=4242)
    txn = ann.store.txn()
    with pytest.raises(errors.UntrustedIdentity):
        session.open_session(txn, BEN, other, me=ann.me, now=0.0, own=True)
    assert not txn.changes
    session.open_session(txn, BEN, other, me=ann.me, now=0.0)
    assert session.their_registration_id(txn, BEN) == 4242


# What fails changes nothing, not even in memory


@pytest.mark.parametrize("turned", [False, True], ids=["known chain", "new ratchet key"])
def test_a_state_is_untouched_by_what_does_not_open(pair: tuple[Device, Device], turned: bool) -> None:
    ann, ben = pair
    if not turned:
        ben.read(ann.write(ben, b"the chain is known"))
    ann.write(ben, b"lost")
    state = record(ben, ANN).current
    assert state
    message = read_message(ann.write(ben, b"genuine").data)
    forged = msgspec.structs.replace(message, mac=bytes(8))
    before = msgspec.json.encode(state)
    chain = knows(state, message.ratchet)
    assert (chain is None) is turned
    with pytest.raises(errors.BadMac):
        if chain is None:
            open_new(state, forged, MAX_JUMP, ben.me.entropy)
        else:
            open_known(state, chain, forged, MAX_JUMP)
    assert msgspec.json.encode(state) == before


def test_promotion_moves_one_state_and_loses_none(ann: Device, ben: Device) -> None:
    waiting = []
    for _ in range(4):
        ann.open(ben)
        ben.read(ann.write(ben, b"a session"))
        waiting.append((session.base_key(ann.store.keystore, BEN), ann.write(ben, b"on it")))
    names = [name for name, _ in reversed(waiting)]
    assert order(ben) == names
    for name, letter in waiting:
        ben.read(letter)
        names.remove(name)
        names.insert(0, name)
        assert order(ben) == names


def order(device: Device) -> list[bytes]:
    whole = record(device, ANN)
    assert whole.current
    return [whole.current.base_key, *(state.base_key for state in archived_states(whole, ANN))]


# Two sessions at once, identities


def test_both_begin_at_once(ann: Device, ben: Device) -> None:
    from_ann, from_ben = ann.write(ben, b"from Ann"), ben.write(ann, b"from Ben")
    more_from_ann = ann.write(ben, b"more from Ann")
    assert ben.read(from_ann).plaintext == b"from Ann"
    assert ann.read(from_ben).plaintext == b"from Ben"
    assert ben.read(more_from_ann).plaintext == b"more from Ann"
    for turn in range(6):
        first, second = ann.write(ben, b"a%d" % turn), ben.write(ann, b"b%d" % turn)
        assert ben.read(first).plaintext == first.text
        assert ann.read(second).plaintext == second.text
    # When one falls silent they meet on one session, and prekey messages end.
    ben.read(ann.write(ben, b"x"))
    ann.read(ben.write(ann, b"y"))
    assert ann.write(ben, b"z").type == ben.write(ann, b"z").type == "msg"
    assert session.base_key(ann.store.keystore, BEN) == session.base_key(ben.store.keystore, ANN)


def test_somebody_new_under_the_same_name(pair: tuple[Device, Device]) -> None:
    ann, ben = pair
    waiting = ann.write(ben, b"written before")
    again = Device(ANN, 77)
    opened = ben.read(again.write(ben, b"reinstalled"))
    assert opened.identity_changed
    assert identity_of(ben.store.keystore, ANN) == again.identity.public
    again.open(ben)
    assert not ben.read(again.write(ben, b"another session, the same identity")).identity_changed
    # The old session is archived, not gone: a stranger's message must not be able to end it.
    assert ben.read(waiting).plaintext == b"written before"
    txn = ann.store.txn()
    assert session.open_session(txn, BEN, Device(BEN, 78).bundle(), me=ann.me, now=0.0) is True


def test_a_forged_first_message_changes_nothing(pair: tuple[Device, Device]) -> None:
    ann, ben = pair
    fresh = Device(ANN, 5)
    letter = fresh.write(ben, b"hi")
    parts = read_pre_key_message(letter.data)
    whisper = parts.message.signed + parts.message.mac
    stolen = write_pre_key_message(
        parts.base_key, ann.identity.public, 1, parts.signed_pre_key_id, parts.pre_key_id, whisper
    )
    with pytest.raises(errors.BadMac):
        ben.read(Letter(ANN, BEN, b"", "pkmsg", stolen))
    assert ben.read(ann.write(ben, b"all is well")).plaintext == b"all is well"


def test_forgetting(pair: tuple[Device, Device]) -> None:
    ann, ben = pair
    txn = ann.store.txn()
    session.delete_session(txn, BEN)
    forget_identity(txn, BEN)
    ann.store.keep(txn)
    view = ann.store.keystore
    assert identity_of(view, BEN) is None
    assert not session.has_session(view, BEN)
    assert session.base_key(view, BEN) == b""
    assert session.their_registration_id(view, BEN) is None
    with pytest.raises(errors.NoSession):
        session.encrypt(ann.store.txn(), BEN, b"x", me=ann.me)
    with pytest.raises(errors.NoSession):
        ann.read(ben.write(ann, b"x"))


NO_ENVELOPES = [
    ("msg", b""),
    ("msg", b"\x33"),
    ("msg", b"\x44" + bytes(60)),
    ("msg", b"\x33" + b"\xff" * 60),
    # A ratchet key of low order.
    ("msg", b"\x33\x0a\x20" + bytes(32) + b"\x10\x00\x22\x10" + bytes(24)),
    ("pkmsg", b""),
    ("pkmsg", b"\x33"),
    ("pkmsg", b"\x22" + bytes(60)),
    ("skmsg", bytes(99)),
]


@pytest.mark.parametrize(("type", "data"), NO_ENVELOPES)
def test_what_is_no_envelope(pair: tuple[Device, Device], type: str, data: bytes) -> None:
    with pytest.raises(errors.SignalError):
        pair[1].read(Letter(ANN, BEN, b"", type, data))


# Damage


DAMAGE = [b"", b"{", b"null", b'{"v":1,"current":{}}', b'{"v":99}', b"\xff\xfe", b'{"v":1,"archived":[5]}']


@pytest.mark.parametrize("raw", DAMAGE[:-1], ids=repr)
def test_a_damaged_session_is_no_session_and_is_kept(pair: tuple[Device, Device], raw: bytes) -> None:
    ann, ben = pair
    put(ben, Kind.SESSION, ANN, raw)
    assert not session.has_session(ben.store.keystore, ANN)
    with pytest.raises(errors.SessionDamaged) as caught:
        ben.read(ann.write(ben, b"x"))
    assert isinstance(caught.value, errors.NoSession)
    assert ANN in str(caught.value)
    with pytest.raises(errors.SessionDamaged):
        session.encrypt(ben.store.txn(), ANN, b"x", me=ben.me)
    ann.open(ben)
    opened = ben.read(ann.write(ben, b"a new session"))
    assert opened.plaintext == b"a new session"
    assert opened.damage is not None
    (id,) = QUARANTINE.ids(ben.store.keystore)
    kept = QUARANTINE.get(ben.store.keystore, id)
    assert kept is not None
    assert (kept.kind, kept.id, kept.data) == (Kind.SESSION, ANN, raw)


def test_damage_among_archived_states(pair: tuple[Device, Device]) -> None:
    ann, ben = pair
    whole = record(ben, ANN)
    whole.archived = [msgspec.Raw(b"5")]
    put(ben, Kind.SESSION, ANN, msgspec.json.encode(whole))
    with pytest.raises(errors.SessionDamaged):
        ben.read(ann.write(ben, b"x"))
    ann.open(ben)
    assert ben.read(ann.write(ben, b"new")).damage is not None


@pytest.mark.parametrize("raw", DAMAGE[:-1], ids=repr)
def test_opening_over_a_damaged_record(ann: Device, ben: Device, raw: bytes) -> None:
    put(ann, Kind.SESSION, BEN, raw)
    put(ann, Kind.IDENTITY_KEY, BEN, b"junk")
    assert identity_of(ann.store.keystore, BEN) is None
    ann.open(ben)
    assert sorted(
        QUARANTINE.get(ann.store.keystore, id).kind for id in QUARANTINE.ids(ann.store.keystore)
    ) == [  # type: ignore[union-attr]
        Kind.IDENTITY_KEY,
        Kind.SESSION,
    ]
    assert ben.read(ann.write(ben, b"healed")).plaintext == b"healed"


def test_damaged_prekeys_are_no_prekeys(ann: Device, ben: Device) -> None:
    letter = ann.write(ben, b"x")
    good = ben.store.disk.records[Kind.PRE_KEY, "1"]
    put(ben, Kind.PRE_KEY, "1", b"junk")
    with pytest.raises(errors.NoPreKey, match="pre-key/1"):
        ben.read(letter)
    put(ben, Kind.PRE_KEY, "1", good)
    put(ben, Kind.SIGNED_PRE_KEY, "1", b"junk")
    current = msgspec.structs.replace(ben.signed, id=2)
    ben.me = msgspec.structs.replace(ben.me, signed_pre_key=current)
    with pytest.raises(errors.NoSignedPreKey, match="signed-pre-key/1"):
        ben.read(letter)


def test_a_newer_version_is_damage_too(pair: tuple[Device, Device]) -> None:
    with pytest.raises(RecordDamaged, match="newer"):
        SESSIONS.decode(b'{"v":99}', ANN)


def test_nothing_secret_in_a_repr(pair: tuple[Device, Device]) -> None:
    ann, ben = pair
    opened = ben.read(ann.write(ben, b"the secret text"))
    shown = repr((opened, record(ben, ANN), record(ben, ANN).current, ben.me))
    assert "secret text" not in shown
    assert record(ben, ANN).current.root.hex()[:8] not in shown  # type: ignore[union-attr]
    assert repr(record(ben, ANN).current.root)[2:-1] not in shown  # type: ignore[union-attr]


# Two names of one device

PN, LID = "15550000001.3", "100000000000002_1.3"


def test_a_session_moves_to_the_hidden_id(ann: Device) -> None:
    by_number = Device(PN, 4)
    waiting = [by_number.write(ann, b"1"), by_number.write(ann, b"2")]
    ann.read(waiting[0])
    txn = ann.store.txn()
    merge_person(txn, "15550000001", "100000000000002")
    ann.store.keep(txn)
    assert not session.has_session(ann.store.keystore, PN)
    assert identity_of(ann.store.keystore, PN) is None
    assert identity_of(ann.store.keystore, LID) == by_number.identity.public
    assert ann.read(Letter(LID, ANN, b"2", waiting[1].type, waiting[1].data)).plaintext == b"2"


def test_sessions_under_both_names_are_kept(ann: Device) -> None:
    device = Device(LID, 4)
    old = device.write(ann, b"by number")
    ann.read(Letter(PN, ANN, b"", old.type, old.data))
    late = device.write(ann, b"late, by number")
    device.open(ann)
    ann.read(device.write(ann, b"by hidden id"))
    current = session.base_key(ann.store.keystore, LID)
    txn = ann.store.txn()
    SENDER_KEYS.put(txn, "1@g.us::15550000001::3", SenderKeyRecord(states=[sender_state(1), sender_state(2)]))
    SENDER_KEYS.put(
        txn, "1@g.us::100000000000002_1::3", SenderKeyRecord(states=[sender_state(3), sender_state(1)])
    )
    IDENTITIES.put(txn, "15550000001_128.99", Identity(bytes(32)))
    assert merge_names(txn, [("15550000001", "100000000000002"), ("1", "2")]) == 3
    ann.store.keep(txn)
    view = ann.store.keystore
    assert session.base_key(view, LID) == current
    assert list(SESSIONS.ids(view)) == [LID]
    assert list(SENDER_KEYS.ids(view)) == ["1@g.us::100000000000002_1::3"]
    merged = SENDER_KEYS.get(view, "1@g.us::100000000000002_1::3")
    assert merged
    assert [state.id for state in merged.states] == [3, 1, 2]
    assert identity_of(view, "100000000000002_129.99") == bytes(32)
    assert ann.read(Letter(LID, ANN, b"", late.type, late.data)).plaintext == b"late, by number"


def test_copies_of_one_session_read_a_message_once(ann: Device) -> None:
    """Other programs leave the same session under both names."""
    device = Device(LID, 4)
    ann.read(device.write(ann, b"hello"))
    put(ann, Kind.SESSION, PN, ann.store.disk.records[Kind.SESSION, LID])
    put(ann, Kind.IDENTITY_KEY, PN, msgspec.json.encode(Identity(bytes(32))))
    letter = device.write(ann, b"once")
    ann.read(letter)
    txn = ann.store.txn()
    merge_person(txn, "15550000001", "100000000000002")
    ann.store.keep(txn)
    with pytest.raises(errors.Duplicate):
        ann.read(letter)
    # What is known under the hidden id is the newer knowledge.
    assert identity_of(ann.store.keystore, LID) == device.identity.public


def sender_state(id: int) -> SenderState:
    return SenderState(id=id, public=bytes(32), key=bytes(32))


def test_damage_is_set_aside_when_names_merge(ann: Device, ben: Device) -> None:
    ann.open(ben)
    put(ann, Kind.SESSION, PN, b"junk")
    put(ann, Kind.SENDER_KEY, "1@g.us::15550000001::3", b"junk")
    txn = ann.store.txn()
    merge_names(txn, [("15550000001", "100000000000002")])
    ann.store.keep(txn)
    assert len(list(QUARANTINE.ids(ann.store.keystore))) == 2
    assert txn.get(Kind.SESSION, PN) is None


# States that only imported stores have


def test_a_closed_chain_opens_what_was_skipped_alone(pair: tuple[Device, Device]) -> None:
    ann, ben = pair
    ben.read(ann.write(ben, b"first"))
    early, later = ann.write(ben, b"early"), ann.write(ben, b"later")
    ben.read(later)
    whole = record(ben, ANN)
    assert whole.current
    whole.current.receiving[-1].key = None
    put(ben, Kind.SESSION, ANN, SESSIONS.encode(whole))
    with pytest.raises(errors.InvalidMessage, match="closed"):
        ben.read(ann.write(ben, b"more"))
    assert ben.read(early).plaintext == b"early"


def test_no_sending_before_the_other_side_turned(pair: tuple[Device, Device]) -> None:
    ben = pair[1]
    whole = record(ben, ANN)
    assert whole.current
    whole.current.sending.key = None
    put(ben, Kind.SESSION, ANN, SESSIONS.encode(whole))
    assert not session.has_session(ben.store.keystore, ANN)
    with pytest.raises(errors.NoSession):
        session.encrypt(ben.store.txn(), ANN, b"x", me=ben.me)


def test_a_genuine_message_with_damaged_padding(pair: tuple[Device, Device]) -> None:
    ann, ben = pair
    state = record(ann, BEN).current
    assert state
    assert state.sending.key
    keys = message_keys(seed(state.sending.key))
    signed = write_message(state.sending.public, state.sending.index, state.previous, bytes(16))
    covered = b"\x05" + state.our_identity + b"\x05" + state.their_identity + signed
    letter = Letter(ANN, BEN, b"", "msg", signed + hmac_sha256(keys[32:64], covered)[:8])
    with pytest.raises(errors.InvalidMessage):
        ben.read(letter)


def test_a_known_ratchet_key_is_tried_on_its_own_session_alone(pair: tuple[Device, Device]) -> None:
    ann, ben = pair
    ben.read(ann.write(ben, b"the chain is known"))
    letter = ann.write(ben, b"genuine")
    stranger = Device(ANN, 9)
    ben.read(stranger.write(ben, b"a second session"))
    forged = Letter(ANN, BEN, b"", "msg", letter.data[:-1] + bytes([letter.data[-1] ^ 1]))
    with pytest.raises(errors.BadMac):
        ben.read(forged)
    assert ben.read(letter).plaintext == b"genuine"
    unknown = Device(ANN, 10)
    unknown.open(ben)
    txn = unknown.store.txn()
    whole = record(unknown, BEN)
    assert whole.current
    whole.current.pending = None
    SESSIONS.put(txn, BEN, whole)
    unknown.store.keep(txn)
    with pytest.raises(errors.BadMac):
        ben.read(unknown.write(ben, b"of a session that was never here"))


def test_a_message_without_counter(pair: tuple[Device, Device]) -> None:
    data = b"\x33\x0a\x20" + b"\x09" * 32 + b"\x22\x10" + bytes(24)
    with pytest.raises(errors.InvalidMessage):
        pair[1].read(Letter(ANN, BEN, b"", "msg", data))


def test_the_session_in_use_needs_no_archived_one(pair: tuple[Device, Device]) -> None:
    """They are not even read: damage among them hurts only those who need them."""
    ann, ben = pair
    older = ann.write(ben, b"on the old session")
    ann.open(ben)
    ben.read(ann.write(ben, b"on a new session"))
    ann.read(ben.write(ann, b"yes"))
    ben.read(ann.write(ben, b"first on this chain"))
    held = record(ben, ANN)
    assert len(held.archived) == 1
    txn = ben.store.txn()
    held.archived = [msgspec.Raw(b'{"base_key":7}')]
    SESSIONS.put(txn, ANN, held)
    ben.store.keep(txn)
    letter = ann.write(ben, b"still here")
    assert ben.read(letter).plaintext == b"still here"
    with pytest.raises(errors.Duplicate):
        ben.read(letter)
    with pytest.raises(errors.SessionDamaged):
        ben.read(older)


def test_one_session_kept_twice_is_opened_by_whichever_copy_can(pair: tuple[Device, Device]) -> None:
    """Stores of other programs hold one session under number and hidden id; one copy may lag behind."""
    ann, ben = pair
    ahead = session.SessionRecord(current=record(ben, ANN).current)
    letters = [ann.write(ben, b"%d" % n) for n in range(3)]
    for letter in letters:
        ben.read(letter)
    held = record(ben, ANN)
    assert held.current is not None and ahead.current is not None
    ahead.current.receiving[-1].key = bytes(32)
    ahead.archived = [archive(held.current)]
    txn = ben.store.txn()
    SESSIONS.put(txn, ANN, ahead)
    ben.store.keep(txn)
    assert ben.read(ann.write(ben, b"3")).plaintext == b"3"
    now = record(ben, ANN).current
    assert now is not None and now.receiving[-1].index == held.current.receiving[-1].index + 1
