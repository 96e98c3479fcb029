"""A large archive, quickly: for the growth tests and the bench."""

from __future__ import annotations

from waconnd.store.archive import Archive

CHATS = 200
_BATCH = 2_000


async def fill(archive: Archive, events: int, messages: int) -> None:
    """`messages` in 200 chats, then small events up to `events` in all."""
    for start in range(0, messages, _BATCH):
        await archive.events.append("main", [said(n) for n in range(start, min(start + _BATCH, messages))])
    for start in range(messages, events, _BATCH):
        await archive.events.append("main", [receipt(n) for n in range(start, min(start + _BATCH, events))])


def said(n: int) -> dict[str, object]:
    """One message of about 400 bytes."""
    who = f"{n % CHATS}@lid"
    return {
        "type": "message.received",
        "key": f"m{n}",
        "at": 1_790_000_000.0 + n,
        "id": f"M{n}",
        "sent_at": 1_790_000_000.0 + n,
        "chat": {"id": who, "kind": "user"},
        "from": {"id": who, "lid": who, "pn": f"{n % CHATS}@s.whatsapp.net", "name": f"Person {n % CHATS}"},
        "from_me": False,
        "body": {"kind": "text", "text": f"a common sentence with some words and one that is rare{n} in it"},
    }


def receipt(n: int) -> dict[str, object]:
    """An event that changes little."""
    return {"type": "group.updated", "key": f"r{n}", "at": 1_790_000_000.0 + n, "keys": ["announce"], "n": n}
