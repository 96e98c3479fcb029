"""Several devices in memory, and as much of a server as routes between them. Every stanza goes through the codec."""

from __future__ import annotations

import random
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import msgspec

from protocol.creds import CREDS, CREDS_ID, Account, new_creds
from protocol.crypto.curve import KeyPair, generate
from protocol.crypto.xeddsa import sign
from protocol.effects import Query
from protocol.engine.router import route
from protocol.events.base import Event
from protocol.flows.context import Context, Settings
from protocol.flows.mapping import learn
from protocol.flows.outgoing import SendRequest, lane
from protocol.flows.prekeys import check
from protocol.flows.retry_copy import WantRetryCopy
from protocol.flows.runner import Handle, Runner
from protocol.flows.sealed import WantSecret
from protocol.flows.send import send
from protocol.jid import LID, USER, Jid
from protocol.keystore import Changes, Keystore, Save
from protocol.node import Node
from protocol.pb import adv_pb2
from protocol.pb.e2e_pb2 import Message
from protocol.signal.phash import participant_hash
from protocol.stanza import adv
from protocol.stanza.iq import Ids
from protocol.stanza.message import Facts
from protocol.wire.codec import decode, encode

START = 1_760_000_000.0


class Disk:
    """A dict that plays the host's store."""

    def __init__(self) -> None:
        self.records: Changes = {}

    def get(self, kind: str, id: str) -> bytes | None:
        return self.records.get((kind, id))

    def ids(self, kind: str) -> list[str]:
        return [i for k, i in self.records if k == kind]

    def save(self, save: Save) -> None:
        for key, value in save.changes.items():
            if value is None:
                self.records.pop(key, None)
            else:
                self.records[key] = value


class Person:
    """An account: a number, a hidden id, an identity that vouches for its companions."""

    def __init__(self, n: int, rng: random.Random) -> None:
        self.pn = Jid(f"1555000{n:04d}", USER)
        self.lid = Jid(f"10000000000{n:04d}", LID)
        self.keys = generate(rng.randbytes)
        self.key_indexes: dict[int, int] = {0: 0}
        #: Another one after each registration of the account.
        self.raw_id = 1

    def index_list(self, rng: random.Random, at: int) -> bytes:
        listed = adv_pb2.ADVKeyIndexList(
            rawId=self.raw_id,
            timestamp=at,
            currentIndex=max(self.key_indexes.values()),
            validIndexes=self.key_indexes.values(),
        )
        details = listed.SerializeToString()
        signature = sign(self.keys.private, adv.KEY_INDEXES + details, rng.randbytes)
        return adv_pb2.ADVSignedKeyIndexList(details=details, accountSignature=signature).SerializeToString()


