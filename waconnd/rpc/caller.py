"""What a method knows about its call: who asks, how to report progress, and the daemon behind it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec

from waconnd.rpc.errors import RpcError
from waconnd.rpc.peers import Peer, Rights

if TYPE_CHECKING:
    from waconnd.rpc.dispatch import Dispatcher
    from waconnd.rpc.subscriptions import Subscriptions


class Caller:
    """One connection, as the methods see it."""

    def __init__(
        self,
        peer: Peer,
        rights: Rights,
        *,
        transport: str,
        notify: Callable[[bytes], Awaitable[None]] | None = None,
    ) -> None:
        self.peer = peer
        self.rights = rights
        #: `lines` or `http`.
        self.transport = transport
        #: What the client says it is, in `daemon.hello`; shown in logs.
        self.client = ""
        #: Sends one line; None where the transport cannot push.
        self.notify = notify
        #: Only a lines connection can hold subscriptions.
        self.subscriptions: Subscriptions | None = None


class Call:
    """One call of one method."""

    def __init__(
        self,
        method: str,
        caller: Caller,
        daemon: Any,
        dispatcher: Dispatcher,
        *,
        account: str = "",
        key: str | None = None,
        dry_run: bool = False,
        timeout_s: float | None = None,
        id: bytes | None = None,
        fds: tuple[int, ...] = (),
        then: list[Callable[[], object]] | None = None,
    ) -> None:
        self.method = method
        self.caller = caller
        #: Whatever the socket was started for; `waconnd.api` gives it a type.
        self.daemon = daemon
        #: The way to the other methods.
        self.dispatcher = dispatcher
        #: The account it acts on; empty when the method takes none.
        self.account = account
        self.key = key
        self.dry_run = dry_run
        self.timeout_s = timeout_s
        #: Descriptors that came along with the request. They close when the call ends: dup what you keep.
        self.fds = fds
        #: Done once the answer is on its way.
        self.then: list[Callable[[], object]] = [] if then is None else then
        self._id = id

    @property
    def peer(self) -> Peer:
        return self.caller.peer

    @property
    def rights(self) -> Rights:
        return self.caller.rights

    async def progress(self, **data: Any) -> None:
        """Tell the client how far a long call is: a `$/progress` notification with the call's id. Elsewhere nothing."""
        if self.caller.notify is None or self._id is None:
            return
        params = {"id": msgspec.Raw(self._id), **data}
        await self.caller.notify(
            msgspec.json.encode({"jsonrpc": "2.0", "method": "$/progress", "params": params}) + b"\n"
        )

    def need(self, scope: str, account: str | None = None) -> None:
        """Refuse unless the peer has this scope too (for methods whose parameters decide)."""
        if not self.rights.allows(scope, account):
            raise denied(self.method, scope, account, self.caller)

    def need_trust(self, what: str) -> None:
        """Refuse unless the peer is root or the daemon's own user: else the daemon's rights would serve another."""
        if not self.rights.trusted:
            raise RpcError(
                "permission_denied",
                f"{self.method}: {what} is taken from root and from the daemon's own user only",
                advice="stream the data by `PUT /media`, pass a descriptor, or send it inline",
            )


def denied(method: str, scope: str, account: str | None, caller: Caller) -> RpcError:
    """The refusal that names what is missing."""
    where = f" on account `{account}`" if account else ""
    held = ", ".join(sorted(caller.rights.scopes)) or "nothing"
    return RpcError(
        "permission_denied",
        f"{method} needs the scope `{scope}`{where}; user {caller.peer.user} has {held}"
        + ("" if not where or not caller.rights.allows(scope) else " there"),
        account=account,
        scope=scope,
    )
