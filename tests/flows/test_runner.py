"""The flow runner, by itself: a store in memory, stanzas by hand, a clock that is a number."""

from collections.abc import Coroutine, Iterable
from typing import Any

import pytest

from protocol.effects import AckKey, Ask, AskAll, Commit, Expect, Lookup, Pause, Question, Tell
from protocol.errors import (
    IqError,
    LinkLost,
    LocalProtocolError,
    ProtocolError,
    StaleTxn,
    StoreFailed,
    TimedOut,
)
from protocol.flows.runner import SPARE_TIMERS, Handle, Runner
from protocol.jid import SERVER, USER, Jid
from protocol.keystore import Keystore
from protocol.node import Node

ADA = Jid("15550001111", USER)


class Memory(dict[tuple[str, str], bytes]):
    """A source of records whose commits are durable when the test says so."""

    def get(self, kind: str, id: str) -> bytes | None:  # type: ignore[override]
        return super().get((kind, id))

    def ids(self, kind: str) -> Iterable[str]:
        return [id for k, id in self if k == kind]


class Bench:
    """A runner with its store and what the engine would do around it."""

    def __init__(self) -> None:
        self.store = Keystore(Memory())
        self.now = 100.0
        self._ids = 0
        self.runner = Runner(self.store, next_id=self._next_id)
        self.log: list[Any] = []

    def _next_id(self) -> str:
        self._ids += 1
        return f"q{self._ids}"

    def start(self, coro: Coroutine[Any, object, Any], lane: str | None = None) -> Handle[Any]:
        return self.runner.start(coro, now=self.now, lane=lane)

    def durable(self, number: int) -> None:
        self.store.committed(number)
        self.runner.committed(number, self.now)

    def pass_time(self, seconds: float) -> None:
        """Every deadline on the way, as a host would."""
        until = self.now + seconds
        while (when := self.runner.deadline()) is not None and when <= until:
            self.now = max(self.now, when)
            self.runner.handle_deadline(self.now)
        self.now = until

    def answer(self, id: str, type: str = "result", *children: Node) -> bool:
        return self.runner.receive(Node("iq", {"id": id, "type": type}, list(children)), self.now)

    def commit(self, **changes: str) -> Commit:
        txn = self.store.txn()
        for id, value in changes.items():
            txn.put("test", id, value.encode())
        return Commit(txn)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def ask(**attrs: str) -> Ask[str]:
    return Ask(Node("iq", {"type": "get", **attrs}), lambda node: node.text("id"), seconds=10)


def ids(nodes: list[Node]) -> list[str]:
    return [node.text("id") for node in nodes]


async def asking(wait: Any) -> Any:
    return await wait


def test_ask_sends_with_an_id_and_resumes_with_what_read_says(bench: Bench) -> None:
    flow = bench.start(asking(ask()))
    assert ids(bench.runner.released()) == ["q1"]
    assert not bench.answer("other")
    assert not flow.done
    assert bench.answer("q1")
    assert (flow.done, flow.result) == (True, "q1")
    assert bench.runner.deadline() is None
    assert not bench.answer("q1")


def test_ask_keeps_an_id_of_its_own_and_refuses_it_twice(bench: Bench) -> None:
    first, second = bench.start(asking(ask(id="mine"))), bench.start(asking(ask(id="mine")))
    assert ids(bench.runner.released()) == ["mine"]
    assert isinstance(second.error, LocalProtocolError)
    bench.answer("mine")
    assert first.result == "mine"


def test_an_error_answer_raises(bench: Bench) -> None:
    flow = bench.start(asking(ask()))
    bench.answer("q1", "error", Node("error", {"code": "429", "text": "rate-overlimit", "backoff": "30"}))
    assert isinstance(flow.error, IqError)
    assert (flow.error.code, flow.error.text, flow.error.backoff) == (429, "rate-overlimit", 30)


def test_a_question_without_answer_times_out(bench: Bench) -> None:
    flow = bench.start(asking(ask(xmlns="w:p")))
    bench.pass_time(9.9)
    assert not flow.done
    bench.pass_time(0.1)
    assert isinstance(flow.error, TimedOut)
    assert "w:p" in str(flow.error)
    assert not bench.answer("q1")


def test_a_request_is_not_an_answer(bench: Bench) -> None:
    flow = bench.start(asking(ask()))
    assert not bench.runner.receive(Node("iq", {"id": "q1", "type": "get"}), bench.now)
    assert not flow.done


def test_ask_all_sends_all_at_once_and_keeps_each_outcome_in_its_place(bench: Bench) -> None:
    flow = bench.start(asking(AskAll((ask(), ask(), ask()))))
    assert ids(bench.runner.released()) == ["q1", "q2", "q3"]
    bench.answer("q3")
    bench.answer("q1", "error", Node("error", {"code": "404", "text": "gone"}))
    assert not flow.done
    bench.pass_time(10)
    assert flow.result is not None
    error, late, good = flow.result
    assert isinstance(error, IqError)
    assert isinstance(late, TimedOut)
    assert good == "q3"


def test_ask_all_of_nothing(bench: Bench) -> None:
    assert bench.start(asking(AskAll(()))).result == []


