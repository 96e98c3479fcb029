"""From a request to a result: finds the method, checks params, account and rights, runs it in time, turns errors into answers."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import anyio
import msgspec

from waconnd.rpc.caller import Call, Caller, denied
from waconnd.rpc.declare import Catalogue, Method
from waconnd.rpc.errors import RpcError
from waconnd.rpc.idempotency import Keys
from waconnd.rpc.lines import Request

log = logging.getLogger(__name__)

#: Waiting for an answer takes the whole time that the client gave; the margin lets the method's own, better answer win.
#: Between info and warning, as in the journal.
NOTICE: Final = 25
GRACE_S: Final = 0.25
#: So many accounts are named to somebody who did not say which.
NAMED: Final = 5


class Host(Protocol):
    """What the socket needs to know about what it serves."""

    def account_names(self) -> Sequence[str]:
        """All accounts."""


class Watch(Protocol):
    """Who wants to know how long calls take (metrics)."""

    def __call__(self, method: str, kind: str, seconds: float) -> None:
        """One call ended; kind is `ok` or the kind of its error."""


def _unwatched(method: str, kind: str, seconds: float) -> None:
    pass


class Dispatcher:
    """The one way to a method, for lines, HTTP and hooks alike."""

    def __init__(
        self,
        catalogue: Catalogue,
        host: Host,
        *,
        translate: Callable[[Exception], RpcError | None] = lambda _: None,
        watch: Watch = _unwatched,
    ) -> None:
        self.catalogue = catalogue
        self.host = host
        self._translate = translate
        self._watch = watch
        self._keys = Keys()
        self._encoder = msgspec.json.Encoder()

    async def answer(
        self,
        request: Request,
        caller: Caller,
        fds: tuple[int, ...] = (),
        then: list[Callable[[], object]] | None = None,
    ) -> bytes:
        """The result of a call as JSON. Raises RpcError and nothing else (but cancellation).

        `then` collects what the method wants done once the answer is written (a subscription's first event).
        """
        started = time.monotonic()
        kind = "ok"
        try:
            return await self._run(request, caller, fds, [] if then is None else then)
        except RpcError as error:
            kind = error.kind
            if kind == "permission_denied":
                who = {"event": "peer.denied", "peer_uid": caller.peer.uid}
                log.log(NOTICE, "refused: %s", error.message, extra={"fields": who})
            raise
        except Exception as error:
            known = self._translate(error)
            if known is not None:
                kind = known.kind
                raise known from error
            kind = "internal"
            # The number joins what the client sees and what the log says, without the one quoting the other.
            incident = os.urandom(4).hex()
            log.exception("%s failed, incident %s", request.method, incident)
            sentence = f"{request.method} failed inside the daemon (incident {incident})"
            raise RpcError("internal", sentence, incident=incident) from error
        finally:
            name = request.method if request.method in self.catalogue else "unknown"
            self._watch(name, kind, time.monotonic() - started)

    def check(self, request: Request, caller: Caller) -> tuple[Method[Any, Any], Any, str]:
        """All that can be said without running it: the method, its params, the account. Raises RpcError."""
        method = self.catalogue[request.method]
        self._permit(method, caller)
        params = method.decode(request.params)
        account = self._account(method, params, caller)
        return method, params, account

    async def _run(
        self, request: Request, caller: Caller, fds: tuple[int, ...], then: list[Callable[[], object]]
    ) -> bytes:
        method, params, account = self.check(request, caller)
        timeout = getattr(params, "timeout_s", None)
        call = Call(
            method.name,
            caller,
            self.host,
            self,
            account=account,
            key=getattr(params, "key", None) or None,
            dry_run=getattr(params, "dry_run", False),
            timeout_s=timeout,
            id=request.id,
            fds=fds,
            then=then,
        )
        if call.dry_run and not method.previews:
            return b'{"dry_run":true,"ok":true}'

        async def run() -> bytes:
            seconds = method.deadline_s if timeout is None else timeout + GRACE_S
            with anyio.CancelScope(deadline=anyio.current_time() + seconds) as scope:
                try:
                    return self._encoder.encode(await method(call, params))
                except TimeoutError:
                    if not scope.cancel_called:
                        log.warning("%s ran into an inner timeout", method.name, exc_info=True)
                    raise
            raise TimeoutError

        try:
            if call.key is not None and not method.owns_key and not call.dry_run:
                body = method.name.encode() + b"\0" + self._encoder.encode(params)
                return await self._keys.once((str(caller.peer.uid), account, call.key), body, run)
            return await run()
        except TimeoutError:
            waited = method.deadline_s if timeout is None else timeout
            raise RpcError(
                "timeout", f"{method.name} gave no answer within {waited:g} s", account=account or None
            ) from None

    def _permit(self, method: Method[Any, Any], caller: Caller) -> None:
        if caller.rights.allows_method(method.name, method.scope):
            return
        if method.scope is None or caller.rights.allows(method.scope):
            raise RpcError(
                "permission_denied",
                f"the token does not allow {method.name}",
                advice="`waconnd token create --method` makes one that does",
            )
        raise denied(method.name, method.scope, None, caller)

    def _account(self, method: Method[Any, Any], params: Any, caller: Caller) -> str:
        named: str | None = getattr(params, "account", None)
        scope = method.scope
        if named is not None and not caller.rights.allows(scope, named):
            # The same words whether it exists or not: names of others' accounts are theirs.
            assert scope is not None
            raise denied(method.name, scope, named, caller)
        if not method.account:
            return named or ""
        names = self.host.account_names()
        if named is not None:
            if named not in names:
                raise RpcError("account_not_found", f"there is no account `{named[:80]}`", account=named[:80])
            return named
        mine = [name for name in names if caller.rights.allows(scope, name)]
        if len(mine) == 1:
            return mine[0]
        if not mine:
            sentence = "there is no account yet" if not names else "none of the accounts is open to you"
            raise RpcError("account_required", sentence, advice="`waconnd pair NAME` makes one and links it")
        shown = ", ".join(mine[:NAMED]) + (", …" if len(mine) > NAMED else "")
        raise RpcError("account_required", f"there are {len(mine)} accounts ({shown})", accounts=mine)
