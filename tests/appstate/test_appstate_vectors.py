"""Every vector of lthash.json and appstate.json."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from protocol.appstate import lthash
from protocol.appstate.errors import AppStateError
from protocol.appstate.keys import expand
from protocol.appstate.mutation import Op
from protocol.appstate.patch import Change, apply_patch, apply_snapshot, build_patch
from protocol.crypto.media import decrypt
from protocol.crypto.primitives import hkdf
from protocol.pb.e2e_pb2 import Message  # noqa: F401 - loads the pool that sync_pb2 builds on
from protocol.pb.sync_pb2 import (
    ExternalBlobReference,
    SyncActionData,
    SyncActionValue,
    SyncdMutations,
    SyncdPatch,
    SyncdSnapshot,
)

VECTORS = Path(__file__).parents[1] / "vectors"
HASHES = msgspec.json.decode((VECTORS / "lthash.json").read_bytes())
FILE = msgspec.json.decode((VECTORS / "appstate.json").read_bytes())
KEYS = {bytes.fromhex(k["key_id"]): expand(bytes.fromhex(k["key_data"])) for k in FILE["keys"]}
pytestmark = pytest.mark.vectors


def unhex(text):
    return bytes.fromhex(text)


@pytest.mark.parametrize("vector", HASHES["expansions"], ids=lambda v: v["item"][:8])
def test_expansion(vector):
    assert hkdf(unhex(vector["item"]), lthash.SIZE, b"WhatsApp Patch Integrity").hex() == vector["hkdf128"]


@pytest.mark.parametrize("case", HASHES["cases"], ids=lambda c: c["id"])
def test_lthash(case):
    got = lthash.update(unhex(case["base"]), map(unhex, case["subtract"]), map(unhex, case["add"]))
    assert got.hex() == case["result"]


@pytest.mark.parametrize("key", FILE["keys"], ids=lambda k: k["key_id"])
def test_key_expansion(key):
    keys = expand(unhex(key["key_data"]))
    for name, value in key["expanded"].items():
        assert getattr(keys, name).hex() == value


def macs_of(start):
    return {unhex(k): unhex(v) for k, v in start["value_macs"].items()}


def fold(macs, applied):
    macs = dict(macs)
    for index_mac, value_mac in applied.macs.items():
        if value_mac is None:
            macs.pop(index_mac, None)
        else:
            macs[index_mac] = value_mac
    return macs


@pytest.mark.parametrize("name", list(FILE["collections"]))
def test_patches_in_order_and_as_a_client_builds_them(name):
    version, hash, macs = 0, lthash.ZERO, {}
    for step in FILE["collections"][name]["versions"]:
        patch = SyncdPatch.FromString(unhex(step["patch"]))
        applied = apply_patch(name, version, hash, macs.get, patch, KEYS.get)
        assert applied.version == step["version"]
        assert applied.lthash.hex() == step["lthash_after"]
        assert [m.index for m in applied.mutations] == [tuple(m["index"]) for m in step["mutations"]]
        for ours, theirs in zip(applied.mutations, step["mutations"], strict=True):
            assert ours.op.name == theirs["operation"]
            assert ours.version == theirs["action_version"]
            assert ours.value_mac.hex() == theirs["value_mac"]

        key_id = unhex(step["patch_key_id"])
        if all(m["key_id"] == step["patch_key_id"] for m in step["mutations"]):
            ivs = iter([unhex(m["iv"]) for m in step["mutations"]])
            changes = []
            for m in step["mutations"]:
                data = SyncActionData.FromString(unhex(m["sync_action_data"]))
                changes.append(Change(Op[m["operation"]], tuple(m["index"]), data.value, data.version))
            built, ours = build_patch(
                name, version, hash, macs.get, changes, key_id, KEYS[key_id], lambda n, ivs=ivs: next(ivs)
            )
            assert built.hex() == step["patch_as_sent_by_client_without_version"]
            assert ours.lthash == applied.lthash

        macs = fold(macs, applied)
        if "value_macs_after" in step:
            assert macs == {unhex(k): unhex(v) for k, v in step["value_macs_after"].items()}
        version, hash = applied.version, applied.lthash


@pytest.mark.parametrize("name", list(FILE["collections"]))
def test_snapshots(name):
    snapshot = FILE["collections"][name]["snapshot"]
    applied = apply_snapshot(name, SyncdSnapshot.FromString(unhex(snapshot["bytes"])), KEYS.get)
    assert applied.version == snapshot["version"]
    assert applied.lthash.hex() == snapshot["lthash"]
    assert len(applied.mutations) == snapshot["record_count"]
    assert [list(m.index) for m in applied.mutations] == snapshot["indexes"]


@pytest.mark.parametrize("vector", FILE["negative"], ids=lambda v: v["id"])
def test_negative_patches(vector):
    start = vector["start"]
    patch = SyncdPatch.FromString(unhex(vector["patch"]))

    def run():
        return apply_patch(
            vector["collection"],
            start["version"],
            unhex(start["lthash"]),
            macs_of(start).get,
            patch,
            KEYS.get,
        )

    expect = vector["expect"]
    if expect == "version_not_newer":
        assert run().skipped
    elif expect.startswith("ok"):
        applied = run()
        assert applied.version == start["version"] + 1
        assert list(applied.warnings) == expect.split(":")[1:]
    else:
        with pytest.raises(AppStateError) as caught:
            run()
        assert caught.value.code == expect


@pytest.mark.parametrize("vector", FILE["negative_snapshots"], ids=lambda v: v["id"])
def test_negative_snapshots(vector):
    snapshot = SyncdSnapshot.FromString(unhex(vector["bytes"]))
    if vector["expect"] == "ok":
        apply_snapshot(vector["collection"], snapshot, KEYS.get)
        return
    with pytest.raises(AppStateError) as caught:
        apply_snapshot(vector["collection"], snapshot, KEYS.get)
    assert caught.value.code == vector["expect"]


def test_client_encoded_patch():
    vector = FILE["client_encoded_patch"]
    value = SyncActionValue(timestamp=int(vector["timestamp_ms"]))
    value.pinAction.pinned = True
    patch = SyncdPatch.FromString(unhex(vector["patch"]))
    key_id = patch.keyId.id
    applied = apply_patch(vector["collection"], vector["base_version"], lthash.ZERO, {}.get, patch, KEYS.get)
    version = applied.mutations[0].version
    built, ours = build_patch(
        vector["collection"], vector["base_version"], lthash.ZERO, {}.get,
        [Change(Op.SET, tuple(vector["index"]), applied.mutations[0].value, version)],
        key_id, KEYS[key_id], lambda n: unhex(vector["iv"]),
    )  # fmt: skip
    assert built.hex() == vector["patch"]
    assert ours.lthash.hex() == applied.lthash.hex() == vector["lthash_after"]


def test_external_blobs():
    vector = FILE["external"]
    reference = ExternalBlobReference.FromString(unhex(vector["snapshot_node_content"]))
    plain = decrypt(
        unhex(vector["snapshot_file"]), reference.mediaKey, vector["mms_type"],
        file_sha256=reference.fileSha256, file_enc_sha256=reference.fileEncSha256,
    )  # fmt: skip
    apply_snapshot(vector["collection"], SyncdSnapshot.FromString(plain), KEYS.get)

    first = FILE["collections"][vector["collection"]]["versions"][0]
    start = apply_patch(
        vector["collection"], 0, lthash.ZERO, {}.get, SyncdPatch.FromString(unhex(first["patch"])), KEYS.get
    )
    patch = SyncdPatch.FromString(unhex(vector["external_patch"]))
    blob = patch.externalMutations
    plain = decrypt(
        unhex(vector["external_file"]), blob.mediaKey, vector["mms_type"],
        file_sha256=blob.fileSha256, file_enc_sha256=blob.fileEncSha256,
    )  # fmt: skip
    applied = apply_patch(
        vector["collection"], start.version, start.lthash, fold({}, start).get, patch, KEYS.get,
        external=SyncdMutations.FromString(plain).mutations,
    )  # fmt: skip
    assert applied.lthash.hex() == vector["lthash_after"]