def ack(id: str, sender: Jid = ADA, cls: str = "message") -> Node:
    return Node("ack", {"class": cls, "from": sender, "id": id})


def test_expect_an_ack(bench: Bench) -> None:
    flow = bench.start(asking(Expect(AckKey("message", ADA, "M1"), 5)))
    for other in (ack("M2"), ack("M1", SERVER), ack("M1", cls="receipt")):
        assert not bench.runner.receive(other, bench.now)
    assert bench.runner.receive(ack("M1"), bench.now)
    assert flow.result == ack("M1")
    assert bench.runner.deadline() is None


def test_one_ack_wakes_all_who_wait_for_it(bench: Bench) -> None:
    key = AckKey("message", ADA, "M1")
    short, long, longer = (bench.start(asking(Expect(key, seconds))) for seconds in (1, 5, 6))
    bench.pass_time(2)
    assert isinstance(short.error, TimedOut)
    assert bench.runner.receive(ack("M1"), bench.now)
    assert (long.result, longer.result) == (ack("M1"), ack("M1"))


def test_expect_by_predicate_leaves_the_stanza_to_its_handler(bench: Bench) -> None:
    flow = bench.start(asking(Expect(lambda node: node.tag == "success", 5)))
    assert not bench.runner.receive(Node("failure"), bench.now)
    assert not flow.done
    assert not bench.runner.receive(Node("success"), bench.now)
    assert flow.result == Node("success")


def test_expect_times_out(bench: Bench) -> None:
    flows = [bench.start(asking(Expect(m, 5))) for m in (AckKey("message", ADA, "M1"), lambda _: True)]
    bench.pass_time(5)
    assert [type(flow.error) for flow in flows] == [TimedOut, TimedOut]
    assert not bench.runner.receive(ack("M1"), bench.now)


def test_lookup_asks_the_host(bench: Bench) -> None:
    class Copy(Question, tag="copy"):
        id: str

    right, wrong, failing = (bench.start(asking(Lookup(Copy(id="M1"), bytes))) for _ in range(3))
    queries = bench.runner.queries()
    assert [query.question for query in queries] == [Copy(id="M1")] * 3
    assert bench.runner.queries() == []
    for query, value in zip(queries, (b"it", "text", OSError("disk")), strict=True):
        bench.runner.answer(query.token, value, bench.now)
    bench.runner.answer(queries[0].token, b"again", bench.now)
    assert right.result == b"it"
    assert isinstance(wrong.error, TypeError)
    assert isinstance(failing.error, OSError)


def test_pause(bench: Bench) -> None:
    async def flow() -> None:
        for seconds in (0, 0, 3):
            await Pause(seconds)
            bench.log.append(bench.now)

    bench.start(flow())
    # Each pause gives way once: what it arms anew is not fired in the same call.
    bench.runner.handle_deadline(bench.now)
    assert bench.log == [100]
    bench.runner.handle_deadline(bench.now)
    assert bench.log == [100, 100]
    bench.pass_time(10)
    assert bench.log == [100, 100, 103]


# --- commits and what waits for them ---------------------------------------------------------------------------


def test_nothing_leaves_before_what_was_staged_before_it_is_durable(bench: Bench) -> None:
    async def flow() -> None:
        await Tell((Node("a"),))
        commit = bench.commit(x="1")
        await Commit(commit.txn, then=(Node("b"),))
        bench.log.append("resumed")
        await Tell((Node("c"),))

    bench.start(flow())
    bench.runner.tell(Node("after"))
    bench.runner.tell(Node("ping"), at_once=True)
    assert [n.tag for n in bench.runner.released()] == ["ping", "a"]
    assert bench.store.get("test", "x") == b"1"
    assert bench.log == []
    bench.durable(1)
    assert bench.log == ["resumed"]
    assert [n.tag for n in bench.runner.released()] == ["b", "after", "c"]


def test_commits_resume_in_order_and_only_those_that_are_durable(bench: Bench) -> None:
    async def flow(name: str) -> None:
        number = await bench.commit(x=name)
        bench.log.append((name, number))

    for name in "abc":
        bench.start(flow(name))
    assert [save.number for save in bench.store.take_saves()] == [1, 2, 3]
    bench.durable(2)
    assert [name for name, _ in bench.log] == ["a", "b"]
    bench.durable(3)
    assert [name for name, _ in bench.log] == ["a", "b", "c"]


def test_a_transaction_held_across_an_await_is_refused(bench: Bench) -> None:
    async def careless() -> None:
        commit = bench.commit(x="old")
        await Pause()
        await commit

    flow = bench.start(careless())
    bench.start(asking(bench.commit(x="new")))
    bench.pass_time(0)
    assert isinstance(flow.error, StaleTxn)
    assert bench.store.get("test", "x") == b"new"


