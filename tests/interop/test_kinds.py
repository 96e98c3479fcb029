"""Each kind of message, from the daemon to Baileys and back, in a direct chat and in a group: field by field, byte by byte."""

from base64 import b64decode

import pytest

from protocol.crypto.primitives import sha256
from tests.interop.kinds import KINDS
from tests.support.files import b64

#: What only says where a file lies and how it is locked.
_HOSTED = ("url", "directPath", "mediaKey", "mediaKeyTimestamp", "fileEncSha256")
#: What events say of a message beside its content.
_ENVELOPE = frozenset({"id", "sent_at", "chat", "from", "from_me", "broadcast", "retried"})


def bare(content, file):
    """What Baileys shows, without what is different each time; of a file the hash and the length must be its own."""
    out = {name: bare(value, file) if isinstance(value, dict) else value for name, value in content.items()}
    if "mediaKey" in out:
        assert (out.pop("fileSha256"), int(out.pop("fileLength"))) == (b64(sha256(file)), len(file))
        assert all(out.pop(name, "known") for name in _HOSTED)
        assert out.pop("jpegThumbnail", "/9j/").startswith("/9j/")
        # One entry of ten bytes for each piece of 64 KiB; what stands in them the vectors show.
        assert len(b64decode(out.pop("streamingSidecar", ""))) in (0, 10)
    # Rides along with the first message of a group.
    out.pop("senderKeyDistributionMessage", None)
    return out


def places(stage, kind):
    """Where a kind is said: the place's name, and the address as each of the two knows it."""
    both = {"a direct chat": (stage.bob.jid, stage.ada.jid), "a group": (stage.group, stage.group)}
    return [where for name, where in both.items() if not kind.only or kind.only in name]


def rows(wanted, peers):
    return [
        pytest.param(kind, marks=pytest.mark.row(kind.name, peers), id=kind.name)
        for kind in KINDS
        if getattr(kind, wanted) is not None
    ]


@pytest.mark.parametrize("kind", rows("seen", "waconnd → Baileys"))
async def test_said_by_the_daemon(stage, kind):
    for to, _ in places(stage, kind):
        id = (await stage.ada.send(to, **kind.say))["id"]
        got = await stage.bob.by_id(id)
        message = bare(got["message"], kind.file)
        context = message.pop("messageContextInfo", {"messageSecret": ""} if "raw" in kind.say else {})
        assert kind.seen == message
        assert list(context) == ["messageSecret"]
        if kind.file and "productMessage" not in message:
            assert b64decode(await stage.bob.ask("download", id=id)) == kind.file
    stage.fits()


@pytest.mark.parametrize("kind", rows("heard", "waconnd ← Baileys"))
async def test_said_by_baileys(stage, kind, tmp_path):
    for theirs, to in places(stage, kind):
        id = await stage.tell(to, kind.tell, kind.options)
        data = await stage.ada.message(id)
        content = {name: value for name, value in data.items() if name not in _ENVELOPE}
        wanted = dict(kind.heard)
        if kind.file:
            about = {"size": len(kind.file), "sha256": sha256(kind.file).hex()}
            if "media" in wanted:
                wanted["media"] = wanted["media"] | about
            assert await stage.ada.file(id, theirs, tmp_path) == kind.file
        assert wanted == content
        assert (data["from"]["lid"], data["from"]["pn"]) == (stage.bob.lid, stage.bob.jid)
        assert data["chat"]["id"] == (stage.group if theirs == stage.group else stage.bob.lid)
    stage.fits()