class Party:
    """One device: what the engine and the host do around the core, in a few lines."""

    def __init__(
        self, world: World, person: Person, device: int, *, migrated: bool = True, life: int = 0
    ) -> None:
        self.world, self.person, self.device = world, person, device
        self.rng = random.Random(f"{person.pn.user}:{device}" + (f":{life}" if life else ""))
        self.disk = Disk()
        self.pn, self.lid = person.pn.on(device), person.lid.on(device)
        creds = new_creds(self.rng.randbytes, START)
        if device == 0:
            creds = msgspec.structs.replace(creds, identity=person.keys)
            creds = msgspec.structs.replace(
                creds, signed_pre_key=new_signed(person.keys, creds.signed_pre_key.pair, self.rng)
            )
        account = vouch(person, device, creds.identity, self.rng)
        creds = msgspec.structs.replace(
            creds,
            account=msgspec.structs.replace(account, pn=str(self.pn), lid=str(self.lid)),
            lid_migrated=migrated,
            rotation_checked_at=START,
        )
        self.disk.records[CREDS.kind, CREDS_ID] = CREDS.encode(creds)
        self.events: list[Event] = []
        self.archive_copies: dict[str, bytes] = {}
        #: By author and id.
        self.secrets: dict[tuple[str, str], bytes] = {}
        self.online = True
        #: What came, and when.
        self.delivered: list[tuple[float, Node]] = []
        self.connect()
        txn = self.ctx.txn()
        learn(txn, self.pn.bare, self.lid.bare)
        self.store.stage(txn)
        self.settle()

    def connect(self) -> None:
        """A process's life begins: nothing is left but the disk."""
        self.store = Keystore(self.disk)
        self.runner = Runner(self.store, next_id=Ids(self.rng.randbytes))
        self.ctx = Context(self.store, self.rng.randbytes, Settings())
        self.ctx.now = self.world.now

    def restart(self) -> None:
        """kill -9 and a new process."""
        self.runner.lost()
        self.connect()

    def start(self, coro: Coroutine[Any, Any, Any], lane: str | None = None) -> Handle[Any]:
        self.ctx.now = self.world.now
        return self.runner.start(coro, now=self.world.now, lane=lane)

    def send(self, to: Jid, text: str, id: str, **more: Any) -> Handle[Any]:
        message = Message(conversation=text)
        message.messageContextInfo.messageSecret = self.rng.randbytes(32)
        return self.send_message(to, message, id, **more)

    def send_message(self, to: Jid, message: Message, id: str, **more: Any) -> Handle[Any]:
        facts = more.pop("facts", Facts())
        request = SendRequest(to=to, id=id, message=message.SerializeToString(), facts=facts, **more)
        return self.start(send(self.ctx, request), lane(to))

    def receive(self, node: Node) -> None:
        self.ctx.now = self.world.now
        if self.runner.receive(node, self.world.now):
            return
        for reaction in route(self.ctx, node):
            if reaction.txn is not None:
                self.store.stage(reaction.txn, reaction.events)
            else:
                assert not reaction.events
            self.runner.tell(*reaction.stanzas)
            for coro, name in reaction.flows:
                self.runner.start(coro, now=self.world.now, lane=name)

    def settle(self) -> list[Node]:
        """Make durable, answer questions, hand out what may leave."""
        out: list[Node] = []
        while True:
            saves, queries = self.store.take_saves(), self.runner.queries()
            for save in saves:
                self.disk.save(save)
                self.events += save.events
                for event in save.events:
                    private = getattr(event, "private", None)
                    if private is not None and private.secret:
                        self.secrets[getattr(event, "from_").id, getattr(event, "id")] = private.secret
                self.store.committed(save.number)
                self.runner.committed(save.number, self.world.now)
            for query in queries:
                self.answer(query)
            out += self.runner.released()
            if (when := self.runner.deadline()) is not None and when <= self.world.now:
                self.runner.handle_deadline(self.world.now)
            elif not saves and not queries:
                return out

    def answer(self, query: Query) -> None:
        question = query.question
        if isinstance(question, WantSecret):
            found = [self.secrets.get((s, question.id), b"") for s in question.senders]
            self.runner.answer(query.token, max(found), self.world.now)
            return
        assert isinstance(question, WantRetryCopy)
        key = f"{question.chat}/{question.id}"
        self.runner.answer(query.token, self.archive_copies.get(key, b""), self.world.now)

    def told(self, kind: str) -> list[Any]:
        """Events of one type; a repeated key is the same event, as in the log."""
        seen: dict[str, Any] = {}
        for event in self.events:
            if event.__struct_config__.tag == kind:
                seen.setdefault(getattr(event, "key"), event)
        return list(seen.values())

    def texts(self, kind: str = "message.received") -> list[str]:
        return [event.body.get("text", "") for event in self.told(kind)]


def new_signed(identity: KeyPair, pair: KeyPair, rng: random.Random) -> Any:
    from protocol.creds import sign_pre_key

    return sign_pre_key(identity, 1, pair, START, rng.randbytes)


def vouch(person: Person, device: int, identity: KeyPair, rng: random.Random) -> Account:
    details = adv_pb2.ADVDeviceIdentity(rawId=1, timestamp=int(START), keyIndex=device).SerializeToString()
    account_signature = sign(person.keys.private, adv.ACCOUNT + details + identity.public, rng.randbytes)
    device_signature = sign(
        identity.private, adv.DEVICE + details + identity.public + person.keys.public, rng.randbytes
    )
    return Account("", "", details, person.keys.public, account_signature, device_signature, device)


