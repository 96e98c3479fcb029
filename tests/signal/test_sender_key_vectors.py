"""Group messages that real libraries wrote."""

import pytest

from protocol.signal import errors, groups
from tests.signal.support import Memory, load

FILE = "sender_key.json"
ERRORS = {
    "no_sender_key": errors.NoSenderKey,
    "duplicate": errors.Duplicate,
    "bad_signature": errors.BadSignature,
    "too_far_in_future": errors.TooFarAhead,
    "unknown_key_id": errors.UnknownKeyId,
    "invalid_message": errors.InvalidMessage,
}

pytestmark = pytest.mark.vectors


def senders() -> list:
    return [pytest.param(one, id=one["id"]) for one in load(FILE)["senders"]]


@pytest.mark.parametrize("reload", [False, True], ids=["one_process", "restarted_each_time"])
@pytest.mark.parametrize("sender", senders())
def test_events(sender: dict, reload: bool) -> None:
    group, address, store = load(FILE)["group"], sender["sender_address"], Memory()
    for step, event in enumerate(sender["events"]):
        where = f"{sender['id']} event {step}: {event.get('note', '')}"
        txn = store.txn()
        if event["op"] == "process_skdm":
            groups.process_distribution(txn, group, address, bytes.fromhex(event["skdm"]))
        elif event["expect"] == "ok":
            plaintext = groups.decrypt(txn, group, address, bytes.fromhex(event["message"]))
            assert plaintext.hex() == event["plaintext"], where
        else:
            with pytest.raises(errors.SignalError) as caught:
                groups.decrypt(txn, group, address, bytes.fromhex(event["message"]))
            assert isinstance(caught.value, ERRORS.get(event["error"], errors.SignalError)), (
                where,
                repr(caught.value),
            )
            assert not txn.changes, where
        store.keep(txn)
        if reload:
            store.restart()
