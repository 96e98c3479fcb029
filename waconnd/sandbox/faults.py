"""What goes wrong on demand. Every choice is drawn from a seed, so that a failure can be played again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from protocol.node import Node
from waconnd.sandbox.seed import Seeded
from waconnd.sandbox.state import Link

#: What may happen to a stanza on its way out.
ACTIONS: Final = ("drop", "withhold", "duplicate", "reorder", "corrupt", "delay", "cut")

CONFLICT: Final = 409


class Rule(msgspec.Struct, kw_only=True):
    """One thing that goes wrong: which stanzas, what, how often."""

    action: str
    #: Tag of the stanzas; empty means all.
    tag: str = ""
    #: `type` or, for an iq's answer, nothing; empty means all.
    type: str = ""
    #: Only for this account's connections.
    user: str = ""
    chance: float = 1.0
    #: How many more times; None is without end.
    times: int | None = 1
    seconds: float = 1.0
    #: Let this many matching stanzas pass first.
    skip: int = 0

    def matches(self, link: Link, node: Node) -> bool:
        """Whether this rule means that stanza."""
        if self.tag and node.tag != self.tag:
            return False
        if self.type and node.text("type") != self.type:
            return False
        if not self.user:
            return True
        return link.device is not None and self.user in (link.device.pn.user, link.device.lid.user)


class Faults:
    """The rules that are on, and the stanzas that they hold back."""

    def __init__(self, random: Seeded) -> None:
        self._random = random
        self.rules: list[Rule] = []
        self._held: dict[int, list[Node]] = {}
        self._withheld: list[tuple[Link, Node]] = []
        #: Links whose output is swallowed: half-open connections.
        self.silent: set[int] = set()
        #: Bytes a second and seconds of delay per link, read by the carrier of the link.
        self.slow: dict[int, float] = {}
        #: Error codes that the next messages are acked with, instead of being delivered.
        self.message_errors: list[int] = []
        #: Namespace of iqs to the errors that the next of them get.
        self.iq_errors: dict[str, list[int]] = {}
        #: Collection to the errors that its next requests get; 409 concerns patches only.
        self.collection_errors: dict[str, list[int]] = {}
        #: The next link code request gets this error.
        self.link_code_error = 0
        #: Links that the carrier must cut now, without a word.
        self._cuts: list[Link] = []

    @property
    def quiet(self) -> bool:
        """Nothing is switched on: the fast path."""
        return not (self.rules or self.silent or self._held)

    def add(self, rule: Rule) -> None:
        """Switch a rule on."""
        if rule.action not in ACTIONS:
            raise ValueError(f"unknown fault {rule.action!r}; there are {', '.join(ACTIONS)}")
        self.rules.append(rule)

    def clear(self) -> None:
        """Everything works again; what was held back is lost."""
        self.rules.clear()
        self._held.clear()
        self._withheld.clear()
        self.silent.clear()
        self.slow.clear()
        self.message_errors.clear()
        self.iq_errors.clear()
        self.collection_errors.clear()
        self.link_code_error = 0

    def take_withheld(self) -> list[tuple[Link, Node]]:
        """What was withheld until somebody asked for it."""
        withheld, self._withheld = self._withheld, []
        return withheld

    def take_cuts(self) -> list[Link]:
        """Connections that must be dropped now."""
        cuts, self._cuts = self._cuts, []
        return cuts

    def message_error(self) -> int:
        """The error that this message is refused with, 0 for none."""
        return self.message_errors.pop(0) if self.message_errors else 0

    def iq_error(self, iq: Node) -> int:
        """The error that this iq is answered with, 0 for none."""
        errors = self.iq_errors.get(iq.text("xmlns"))
        return errors.pop(0) if errors else 0

    def collection_error(self, name: str) -> int:
        """The error that this request for a collection gets, 0 for none."""
        errors = self.collection_errors.get(name)
        return errors.pop(0) if errors and errors[0] != CONFLICT else 0

    def take_conflict(self, name: str) -> bool:
        """Whether this patch meets a conflict that is none."""
        errors = self.collection_errors.get(name)
        if errors and errors[0] == CONFLICT:
            errors.pop(0)
            return True
        return False

    def outbound(self, link: Link, node: Node) -> Iterable[tuple[float, Node]]:
        """What becomes of a stanza: (delay, stanza) pairs."""
        if link.id in self.silent:
            return ()
        rule = self._pick(link, node)
        held = self._held.pop(link.id, [])
        late = [(0.0, other) for other in held]
        if rule is None:
            return [(0.0, node), *late]
        match rule.action:
            case "drop":
                return late
            case "withhold":
                self._withheld.append((link, node))
                return late
            case "duplicate":
                return [(0.0, node), (0.0, node), *late]
            case "reorder":
                self._held[link.id] = [node, *held]
                return ()
            case "delay":
                return [*late, (rule.seconds, node)]
            case "cut":
                self._cuts.append(link)
                return late
            case _:
                return [(0.0, self._corrupt(node)), *late]

    def _pick(self, link: Link, node: Node) -> Rule | None:
        for rule in self.rules:
            if not rule.matches(link, node):
                continue
            if rule.skip:
                rule.skip -= 1
                continue
            if rule.chance < 1.0 and not self._random.chance(rule.chance):
                continue
            if rule.times is not None:
                rule.times -= 1
                if rule.times <= 0:
                    self.rules.remove(rule)
            return rule
        return None

    def _corrupt(self, node: Node) -> Node:
        """Flip one bit of the first ciphertext that a stanza carries."""
        children = list(node.children)
        for place, child in enumerate(children):
            if child.tag == "enc" and isinstance(child.content, bytes) and child.content:
                data = bytearray(child.content)
                spot = self._random.below(len(data))
                data[spot] ^= 1 << self._random.below(8)
                children[place] = Node(child.tag, child.attrs, bytes(data))
                return Node(node.tag, node.attrs, children)
        return node