class World:
    """The server: devices, prekeys, groups, queues. `filters` see each delivery and may change, drop or double it."""

    def __init__(self, seed: int = 1) -> None:
        self.rng = random.Random(seed)
        self.now = START
        self.people: dict[str, Person] = {}
        self.parties: dict[tuple[str, int], Party] = {}
        self.bundles: dict[tuple[str, int], Node] = {}
        self.pools: dict[tuple[str, int], list[Node]] = defaultdict(list)
        self.groups: dict[Jid, tuple[str, list[Person]]] = {}
        self.queues: dict[tuple[str, int], deque[Node]] = defaultdict(deque)
        self.filters: list[Callable[[Party, Node], Iterable[Node]]] = []
        self.log: list[tuple[Party, Node]] = []
        self.refuse: Callable[[Party, Node], int] = lambda party, node: 0
        self.broken: set[Jid] = set()
        self.hidden: set[tuple[str, int]] = set()

    def person(self, n: int, devices: Iterable[int] = (0,), *, migrated: bool = True) -> list[Party]:
        person = Person(n, self.rng)
        self.people[person.pn.user] = self.people[person.lid.user] = person
        return [self.link(person, device, migrated=migrated) for device in devices]

    def link(self, person: Person, device: int, *, migrated: bool = True, life: int = 0) -> Party:
        """`life`: the same device number with other keys than in an earlier life."""
        person.key_indexes[device] = device
        party = Party(self, person, device, migrated=migrated, life=life)
        self.parties[person.pn.user, device] = party
        self.finish(party.start(check(party.ctx)))
        return party

    def unlink(self, party: Party) -> None:
        """The device is taken off the account, and nobody is told."""
        del party.person.key_indexes[party.device]
        del self.parties[party.person.pn.user, party.device]

    def reinstall(self, phone: Party) -> Party:
        """A new phone for the same number: other keys, no companions."""
        person = phone.person
        for party in self.devices_of(person):
            self.parties.pop((person.pn.user, party.device))
            self.pools.pop((person.pn.user, party.device), None)
        person.key_indexes = {0: 0}
        person.raw_id += 1
        person.keys = generate(self.rng.randbytes)
        return self.link(person, 0, life=person.raw_id)

    def group(self, n: int, members: Iterable[Party], addressing: str = "lid") -> Jid:
        group = Jid(f"12036300000000{n:04d}", "g.us")
        self.groups[group] = (addressing, list(dict.fromkeys(party.person for party in members)))
        return group

    def finish(self, handle: Handle[Any]) -> Any:
        """Run until everything is quiet, then give the flow's result or raise its error."""
        self.run()
        assert handle.done, "the flow still waits"
        if handle.error is not None:
            raise handle.error
        return handle.result

    def run(self, seconds: float = 0.0) -> None:
        """Carry stanzas until nobody has any; then let time pass up to `seconds`, if somebody waits for it."""
        end = self.now + seconds
        while True:
            self._carry()
            due = [
                when
                for p in self.parties.values()
                if (when := p.runner.deadline()) is not None and when <= end
            ]
            if not due:
                self.now = max(self.now, end)
                return
            self.now = max(self.now, min(due))
            for party in self.parties.values():
                party.ctx.now = self.now
                party.runner.handle_deadline(self.now)

    def _carry(self) -> None:
        busy = True
        while busy:
            busy = False
            for key, party in list(self.parties.items()):
                for node in party.settle():
                    busy = True
                    node = decode(encode(node))
                    self.log.append((party, node))
                    self._from(party, node)
                while party.online and self.queues[key]:
                    busy = True
                    node = decode(encode(self.queues[key].popleft()))
                    party.delivered.append((self.now, node))
                    party.receive(node)

    def deliver(self, party: Party, node: Node) -> None:
        nodes: list[Node] = [node]
        for each in self.filters:
            nodes = [out for one in nodes for out in each(party, one)]
        self.queues[party.person.pn.user, party.device].extend(nodes)

    # --- what clients send -----------------------------------------------------------------------------------

    def _from(self, party: Party, node: Node) -> None:
        if node.tag == "iq":
            party.receive(decode(encode(self._answer(party, node))))
        elif node.tag == "message":
            self._message(party, node)
        elif node.tag == "receipt":
            self._receipt(party, node)

    def _answer(self, party: Party, node: Node) -> Node:
        xmlns, head = node.text("xmlns"), {"id": node.text("id"), "type": "result", "from": node.attrs["to"]}
        key = (party.person.pn.user, party.device)
        content: list[Node] = []
        if xmlns == "usync":
            users = node.need("usync").need("list").all("user")
            content = [Node("usync", {}, [Node("list", {}, [self._usync(u.need_jid("jid")) for u in users])])]
        elif xmlns == "w:g2":
            content = [self._roster(node.need_jid("to"))]
        elif xmlns == "encrypt" and node.text("type") == "set" and node.child("list"):
            self.bundles[key] = node
            self.pools[key] += node.need("list").children
        elif xmlns == "encrypt" and node.child("count"):
            content = [Node("count", {"value": str(len(self.pools[key]))})]
        elif xmlns == "encrypt" and node.child("digest"):
            content = [Node("digest", {}, [Node("registration", {}, b"0000")])]
        elif xmlns == "encrypt" and node.child("key"):
            content = [Node("list", {}, [self._bundle(u.need_jid("jid")) for u in node.need("key").children])]
        return Node("iq", head, content)

    def _usync(self, jid: Jid) -> Node:
        person = self.people.get(jid.user)
        if person is None:
            return Node("user", {"jid": jid}, [Node("devices", {}, [Node("error", {"code": "404"})])])
        ids = [d for u, d in sorted(self.parties) if u == person.pn.user and (u, d) not in self.hidden]
        found = [
            Node("device", {"id": str(d)} | ({"key-index": str(person.key_indexes[d])} if d else {}))
            for d in ids
        ]
        signed = Node("key-index-list", {"ts": "1"}, person.index_list(self.rng, int(self.now)))
        devices = Node("devices", {}, [Node("device-list", {}, found), signed])
        return Node("user", {"jid": jid}, [devices, Node("lid", {"val": person.lid})])

    def _bundle(self, jid: Jid) -> Node:
        person = self.people[jid.user]
        key = (person.pn.user, jid.device)
        held = self.bundles.get(key)
        if held is None or jid in self.broken:
            return Node("user", {"jid": jid}, [Node("error", {"code": "404", "text": "item-not-found"})])
        parts = [held.need(t) for t in ("registration", "type", "identity", "skey")]
        if self.pools[key]:
            parts.append(self.pools[key].pop(0))
        if jid.device:
            identity = adv.own_identity(self.parties[key].ctx.account)
            parts.append(Node("device-identity", {}, identity))
        return Node("user", {"jid": jid}, parts)

    def _roster(self, group: Jid) -> Node:
        addressing, people = self.groups[group]
        members = [
            Node(
                "participant",
                {"jid": p.lid, "phone_number": p.pn} if addressing == "lid" else {"jid": p.pn, "lid": p.lid},
            )
            for p in people
        ]
        return Node("group", {"id": group.user, "addressing_mode": addressing}, members)

    # --- routing ---------------------------------------------------------------------------------------------

    def devices_of(self, person: Person) -> list[Party]:
        return [p for (u, _), p in sorted(self.parties.items()) if u == person.pn.user]

    def _message(self, sender: Party, node: Node) -> None:
        to = node.need_jid("to")
        ack = {"class": "message", "id": node.text("id"), "from": to, "t": str(int(self.now))}
        code = self.refuse(sender, node)
        if code:
            sender.receive(Node("ack", ack | {"error": str(code)}))
            return
        if to.is_group or to.is_broadcast:
            phash = self._to_group(sender, node, to)
            if phash and not node.jid("participant"):
                ack["phash"] = phash
        else:
            phash = self._to_person(sender, node, to)
            if phash:
                ack["phash"] = phash
        sender.receive(decode(encode(Node("ack", ack))))

    def _to_person(self, sender: Party, node: Node, to: Jid) -> str:
        own = sender.lid if to.is_lid else sender.pn
        shared = node.child("participants")
        alone = [(to, enc) for enc in node.all("enc")]
        sealed = [(t.need_jid("jid"), t.need("enc")) for t in shared.all("to")] if shared else alone
        named = {jid for jid, _ in sealed}
        for jid, enc in sealed:
            self._one(sender, node, jid, [enc], own, to)
        if shared is None:
            return ""
        wanted = {
            p.lid if to.is_lid else p.pn
            for person in (self.people[to.user], sender.person)
            for p in self.devices_of(person)
        }
        return "" if wanted == named | {own} else participant_hash(wanted)

    def _to_group(self, sender: Party, node: Node, group: Jid) -> str:
        shared = node.child("participants")
        named = [self.people[t.need_jid("jid").user] for t in shared.all("to")] if shared else []
        # The audience of a status stands in its stanza alone.
        addressing, people = self.groups.get(group, ("lid", list(dict.fromkeys(named))))
        lid = addressing == "lid"
        own = sender.lid if lid else sender.pn
        keys = {t.need_jid("jid"): t.child("enc") for t in shared.all("to")} if shared else {}
        only = node.jid("participant")
        common = list(node.all("enc"))
        all_devices = [p for person in people for p in self.devices_of(person)]
        for party in all_devices:
            name = party.lid if lid else party.pn
            if party is sender or (only is not None and only != name):
                continue
            encs = [enc for enc in (keys.get(name),) if enc] + common
            self._one(sender, node, name, encs, own, group)
        now = participant_hash([p.lid if lid else p.pn for p in all_devices])
        return "" if group.is_broadcast or node.text("phash") == now else now

    def _one(self, sender: Party, node: Node, to: Jid, encs: list[Node], own: Jid, chat: Jid) -> None:
        person = self.people[to.user]
        party = self.parties.get((person.pn.user, to.device))
        if party is None:
            return
        attrs: dict[str, Any] = {"id": node.text("id"), "type": node.text("type"), "t": str(int(self.now))}
        attrs["notify"] = f"name of {sender.person.pn.user}"
        if not chat.is_user:
            attrs |= {"from": chat, "participant": own, "addressing_mode": "lid" if own.is_lid else "pn"}
            attrs["participant_pn" if own.is_lid else "participant_lid"] = (
                sender.pn if own.is_lid else sender.lid
            ).bare
        else:
            attrs["from"] = own
            attrs["sender_pn" if own.is_lid else "sender_lid"] = (
                sender.pn if own.is_lid else sender.lid
            ).bare
            if party.person is sender.person and "category" not in node.attrs:
                attrs["recipient"] = (node.jid("recipient") or chat).bare
        for name in ("category", "edit"):
            if name in node.attrs:
                attrs[name] = node.attrs[name]
        identity = node.child("device-identity")
        extra = [identity] if identity and any(e.text("type") == "pkmsg" for e in encs) else []
        self.deliver(party, Node("message", attrs, [*encs, *extra]))

    def _receipt(self, sender: Party, node: Node) -> None:
        to = node.need_jid("to")
        attrs = {name: value for name, value in node.attrs.items() if name != "to"} | {
            "t": str(int(self.now))
        }
        if not to.is_user:
            author = node.need_jid("participant")
            own = sender.lid if author.is_lid else sender.pn
            attrs |= {"from": to, "participant": own}
            target = author
        else:
            attrs["from"] = sender.lid if to.is_lid else sender.pn
            target = to
        if node.text("type") == "peer_msg":
            return
        person = self.people[target.user]
        party = self.parties.get((person.pn.user, target.device))
        if party is not None and party is not sender:
            self.deliver(party, Node("receipt", attrs, node.content))
