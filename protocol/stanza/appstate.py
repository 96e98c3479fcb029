"""`w:sync:app:state`: fetching collections and sending patches (reference 04, 1.7 to 1.9)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from protocol.effects import Ask
from protocol.node import Attr, Node
from protocol.stanza import iq

XMLNS: Final = "w:sync:app:state"
CONFLICT: Final = 409
#: Collections in one notification that are looked at.
MAX_COLLECTIONS: Final = 20


class Wanted(msgspec.Struct, frozen=True):
    """What to fetch of a collection; a whole copy when there is no version to go on from."""

    name: str
    version: int = 0
    snapshot: bool = False


class Answer(msgspec.Struct, frozen=True):
    """What the server says of one collection."""

    name: str
    version: int | None = None
    #: An ExternalBlobReference.
    snapshot: bytes | None = None
    #: SyncdPatch, each.
    patches: tuple[bytes, ...] = ()
    more: bool = False
    #: 0: all is well.
    error: int = 0


def fetch(wanted: Iterable[Wanted]) -> Ask[dict[str, Answer]]:
    """Ask for what is new."""
    asked: list[Node] = []
    for one in wanted:
        attrs: dict[str, Attr] = {
            "name": one.name,
            "return_snapshot": "true" if one.snapshot else "false",
        }
        if not one.snapshot:
            attrs["version"] = str(one.version)
        asked.append(Node("collection", attrs))
    return Ask(_sync(asked), read_answers)


def push(name: str, version: int, patch: bytes) -> Ask[dict[str, Answer]]:
    """Send a patch on top of a version."""
    attrs: dict[str, Attr] = {"name": name, "version": str(version), "return_snapshot": "false"}
    return Ask(_sync([Node("collection", attrs, [Node("patch", {}, patch)])]), read_answers)


def read_answers(reply: Node) -> dict[str, Answer]:
    """By collection."""
    sync = reply.need("sync")
    answers = [_answer(node) for node in sync.all("collection")]
    return {answer.name: answer for answer in answers}


def notified(node: Node) -> Sequence[tuple[str, int | None]]:
    """`<notification type="server_sync">`: names and versions; some say no version."""
    return [
        (child.text("name"), child.number("version") if "version" in child.attrs else None)
        for child in list(node.all("collection"))[:MAX_COLLECTIONS]
    ]


def _sync(collections: list[Node]) -> Node:
    return iq.set(XMLNS, Node("sync", {}, collections))


def _answer(node: Node) -> Answer:
    # Patches stand in a list of their own, or right under the collection.
    under = node.child("patches")
    patches = [*(under.all("patch") if under is not None else ()), *node.all("patch")]
    snapshot, error = node.child("snapshot"), node.child("error")
    code = 0
    if node.text("type") == "error" or error is not None:
        code = (error.number("code") if error is not None else 0) or 500
    return Answer(
        name=node.text("name"),
        version=node.number("version") if "version" in node.attrs else None,
        snapshot=snapshot.content_bytes() if snapshot is not None and snapshot.content else None,
        patches=tuple(patch.content_bytes() for patch in patches),
        more=node.text("has_more_patches") in ("true", "1"),
        error=code,
    )