def test_failed_tells_every_flow_and_releases_nothing(bench: Bench) -> None:
    commit = bench.commit(x="1")
    flows = [
        bench.start(asking(Commit(commit.txn, then=(Node("promise"),)))),
        bench.start(asking(ask())),
        bench.start(asking(Pause(5))),
    ]
    bench.runner.failed()
    assert [type(flow.error) for flow in flows] == [StoreFailed] * 3
    assert bench.runner.released() == []
    assert bench.runner.deadline() is None
    assert bench.runner.flows == 0
    with pytest.raises(LocalProtocolError):
        bench.store.stage(bench.store.txn())


# --- lanes ----------------------------------------------------------------------------------------------------


async def in_lane(bench: Bench, name: str, wait: Any) -> None:
    bench.log.append(f"{name} starts")
    await wait
    bench.log.append(f"{name} ends")


def test_a_lane_runs_one_flow_at_a_time_in_order(bench: Bench) -> None:
    for name in "abc":
        bench.start(in_lane(bench, name, Pause(1)), lane="chat")
    bench.start(in_lane(bench, "other", Pause(1)), lane="another")
    assert bench.log == ["a starts", "other starts"]
    bench.pass_time(5)
    own = [entry for entry in bench.log if "other" not in entry]
    assert own == ["a starts", "a ends", "b starts", "b ends", "c starts", "c ends"]


def test_a_flow_that_fails_frees_its_lane(bench: Bench) -> None:
    async def broken() -> None:
        raise ValueError("no")

    flow = bench.start(broken(), lane="chat")
    bench.start(in_lane(bench, "next", Pause(1)), lane="chat")
    assert isinstance(flow.error, ValueError)
    assert bench.log == ["next starts"]


def test_a_staged_commit_may_free_its_lane(bench: Bench) -> None:
    async def first() -> None:
        await Commit(bench.commit(x="1").txn, frees_lane=True)
        bench.log.append("first durable")
        await Pause(1)

    bench.start(first(), lane="chat")
    bench.start(in_lane(bench, "second", Pause(1)), lane="chat")
    assert bench.log == ["second starts"]
    bench.durable(1)
    bench.pass_time(5)
    assert bench.log == ["second starts", "first durable", "second ends"]
    # The one that left early does not free the lane a second time.
    bench.start(in_lane(bench, "third", Pause(1)), lane="chat")
    assert bench.log[-1] == "third starts"


# --- ends -----------------------------------------------------------------------------------------------------


def test_lost_tells_every_flow_each_in_its_own_words(bench: Bench) -> None:
    async def tidy() -> str:
        try:
            await ask()
        except LinkLost:
            # What it asks for now is refused the same way.
            with pytest.raises(LinkLost):
                await Tell((Node("too late"),))
            return "told"
        return "answered"

    flow, plain = bench.start(tidy()), bench.start(asking(ask()))
    bench.runner.lost()
    assert flow.result == "told"
    assert isinstance(plain.error, LinkLost)
    assert bench.runner.released() == []
    late = bench.start(asking(ask()))
    assert isinstance(late.error, LinkLost)


def test_lost_starts_nobody_who_waited_in_a_lane(bench: Bench) -> None:
    waiting = [bench.start(in_lane(bench, name, Pause(1)), lane="chat") for name in "abc"]
    bench.runner.lost(TimedOut("the server is silent"))
    assert bench.log == ["a starts"]
    assert [type(flow.error) for flow in waiting] == [TimedOut] * 3
    bench.runner.lost()
    assert bench.runner.flows == 0


def test_a_flow_may_await_nothing_foreign(bench: Bench) -> None:
    class Foreign:
        def __await__(self) -> Any:
            return (yield self)

    async def stubborn() -> str:
        try:
            await Foreign()
        except TypeError:
            return "refused"
        return "accepted"

    assert bench.start(stubborn()).result == "refused"
    assert isinstance(bench.start(asking(Foreign())).error, TypeError)


def test_watchers_hear_of_the_end_once_and_at_once_when_it_is_over(bench: Bench) -> None:
    flow = bench.start(asking(ask()))
    flow.watch(lambda handle: bench.log.append(handle.result))
    bench.answer("q1")
    flow.watch(lambda handle: bench.log.append("again"))
    assert bench.log == ["q1", "again"]


def test_a_flow_that_wakes_others_never_nests(bench: Bench) -> None:
    async def chain(depth: int) -> None:
        if depth:
            bench.start(chain(depth - 1))
        bench.log.append(depth)

    bench.start(chain(5000))
    assert bench.log[:2] == [5000, 4999]
    assert len(bench.log) == 5001


def test_answered_questions_leave_nothing_behind(bench: Bench) -> None:
    # A distant deadline keeps the heap's top alive, so that nothing is swept by the way.
    bench.start(asking(Expect(lambda _: False, 1)))
    for _ in range(20 * SPARE_TIMERS):
        flow = bench.start(asking(ask()))
        bench.answer(bench.runner.released()[0].text("id"))
        assert flow.done
    held = [value for value in vars(bench.runner).values() if hasattr(value, "__len__")]
    assert max(map(len, held)) <= 2 * SPARE_TIMERS
    assert bench.runner.flows == 1


def test_errors_know_their_side() -> None:
    assert issubclass(LinkLost, ProtocolError)
    assert issubclass(StaleTxn, LocalProtocolError)
