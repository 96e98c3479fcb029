"""What may be wrong with a patch or a snapshot. `code` is the name that the state of a collection shows."""

from __future__ import annotations

from typing import ClassVar

from protocol.errors import RemoteProtocolError


class AppStateError(RemoteProtocolError):
    """Base: the collection stays as it is."""

    code: ClassVar[str] = "malformed"


class Malformed(AppStateError):
    """A record is too short or no record at all."""


class VersionGap(AppStateError):
    """A patch that does not follow the local version: fetch again from there."""

    code = "version_gap"


class SnapshotMacMismatch(AppStateError):
    """Our records are not those of the server: only a full resync heals."""

    code = "snapshot_mac_mismatch"


class PatchMacMismatch(AppStateError):
    """The patch was changed on its way."""

    code = "patch_mac_mismatch"


class ValueMacMismatch(AppStateError):
    """A record was changed on its way."""

    code = "value_mac_mismatch"


class IndexMacMismatch(AppStateError):
    """A record lies under an index that is not its own."""

    code = "index_mac_mismatch"


class MissingKeys(AppStateError):
    """Keys that the phone has not shared yet; ask for them and leave the collection untouched."""

    code = "missing_keys"

    def __init__(self, key_ids: frozenset[bytes]) -> None:
        super().__init__(f"{len(key_ids)} app state key(s) are not known here")
        self.key_ids = key_ids
