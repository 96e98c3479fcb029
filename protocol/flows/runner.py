"""Steps flows: no event loop, no threads, no recursion.

Theory of operation. A flow is a coroutine parked on one wait. What wakes it is a stanza, a durable commit, a host's
answer or a deadline; each lands in one ready queue, drained in order, so that a step which starts or wakes other
flows never nests. Stanzas leave through two queues: the gated one, where each carries the number of the newest
commit staged before it and is released in order once that is durable, and the immediate one (pings, presence).
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final, Generic, TypeVar

from protocol.effects import AckKey, Ask, AskAll, Commit, Expect, Lookup, Pause, Query, Tell
from protocol.errors import LinkLost, LocalProtocolError, StoreFailed, TimedOut
from protocol.keystore import Keystore
from protocol.node import Node

T = TypeVar("T")
Waker = Callable[[object], None]

#: How many cancelled timers may lie in the heap before it is swept.
SPARE_TIMERS: Final = 256


class Handle(Generic[T]):
    """A started flow: its result or its error, and a call when either is there."""

    __slots__ = ("_coro", "_watchers", "done", "error", "lane", "name", "result", "waiting")

    def __init__(self, coro: Coroutine[Any, object, T], lane: str | None) -> None:
        self._coro = coro
        self._watchers: list[Callable[[Handle[T]], None]] = []
        self.name = getattr(coro, "__qualname__", "flow")
        self.lane = lane
        self.done = False
        self.result: T | None = None
        self.error: Exception | None = None
        #: Changes at every step, so that a stale waker finds that it is stale.
        self.waiting = 0

    def watch(self, callback: Callable[[Handle[T]], None]) -> None:
        """Call back when the flow has ended; at once when it has already."""
        if self.done:
            callback(self)
        else:
            self._watchers.append(callback)

    def step(self, reply: object) -> object:
        """Run to the next wait. StopIteration when the flow has ended."""
        return self._coro.throw(reply) if isinstance(reply, Exception) else self._coro.send(reply)

    def finish(self, result: T | None, error: Exception | None) -> None:
        """Note the end, once."""
        self.done, self.result, self.error = True, result, error
        watchers, self._watchers = self._watchers, []
        for callback in watchers:
            callback(self)


class Runner:
    """Owns the flows of one connection and the order of what leaves."""

    def __init__(self, store: Keystore, *, next_id: Callable[[], str]) -> None:
        self.store = store
        self._next_id = next_id
        self._now = 0.0
        self._ready: deque[tuple[Handle[Any], int, object]] = deque()
        self._stepping = False
        self._flows: set[Handle[Any]] = set()
        self._lanes: dict[str, deque[Handle[Any]]] = {}
        self._iqs: dict[str, Waker] = {}
        #: Several may wait for one ack; it wakes them all.
        self._acks: dict[AckKey, dict[int, Waker]] = {}
        self._watch: dict[int, tuple[Callable[[Node], bool], Waker]] = {}
        self._commits: deque[tuple[int, Waker]] = deque()
        self._lookups: dict[int, Waker] = {}
        #: When and which; a number that is not armed any more was cancelled.
        self._timers: list[tuple[float, int]] = []
        self._armed: dict[int, Callable[[], None]] = {}
        self._serial = 0
        self._gated: deque[tuple[int, Node]] = deque()
        self._immediate: deque[Node] = deque()
        self._queries: list[Query] = []
        self._ended: Exception | None = None

    def new_id(self) -> str:
        """An id for a stanza that no flow asks with."""
        return self._next_id()

    # --- what the engine calls ------------------------------------------------------------------------------

    def start(self, coro: Coroutine[Any, object, T], *, now: float, lane: str | None = None) -> Handle[T]:
        """Start a flow, or queue it behind its lane. On a connection that has ended it fails at once."""
        self._now = max(self._now, now)
        handle: Handle[T] = Handle(coro, lane)
        if self._ended is not None:
            coro.close()
            handle.finish(None, self._ended)
            return handle
        self._flows.add(handle)
        if lane is not None:
            queue = self._lanes.setdefault(lane, deque())
            queue.append(handle)
            if queue[0] is not handle:
                return handle
        self._wake(handle, handle.waiting, None)
        return handle

    def receive(self, node: Node, now: float) -> bool:
        """Offer a stanza to whoever waits. True: it was an awaited answer and needs no other handling."""
        self._now = now
        if node.tag == "iq":
            if node.text("type") in ("result", "error") and (waker := self._iqs.pop(node.text("id"), None)):
                waker(node)
                return True
        elif node.tag == "ack":
            sender = node.jid("from")
            key = sender and AckKey(node.text("class"), sender, node.text("id"))
            if key and (waiters := self._acks.pop(key, None)):
                for waker in waiters.values():
                    waker(node)
                return True
        for serial, (match, waker) in list(self._watch.items()):
            if serial in self._watch and match(node):
                del self._watch[serial]
                waker(node)
        return False

    def tell(self, *nodes: Node, at_once: bool = False) -> None:
        """Queue stanzas behind every commit staged so far, or at once."""
        if at_once:
            self._immediate.extend(nodes)
        else:
            self._gated.extend((self.store.staged, node) for node in nodes)

    def committed(self, number: int, now: float) -> None:
        """Resume the flows whose commits are durable. The keystore was told before."""
        self._now = now
        while self._commits and self._commits[0][0] <= number:
            self._commits.popleft()[1](number)

    def answer(self, token: int, value: object, now: float) -> None:
        """The host's reply to a question."""
        self._now = now
        if waker := self._lookups.pop(token, None):
            waker(value)

    def released(self) -> list[Node]:
        """Stanzas that may leave now, in order."""
        out = list(self._immediate)
        self._immediate.clear()
        durable = self.store.durable
        while self._gated and self._gated[0][0] <= durable:
            out.append(self._gated.popleft()[1])
        return out

    def queries(self) -> list[Query]:
        """Questions to the host, each handed out once."""
        queries, self._queries = self._queries, []
        return queries

    def deadline(self) -> float | None:
        """When `handle_deadline` wants to be called."""
        while self._timers and self._timers[0][1] not in self._armed:
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def handle_deadline(self, now: float) -> None:
        """Fire what is due at `now`; what these steps arm anew waits for the next call, even when due."""
        self._now = now
        due: list[Callable[[], None]] = []
        while (when := self.deadline()) is not None and when <= now:
            due.append(self._armed.pop(heapq.heappop(self._timers)[1]))
        for fire in due:
            fire()

    def lost(self, error: Exception | None = None) -> None:
        """The connection is gone: every flow is told, nothing gated will leave."""
        self._end(error or LinkLost("the connection was lost"))

    def failed(self) -> None:
        """A write failed: nothing gated ever leaves, every flow is told."""
        self.store.failed()
        self._end(StoreFailed("a commit could not be made durable"))

    @property
    def flows(self) -> int:
        """How many flows live."""
        return len(self._flows)

    # --- waking and stepping ----------------------------------------------------------------------------------

    def _end(self, error: Exception) -> None:
        if self._ended is not None:
            return
        self._ended = error
        self._gated.clear()
        self._immediate.clear()
        self._queries.clear()
        self._iqs.clear()
        self._acks.clear()
        self._watch.clear()
        self._commits.clear()
        self._lookups.clear()
        self._timers.clear()
        self._armed.clear()
        # All at once, before any of them runs: the end of one must not start the next of its lane.
        self._ready.extend((handle, handle.waiting, error) for handle in self._flows)
        self._drain()

    def _waker(self, handle: Handle[Any]) -> Waker:
        stamp = handle.waiting
        return lambda reply: self._wake(handle, stamp, reply)

    def _wake(self, handle: Handle[Any], stamp: int, reply: object) -> None:
        self._ready.append((handle, stamp, reply))
        self._drain()

    def _drain(self) -> None:
        if self._stepping:
            return
        self._stepping = True
        try:
            while self._ready:
                self._step(*self._ready.popleft())
        finally:
            self._stepping = False

    def _step(self, handle: Handle[Any], stamp: int, reply: object) -> None:
        if handle.done or handle.waiting != stamp:
            return
        handle.waiting += 1
        try:
            wait = handle.step(reply)
        except StopIteration as stop:
            self._finish(handle, stop.value, None)
        except Exception as error:
            self._finish(handle, None, error)
        else:
            if self._ended is not None:
                self._ready.append((handle, handle.waiting, self._ended))
            else:
                self._park(handle, wait)

    def _finish(self, handle: Handle[Any], result: object, error: Exception | None) -> None:
        self._flows.discard(handle)
        self._leave_lane(handle)
        handle.finish(result, error)

    def _leave_lane(self, handle: Handle[Any]) -> None:
        if handle.lane is None:
            return
        lane, handle.lane = handle.lane, None
        queue = self._lanes.get(lane)
        if queue is None or handle not in queue:
            return
        first = queue[0] is handle
        queue.remove(handle)
        if not queue:
            del self._lanes[lane]
        elif first:
            self._wake(queue[0], queue[0].waiting, None)

    # --- parking: what each wait does ---------------------------------------------------------------------------

    def _park(self, handle: Handle[Any], wait: object) -> None:
        match wait:
            case Ask():
                self._ask(wait, self._waker(handle))
            case AskAll():
                self._ask_all(wait, self._waker(handle))
            case Expect():
                self._expect(wait, self._waker(handle))
            case Commit():
                self._commit(handle, wait)
            case Tell():
                self.tell(*wait.stanzas, at_once=wait.at_once)
                self._ready.append((handle, handle.waiting, None))
            case Pause():
                waker = self._waker(handle)
                self._timer(self._now + wait.seconds, lambda: waker(None))
            case Lookup():
                self._serial += 1
                self._lookups[self._serial] = self._waker(handle)
                self._queries.append(Query(self._serial, wait.question))
            case _:
                error = TypeError(f"a flow may not await {wait!r}")
                self._ready.append((handle, handle.waiting, error))

    def _ask(self, ask: Ask[Any], waker: Waker) -> None:
        id = ask.node.text("id")
        node = ask.node
        if id in self._iqs:
            waker(LocalProtocolError(f"another iq with id {id} still waits for its answer"))
            return
        if not id:
            id = self._next_id()
            node = Node(node.tag, {"id": id, **node.attrs}, node.content)

        def expire() -> None:
            if self._iqs.pop(id, None):
                waker(
                    TimedOut(f"no answer to <{node.tag} xmlns={node.text('xmlns')!r}> in {ask.seconds:g} s")
                )

        timer = self._timer(self._now + ask.seconds, expire)

        def answered(reply: object) -> None:
            self._cancel(timer)
            waker(reply)

        self._iqs[id] = answered
        self.tell(node)

    def _ask_all(self, wait: AskAll[Any], waker: Waker) -> None:
        replies: list[object] = [None] * len(wait.asks)
        left = len(wait.asks)
        if not left:
            waker(replies)
            return

        def slot(index: int) -> Waker:
            def fill(reply: object) -> None:
                nonlocal left
                replies[index] = reply
                left -= 1
                if not left:
                    waker(replies)

            return fill

        for index, ask in enumerate(wait.asks):
            self._ask(ask, slot(index))

    def _expect(self, wait: Expect, waker: Waker) -> None:
        self._serial += 1
        serial, key = self._serial, wait.match

        def forget() -> bool:
            if isinstance(key, AckKey):
                waiters = self._acks.get(key, {})
                found = waiters.pop(serial, None)
                if not waiters:
                    self._acks.pop(key, None)
                return found is not None
            return self._watch.pop(serial, None) is not None

        def expire() -> None:
            if forget():
                waker(TimedOut(f"nothing came within {wait.seconds:g} s"))

        timer = self._timer(self._now + wait.seconds, expire)

        def arrived(reply: object) -> None:
            self._cancel(timer)
            waker(reply)

        if isinstance(key, AckKey):
            self._acks.setdefault(key, {})[serial] = arrived
        else:
            self._watch[serial] = (key, arrived)

    def _commit(self, handle: Handle[Any], wait: Commit) -> None:
        try:
            number = self.store.stage(wait.txn, wait.events)
        except LocalProtocolError as error:
            self._ready.append((handle, handle.waiting, error))
            return
        self._gated.extend((number, node) for node in wait.then)
        self._commits.append((number, self._waker(handle)))
        if wait.frees_lane:
            self._leave_lane(handle)

    def _timer(self, when: float, fire: Callable[[], None]) -> int:
        self._serial += 1
        heapq.heappush(self._timers, (when, self._serial))
        self._armed[self._serial] = fire
        return self._serial

    def _cancel(self, timer: int) -> None:
        self._armed.pop(timer, None)
        # Nearly all timers are cancelled, long before they would come up in the heap.
        if len(self._timers) > SPARE_TIMERS + 2 * len(self._armed):
            self._timers = [entry for entry in self._timers if entry[1] in self._armed]
            heapq.heapify(self._timers)
