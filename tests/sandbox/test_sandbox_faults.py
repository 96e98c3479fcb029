"""What goes wrong on demand, and that it goes wrong the same way again."""

import os
import subprocess
import sys
from base64 import urlsafe_b64encode
from hashlib import sha256

import pytest

from protocol.node import Node
from tests.support.replay import replay
from waconnd.sandbox.faults import Faults, Rule
from waconnd.sandbox.media import Blobs
from waconnd.sandbox.seed import Seeded
from waconnd.sandbox.state import Link

MESSAGE = Node("message", {"id": "1", "type": "text"}, [Node("enc", {}, b"secret bytes")])


def through(faults, *nodes):
    link = Link(1)
    return [node for sent in nodes for _, node in faults.outbound(link, sent)]


def numbered(count):
    return [Node("message", {"id": str(n)}) for n in range(count)]


def test_rules():
    faults = Faults(Seeded(1))
    assert faults.quiet
    faults.add(Rule(action="drop", tag="message", skip=1))
    assert [n.attrs["id"] for n in through(faults, *numbered(3))] == ["0", "2"]
    faults.add(Rule(action="duplicate"))
    assert [n.attrs["id"] for n in through(faults, *numbered(2))] == ["0", "0", "1"]
    faults.add(Rule(action="reorder"))
    assert [n.attrs["id"] for n in through(faults, *numbered(2))] == ["1", "0"]
    faults.add(Rule(action="corrupt"))
    (changed,) = through(faults, MESSAGE)
    assert changed.children[0].content != b"secret bytes"
    assert len(changed.children[0].content) == len(b"secret bytes")
    faults.add(Rule(action="delay", seconds=3.0))
    assert [delay for delay, _ in faults.outbound(Link(1), MESSAGE)] == [3.0]
    faults.add(Rule(action="cut"))
    through(faults, MESSAGE)
    assert len(faults.take_cuts()) == 1
    with pytest.raises(ValueError, match="unknown fault"):
        faults.add(Rule(action="explode"))


def test_the_seed_decides():
    def dropped(seed):
        faults = Faults(Seeded(seed))
        faults.add(Rule(action="drop", chance=0.5, times=None))
        return [n.attrs["id"] for n in through(faults, *numbered(40))]

    assert dropped(1) == dropped(1)
    assert dropped(1) != dropped(2)
    assert 5 < len(dropped(3)) < 35


def test_the_same_seed_replays_the_same_bytes():
    """Everything that the server put on the wire; in processes whose sets have other orders, too."""

    def elsewhere(seed, hashes):
        command = [sys.executable, "-m", "tests.support.replay", seed]
        environment = {**os.environ, "PYTHONHASHSEED": hashes}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return bytes.fromhex(done.stdout)

    first = replay("7")
    assert len(first) > 10_000
    assert first == replay("7")
    assert first == elsewhere("7", "1") == elsewhere("7", "2")
    assert first != replay("8")


def test_silence():
    faults = Faults(Seeded(1))
    faults.silent.add(1)
    assert through(faults, MESSAGE) == []
    faults.clear()
    assert through(faults, MESSAGE) == [MESSAGE]


def put(blobs, body, auth, token=None, extra=""):
    token = token or urlsafe_b64encode(sha256(body).digest()).decode().rstrip("=")
    return blobs.answer("POST", f"/mms/image/{token}?auth={auth}&token={token}{extra}", body, 1000.0)


def test_upload_and_download_rules():
    blobs = Blobs(Seeded(1))
    auth = blobs.new_auth(1000.0)
    answer = put(blobs, b"cipher", auth)
    assert answer.status == 200
    path = blobs.put(b"cipher")
    assert path.encode() in answer.body
    assert blobs.answer("GET", path, b"", 1000.0).body == b"cipher"
    assert put(blobs, b"cipher", "guess").status == 401
    assert put(blobs, b"cipher", auth, token="x" * 43).status == 400
    other = urlsafe_b64encode(sha256(b"other").digest()).decode().rstrip("=")
    assert put(blobs, b"cipher", auth, token=other).status == 400
    blobs.expire_auths()
    assert put(blobs, b"cipher", auth).status == 401
    blobs.drop(path)
    assert blobs.answer("GET", path, b"", 1000.0).status == 404
    blobs.refuse = [503, 429]
    assert blobs.answer("GET", path, b"", 1000.0).status == 503
    assert blobs.answer("GET", path, b"", 1000.0).headers == (("Retry-After", "1"),)


def test_upload_is_resumed():
    blobs = Blobs(Seeded(1))
    auth = blobs.new_auth(1000.0)
    whole = b"0123456789"
    token = urlsafe_b64encode(sha256(whole).digest()).decode().rstrip("=")
    assert put(blobs, whole[:4], auth, token=token).status == 400
    assert put(blobs, b"", auth, token=token, extra="&resume=1").body == b'{"resume":"4"}'
    assert put(blobs, whole[4:], auth, token=token, extra="&file_offset=4").status == 200
