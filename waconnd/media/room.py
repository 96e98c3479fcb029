"""All media of the daemon: what waits to be uploaded, what was uploaded a moment ago, what was fetched.

`outgoing` is durable: a row of the outbox names its encrypted file there until it lies on a media host.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import anyio
import anyio.to_thread
import msgspec

from protocol.content import Uploaded
from waconnd.http_client import Route
from waconnd.media import sealing
from waconnd.media.hosts import MediaHosts
from waconnd.media.sealing import Told
from waconnd.media.sources import Opened
from waconnd.media.upload import upload
from waconnd.rpc.errors import RpcError

if TYPE_CHECKING:
    from waconnd.account import Account
    from waconnd.config import Config

#: Uploads that are remembered, so that the same file need not go twice; each is a few hundred bytes.
MAX_REMEMBERED: Final = 1024
#: A file on the hosts is reused this long, and a handle lives as long.
REUSE_SECONDS: Final = 24 * 3600.0
#: Handles that one user may hold.
MAX_HANDLES: Final = 256
#: Finished rows of the outbox are kept a week: nobody needs a file that is older.
STALE_SECONDS: Final = 7 * 24 * 3600.0
#: Files encrypted at the same time: each takes a thread.
AT_ONCE: Final = 4
HANDLE_PREFIX: Final = "m_"


class Waiting(msgspec.Struct, frozen=True):
    """An encrypted file that a row of the outbox waits for. `file` is its name in the folder."""

    file: str
    kind: str
    digest: bytes
    newsletter: bool = False


class Handle(msgspec.Struct, frozen=True):
    """A file on the hosts, for its owner to send again."""

    owner: int
    account: str
    kind: str
    uploaded: Uploaded
    at: float


class MediaRoom:
    """`fleet.media`."""

    def __init__(self, config: Callable[[], Config]) -> None:
        self._config = config
        self._hosts: dict[str, tuple[Account, MediaHosts]] = {}
        self._handles: dict[str, Handle] = {}
        self._seen: OrderedDict[tuple[str, str, bytes], tuple[float, Uploaded]] = OrderedDict()
        self._turns: anyio.CapacityLimiter | None = None

    @property
    def outgoing(self) -> Path:
        """Encrypted files that wait."""
        return self._config().state_path / "outgoing"

    @property
    def scratch(self) -> Path:
        """Files for the length of a call; of the same disk as the spool."""
        return self._config().cache_path / "media"

    def open(self) -> None:
        """Make the folders; what earlier processes left in them and nobody needs is removed."""
        for folder in (self.outgoing, self.scratch):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        old = time.time() - STALE_SECONDS
        for path in self.scratch.iterdir():
            path.unlink(missing_ok=True)
        for path in self.outgoing.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < old:
                    path.unlink()

    # --- the way to the hosts ---------------------------------------------------------------------------------------

    def hosts(self, account: Account) -> MediaHosts:
        """The account's media hosts; an account that was opened anew begins anew."""
        held = self._hosts.get(account.name)
        if held is None or held[0] is not account:
            held = self._hosts[account.name] = (account, MediaHosts(account))
        return held[1]

    def route(self, account: str, *, public_only: bool = False) -> Route:
        """How this account gets out."""
        where = self._config().endpoint
        own = self._config().account_section(account).proxy
        return Route(
            proxy=where.proxy if own is None else own, ca_file=where.ca_file, public_only=public_only
        )

    @property
    def least_free_mb(self) -> int:
        """What media leave free on their disk."""
        return self._config().retention.min_free_mb

    @property
    def scheme(self) -> str:
        """`https`, but for the sandbox."""
        return self._config().endpoint.media_scheme

    # --- sending ------------------------------------------------------------------------------------------------------

    async def prepare(
        self,
        account: str,
        opened: Opened,
        kind: str,
        told: Told,
        *,
        voice: bool = False,
        newsletter: bool = False,
    ) -> tuple[Uploaded, Waiting | None]:
        """Look at a file and encrypt it. None: it lies on the hosts already. Raises BadMedia."""
        if self._turns is None:
            self._turns = anyio.CapacityLimiter(AT_ONCE)
        made: list[Path] = []

        def work() -> tuple[Uploaded, Waiting | None]:
            source, facts = opened.path, told
            with source.open("rb") as file:
                facts = sealing.look(file, opened.size, facts, opened.name)
            fit = sealing.as_voice if voice else sealing.as_sticker if kind == "sticker" else None
            if fit is not None:
                source, facts = fit(source, facts, self.scratch)
                made.extend([source] if source != opened.path else [])
            with source.open("rb") as file:
                return self._seal(account, file, kind, facts, newsletter=newsletter)

        try:
            return await anyio.to_thread.run_sync(work, limiter=self._turns)
        finally:
            for path in made:
                path.unlink(missing_ok=True)

    def _seal(
        self, account: str, file: BinaryIO, kind: str, told: Told, *, newsletter: bool
    ) -> tuple[Uploaded, Waiting | None]:
        place = (account, f"{'newsletter/' if newsletter else ''}{kind}", sealing.digest(file))
        held = self._seen.get(place)
        if held is not None and time.time() - held[0] < REUSE_SECONDS:
            return sealing.described(held[1], told), None
        target = self.outgoing / secrets.token_hex(16)
        sealed = sealing.plain(file, target) if newsletter else sealing.seal(file, kind, target, time.time())
        waiting = Waiting(target.name, kind, sealed.file_enc_sha256 or sealed.file_sha256, newsletter)
        return sealing.described(sealed, told), waiting

    async def place(self, account: Account, waiting: Waiting, uploaded: Uploaded) -> Uploaded:
        """Upload what waits; the same with its place. Raises MediaFailed, NotReady."""
        path = self.outgoing / waiting.file
        placed = await upload(
            self.hosts(account),
            path,
            waiting.kind,
            waiting.digest,
            route=self.route(account.name),
            scheme=self.scheme,
            newsletter=waiting.newsletter,
        )
        done = msgspec.structs.replace(
            uploaded, direct_path=placed.direct_path, url=placed.url, handle=placed.handle
        )
        kind = f"{'newsletter/' if waiting.newsletter else ''}{waiting.kind}"
        self._seen[account.name, kind, done.file_sha256] = (time.time(), done)
        while len(self._seen) > MAX_REMEMBERED:
            self._seen.popitem(last=False)
        return done

    def drop(self, waiting: Waiting) -> None:
        """Its row is done with it."""
        (self.outgoing / waiting.file).unlink(missing_ok=True)

    # --- handles ------------------------------------------------------------------------------------------------------

    def keep(self, owner: int, account: str, kind: str, uploaded: Uploaded) -> str:
        """A handle for something that lies on the hosts. Raises RpcError."""
        now = time.time()
        self._handles = {name: held for name, held in self._handles.items() if now - held.at < REUSE_SECONDS}
        if sum(held.owner == owner for held in self._handles.values()) >= MAX_HANDLES:
            raise RpcError(
                "rate_limited", f"{MAX_HANDLES} handles of yours are kept; each is forgotten after a day"
            )
        name = HANDLE_PREFIX + secrets.token_urlsafe(18)
        self._handles[name] = Handle(owner, account, kind, uploaded, now)
        return name

    def held(self, name: str, owner: int | None, account: str, kind: str) -> Uploaded:
        """What a handle stands for. `owner` None may have all. Raises RpcError."""
        found = self._handles.get(name)
        if found is not None and time.time() - found.at >= REUSE_SECONDS:
            found = None
        if found is None or (owner is not None and found.owner != owner) or found.account != account:
            raise RpcError("not_found", "there is no media with this handle (they are kept for a day)")
        if found.kind != kind:
            raise RpcError(
                "invalid_params", f"this handle was uploaded as {found.kind}; it can't be sent as {kind}"
            )
        return found.uploaded

    def temporary(self) -> Path:
        """A fresh name for a file of a moment."""
        return self.scratch / f"t-{os.urandom(8).hex()}"
