"""App state as the phone holds it: the keys it shares, the patches it makes, the snapshots that it alone can make."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from typing import Final

from protocol.appstate import lthash
from protocol.appstate.keys import Expanded, expand
from protocol.appstate.mutation import Mutation, Op
from protocol.appstate.patch import Change, apply_patch, build_patch
from protocol.crypto.media import encrypt
from protocol.crypto.primitives import hmac_sha256
from protocol.pb.e2e_pb2 import Message, PeerDataOperationRequestMessage, PeerDataOperationRequestType
from protocol.pb.sync_pb2 import (
    ExternalBlobReference,
    SyncActionData,
    SyncActionValue,
    SyncdPatch,
    SyncdRecord,
    SyncdSnapshot,
    SyncdSnapshotRecovery,
)
from waconnd.sandbox.iq.appstate import store
from waconnd.sandbox.party import Party
from waconnd.sandbox.state import COLLECTIONS

#: What a companion asks for when nothing else helps.
RECOVERY: Final = PeerDataOperationRequestType.COMPANION_SYNCD_SNAPSHOT_FATAL_RECOVERY
#: Two bytes of device, four of epoch.
KEY_ID_BYTES: Final = 6


@dataclass(slots=True)
class Held:
    """One collection, opened."""

    version: int = 0
    hash: bytes = lthash.ZERO
    macs: dict[bytes, bytes] = field(default_factory=dict)
    #: Index JSON to the newest record.
    records: dict[bytes, Mutation] = field(default_factory=dict)
    wires: dict[bytes, SyncdRecord] = field(default_factory=dict)


class PhoneState:
    """See the module."""

    def __init__(self, phone: Party) -> None:
        self._phone = phone
        self.keys: dict[bytes, tuple[bytes, int]] = {}
        self._held = {name: Held() for name in COLLECTIONS}
        self.rotate()

    def rotate(self) -> None:
        """A new key, used from now on; old ones stay good for reading."""
        epoch = len(self.keys) + 1
        id = (0).to_bytes(2, "big") + epoch.to_bytes(KEY_ID_BYTES - 2, "big")
        self.keys[id] = (self._phone.random(32), int(self._phone.world.now * 1000))

    @property
    def newest(self) -> bytes:
        """The id of the key for new records."""
        return next(reversed(self.keys))

    def key_share(self) -> Message:
        """All keys, as a peer message."""
        message = Message()
        protocol = message.protocolMessage
        protocol.type = protocol.APP_STATE_SYNC_KEY_SHARE
        for id, (secret, made) in self.keys.items():
            key = protocol.appStateSyncKeyShare.keys.add()
            key.keyId.keyId = id
            key.keyData.keyData = secret
            key.keyData.timestamp = made
            key.keyData.fingerprint.rawId = self._phone.account.raw_id
            key.keyData.fingerprint.currentIndex = self._phone.account.key_counter
            key.keyData.fingerprint.deviceIndexes.append(0)
        return message

    def _expanded(self, id: bytes) -> Expanded | None:
        held = self.keys.get(id)
        return expand(held[0]) if held is not None else None

    def catch_up(self, name: str) -> Held:
        """Read the patches that companions made."""
        held = self._held[name]
        collection = self._phone.account.collections[name]
        for version in range(held.version + 1, collection.version + 1):
            patch = SyncdPatch.FromString(collection.patches[version])
            applied = apply_patch(name, held.version, held.hash, held.macs.get, patch, self._expanded)
            held.version, held.hash = applied.version, applied.lthash
            for index_mac, value_mac in applied.macs.items():
                if value_mac is None:
                    held.macs.pop(index_mac, None)
                    held.wires.pop(index_mac, None)
                else:
                    held.macs[index_mac] = value_mac
            for wire, mutation in zip(patch.mutations, applied.mutations, strict=True):
                if mutation.op is Op.SET:
                    held.records[mutation.index_json] = mutation
                    held.wires[mutation.index_mac] = wire.record
                else:
                    held.records.pop(mutation.index_json, None)
        return held

    def values(self, name: str) -> dict[tuple[str, ...], SyncActionValue]:
        """The live records of a collection."""
        return {m.index: m.value for m in self.catch_up(name).records.values()}

    def set(self, name: str, index: tuple[str, ...], value: SyncActionValue, version: int = 2) -> int:
        """Set a record from the phone; companions are told. Returns the collection's version."""
        return self._change(name, [self._set(index, value, version)])

    def _set(self, index: tuple[str, ...], value: SyncActionValue, version: int) -> Change:
        if not value.HasField("timestamp"):
            value.timestamp = int(self._phone.world.now * 1000)
        return Change(Op.SET, index, value, version)

    def remove(self, name: str, index: tuple[str, ...], version: int = 2) -> int:
        """Remove a record from the phone."""
        return self._change(name, [Change(Op.REMOVE, index, SyncActionValue(), version)])

    def _change(self, name: str, changes: list[Change]) -> int:
        held = self.catch_up(name)
        id = self.newest
        patch, _ = build_patch(
            name,
            held.version,
            held.hash,
            held.macs.get,
            changes,
            id,
            expand(self.keys[id][0]),
            self._phone.random,
        )
        version = store(self._phone.world, self._phone.account, name, patch, by=self._phone.device)
        self.catch_up(name)
        return version

    def publish(self) -> None:
        """Put what a new companion should find on the server: the name, the contacts, and snapshots of everything."""
        account = self._phone.account
        if ("setting_pushName",) not in self.values("critical_block"):
            value = SyncActionValue()
            value.pushNameSetting.name = account.name
            self.set("critical_block", ("setting_pushName",), value, 1)
        known = self.values("critical_unblock_low")
        contacts = []
        for user in sorted(account.contacts):
            other = self._phone.world.accounts.get(user)
            if other is None or ("contact", str(other.pn)) in known:
                continue
            value = SyncActionValue()
            value.contactAction.fullName = value.contactAction.firstName = other.name
            value.contactAction.lidJid = str(other.lid)
            value.contactAction.saveOnPrimaryAddressbook = True
            contacts.append(self._set(("contact", str(other.pn)), value, 2))
        if contacts:
            # One patch for all: a phone book is a thousand records.
            self._change("critical_unblock_low", contacts)
        for name in COLLECTIONS:
            self.snapshot(name)

    def recovery(self, asked: PeerDataOperationRequestMessage, id: str) -> Message:
        """The phone's own copy of a collection, for a companion that can't read it from the server any more."""
        name = asked.syncdCollectionFatalRecoveryRequest.collectionName
        held = self.catch_up(name)
        copy = SyncdSnapshotRecovery(collectionName=name, collectionLthash=held.hash)
        copy.version.version = held.version
        for mutation in held.records.values():
            wire = held.wires[mutation.index_mac]
            copy.mutationRecords.add(
                value=SyncActionData(
                    index=mutation.index_json, value=mutation.value, version=mutation.version
                ),
                keyId=wire.keyId.id,
                mac=mutation.value_mac,
            )
        message = Message()
        message.protocolMessage.type = message.protocolMessage.PEER_DATA_OPERATION_REQUEST_RESPONSE_MESSAGE
        response = message.protocolMessage.peerDataOperationRequestResponseMessage
        response.peerDataOperationRequestType = asked.peerDataOperationRequestType
        response.stanzaId = id
        result = response.peerDataOperationResult.add().syncdSnapshotFatalRecoveryResponse
        result.collectionSnapshot = gzip.compress(copy.SerializeToString(), mtime=0)
        result.isCompressed = True
        return message

    def snapshot(self, name: str) -> None:
        """Put a snapshot of what is there now on the server."""
        held = self.catch_up(name)
        if not held.version:
            return
        id = self.newest
        snapshot = SyncdSnapshot()
        snapshot.version.version = held.version
        snapshot.records.extend(held.wires.values())
        signed = held.hash + held.version.to_bytes(8, "big") + name.encode()
        snapshot.mac = hmac_sha256(expand(self.keys[id][0]).snapshot_mac, signed)
        snapshot.keyId.id = id
        media_key = self._phone.random(32)
        data, sealed = encrypt(snapshot.SerializeToString(), media_key, "md-app-state")
        reference = ExternalBlobReference(
            mediaKey=media_key,
            directPath=self._phone.world.blobs.put(data),
            fileSizeBytes=sealed.size,
            fileSha256=sealed.file_sha256,
            fileEncSha256=sealed.file_enc_sha256,
        )
        collection = self._phone.account.collections[name]
        collection.snapshot = (held.version, reference.SerializeToString())
