"""Two names of one person: phone number and hidden id, both ways, and what moves when a pair becomes known.

Sessions, identities and device lists are filed under the hidden id as soon as it is known (reference 02, 7.2). The
files are the familiar ones: `lid-mapping-<number>` and `lid-mapping-<hidden>_reverse`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from protocol.flows.soft import Familiar
from protocol.jid import HOSTED, HOSTED_LID, LID, USER, Jid
from protocol.keystore import Kind, Txn, View
from protocol.signal.migrate import merge_names, merge_person
from protocol.signal.session import has_session

REVERSE: Final = "_reverse"


class Pair(msgspec.Struct, frozen=True):
    """The user part of the other name."""

    user: str
    v: int = 1


PAIRS: Final = Familiar(Kind.LID_MAPPING, Pair)


def lid_of(view: View, pn: Jid) -> Jid | None:
    """The hidden id of a number, on the same device; None when unknown."""
    pair = PAIRS.get(view, pn.user)
    return Jid(pair.user, HOSTED_LID if pn.is_hosted else LID, pn.device) if pair else None


def pn_of(view: View, lid: Jid) -> Jid | None:
    """The number of a hidden id, on the same device; None when unknown."""
    pair = PAIRS.get(view, lid.user + REVERSE)
    return Jid(pair.user, HOSTED if lid.is_hosted else USER, lid.device) if pair else None


def session_jid(view: View, jid: Jid) -> Jid:
    """The name under which a device's session is filed: the hidden id when known, whatever the stanza says."""
    return (lid_of(view, jid) or jid) if jid.is_pn else jid


def twin(view: View, jid: Jid) -> Jid | None:
    """The same person or device under the other name."""
    if jid.is_pn:
        return lid_of(view, jid)
    return pn_of(view, jid) if jid.is_lid else None


def learn(txn: Txn, one: Jid, other: Jid | None) -> bool:
    """Take note that both are one person. True when that is news: sessions have then moved to the hidden id."""
    pair = _note(txn, one, other)
    if pair is None:
        return False
    # The other devices follow when they are next spoken to (`adopt`): to probe all 256 takes longer than a decrypt.
    merge_person(txn, *pair, {0, one.device, other.device if other else 0})
    return True


def adopt(txn: Txn, name: Jid) -> bool:
    """Move a session that still lies under the number of `name`. True when there is a session now."""
    if has_session(txn, name.signal_address):
        return True
    number = pn_of(txn, name) if name.is_lid else None
    if number is None or not has_session(txn, number.signal_address):
        return False
    merge_person(txn, number.user, name.user, (name.device,))
    return has_session(txn, name.signal_address)


def learn_many(txn: Txn, people: Iterable[tuple[Jid, Jid]]) -> int:
    """`learn` for a whole address book; how many were news."""
    news = [pair for one, other in people if (pair := _note(txn, one, other)) is not None]
    if news:
        merge_names(txn, news)
    return len(news)


def _note(txn: Txn, one: Jid, other: Jid | None) -> tuple[str, str] | None:
    if other is None or one.is_lid == other.is_lid or not (one.is_user and other.is_user):
        return None
    pn, lid = (other, one) if one.is_lid else (one, other)
    if not pn.user or not lid.user:
        return None
    held = PAIRS.get(txn, pn.user)
    if held is not None and held.user == lid.user:
        return None
    before = PAIRS.get(txn, lid.user + REVERSE)
    # One hidden id for a number and one number for a hidden id: the newest wins.
    if held is not None:
        PAIRS.delete(txn, held.user + REVERSE)
    if before is not None:
        PAIRS.delete(txn, before.user)
    PAIRS.put(txn, pn.user, Pair(lid.user))
    PAIRS.put(txn, lid.user + REVERSE, Pair(pn.user))
    return pn.user, lid.user
