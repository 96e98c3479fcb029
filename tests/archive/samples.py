"""Events in the form that subscribers get, as the journal hands them over."""

from __future__ import annotations

from typing import Any

NOW = 1_780_000_000.0
ANN = {
    "id": "100000000000001@lid",
    "pn": "15550002222@s.whatsapp.net",
    "lid": "100000000000001@lid",
    "name": "Ann",
}
BOB = {"id": "100000000000002@lid", "lid": "100000000000002@lid", "name": "Bob"}
ME = {"id": "100000000000009@lid", "pn": "15550001111@s.whatsapp.net", "lid": "100000000000009@lid"}
GROUP = {"id": "120363000000000001@g.us", "kind": "group", "name": "Book club"}
DIRECT = {"id": "100000000000001@lid", "kind": "user"}


class Clock:
    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def message(
    id: str, text: str = "hello", *, at: float = NOW, chat: Any = None, who: Any = ANN, **more: Any
) -> dict[str, Any]:
    return {
        "type": "message.received",
        "key": f"message/{id}",
        "at": at,
        "id": id,
        "sent_at": at,
        "chat": DIRECT if chat is None else chat,
        "from": who,
        "from_me": False,
        "body": {"kind": "text", "text": text},
        **more,
    }


def own(id: str, text: str = "hi", *, at: float = NOW, **more: Any) -> dict[str, Any]:
    return message(id, text, at=at, who=ME) | {"type": "message.sent", "from_me": True} | more


def change(
    type: str, target: str, *, at: float = NOW, by: Any = ANN, chat: Any = None, **more: Any
) -> dict[str, Any]:
    return {
        "type": type,
        "key": f"{type}/{target}/{by['id']}/{at}",
        "at": at,
        "chat": DIRECT if chat is None else chat,
        "target": {"id": target},
        "by": by,
        **more,
    }
