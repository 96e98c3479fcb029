"""`Sandbox`: the world with its people, as scripts and tests hold it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Final, Literal, TypeVar

from protocol.crypto.curve import KeyPair, from_private, generate
from protocol.engine.server import Faults as WireFaults
from protocol.jid import USER, Jid, parse
from protocol.node import Node
from protocol.noise.certificate import issue_chain
from waconnd.sandbox.expect import Unmet, Wanted, checked, difference
from waconnd.sandbox.faults import Rule as Fault
from waconnd.sandbox.hosts import MediaHost
from waconnd.sandbox.party import Read
from waconnd.sandbox.passkey import Passkeys
from waconnd.sandbox.people import Person, Rule
from waconnd.sandbox.seed import Seeded
from waconnd.sandbox.server import Listener
from waconnd.sandbox.state import Account, Device, Group, Link
from waconnd.sandbox.world import World

T = TypeVar("T")

#: Certificates of the sandbox are good for so long around the day of its start; tests jump by weeks.
CERTIFICATE_SECONDS: Final = 10 * 365 * 86400
DAY: Final = 86400
#: Who lives in a sandbox to which nobody gave names.
PEOPLE: Final = ("ada", "bob", "carl")
#: Hidden ids of the sandbox' people count up from here.
FIRST_LID: Final = 100000000000001
#: How long `expect` waits unless told otherwise, and how often it looks.
EXPECT_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.01
ROOT_FILE: Final = "root.key"
STATIC_FILE: Final = "server.key"


class Clock:
    """Wall time that can be moved forward, or stopped and set by hand."""

    def __init__(self, start: float | None = None) -> None:
        self._offset = 0.0
        self._fixed = start

    def __call__(self) -> float:
        """Unix seconds."""
        return self._fixed if self._fixed is not None else time.time() + self._offset

    def advance(self, seconds: float) -> None:
        """Let time pass at once."""
        if self._fixed is not None:
            self._fixed += seconds
        else:
            self._offset += seconds


class Sandbox:
    """A WhatsApp with people in it. `serving()` opens its sockets; without it everything works in memory."""

    def __init__(
        self,
        seed: int | str = 0,
        *,
        clock: Clock | None = None,
        state: Path | None = None,
    ) -> None:
        self.clock = clock or Clock()
        self.random = Seeded(seed)
        self.root = self._key(state, ROOT_FILE, "root")
        self.static = self._key(state, STATIC_FILE, "static")
        self.world = World(self.random.branch("world"), self.clock())
        self.people: dict[str, Person] = {}
        #: Certificates that new connections get: good, expired or other_root.
        self.chain: Literal["good", "expired", "other_root"] = "good"
        self._host = "127.0.0.1"
        self._made: tuple[int, str] | None = None
        self._chain_bytes = b""
        self.world.sign_devices = self._sign_devices
        self.world.on_active = self._greet
        self.world.on_code_finished = self._code_finished
        self.passkeys = Passkeys(self.world)
        self.world.on_passkey = self.passkeys.handle
        self.world.on_media_retry = self._media_retry
        self.listener = Listener(self.world, self.static, self.chain_bytes, self.clock)
        self.hosts = [MediaHost(self.world.blobs, self.clock), MediaHost(self.world.blobs, self.clock)]

    def _key(self, state: Path | None, name: str, branch: str) -> KeyPair:
        """A key of the server: kept in the state directory, or drawn from the seed when there is none."""
        if state is None:
            return generate(self.random.branch(branch))
        file = state / name
        if not file.exists():
            state.mkdir(mode=0o700, parents=True, exist_ok=True)
            file.touch(mode=0o600)
            file.write_text(generate(Seeded(time.time_ns()).branch(branch)).private.hex() + "\n")
        return from_private(bytes.fromhex(file.read_text().strip()))

    def chain_bytes(self) -> bytes:
        """The certificates; made anew when a day has passed or another kind is wanted, since two signatures cost."""
        now = int(self.clock())
        key = (now // DAY, self.chain)
        if key != self._made:
            root = self.root if self.chain != "other_root" else generate(self.random.branch("other root"))
            ends = now - DAY if self.chain == "expired" else now + CERTIFICATE_SECONDS
            self._chain_bytes = issue_chain(
                root.private,
                self.static.public,
                not_before=now - CERTIFICATE_SECONDS,
                not_after=ends,
                entropy=self.random.branch(f"chain {key}"),
            )
            self._made = key
        return self._chain_bytes

    # sockets

    @contextlib.asynccontextmanager
    async def serving(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Sandbox]:
        """Serve the websocket and the media hosts until the block ends."""
        async with contextlib.AsyncExitStack() as stack:
            for media_host in self.hosts:
                await stack.enter_async_context(media_host.serving(host))
            self.world.blobs.hosts = [f"{host}:{media_host.port}" for media_host in self.hosts]
            await stack.enter_async_context(self.listener.serving(host, port))
            self._host = host
            yield self

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"ws://{self._host}:{self.listener.port}/ws/chat"

    def pump(self) -> None:
        """Let things happen that a call from outside started."""
        self.world.now = max(self.world.now, self.clock())
        self.world.settle()
        self.listener.flush()

    # people

    def person(self, name: str, number: str = "") -> Person:
        """Somebody by name; they are born when first named, and know everybody."""
        if name in self.people:
            return self.people[name]
        place = len(self.people)
        number = number or f"1555010{place:04d}"
        self.world.now = max(self.world.now, self.clock())
        person = Person(self.world, number, name, str(FIRST_LID + place))
        for other in self.people.values():
            other.account.contacts.add(number)
            person.account.contacts.add(other.account.user)
        self.people[name] = person
        person.phone.demand_passkey = partial(self.passkeys.demand, person.phone)
        return person

    def known(self, name: str) -> Person:
        """Somebody who lives here already: for what makes no sense with a stranger. Raises ValueError."""
        if name not in self.people:
            raise ValueError(f"nobody is called {name!r}; there are {self._names()}")
        return self.people[name]

    def told(self) -> str:
        """Everybody with their number, in a line."""
        return ", ".join(f"{p.name} ({p.account.user})" for p in self.people.values())

    def _names(self) -> str:
        return ", ".join(self.people) or "no people"

    def _owner(self, account: Account) -> Person | None:
        for person in self.people.values():
            if person.account is account:
                return person
        return None

    def _sign_devices(self, account: Account) -> bytes:
        person = self._owner(account)
        return person.phone.sign_devices() if person is not None else b""

    def _greet(self, device: Device) -> None:
        person = self._owner(device.account)
        if person is not None:
            person.phone.greet(device)

    def _media_retry(self, device: Device, node: Node) -> None:
        person = self._owner(device.account)
        if person is not None:
            person.phone.upload_again(device, node)

    def _code_finished(self, link: Link) -> None:
        registration = link.registration
        if registration is None or registration.link_code is None:
            return
        for person in self.people.values():
            if person.account.user == registration.link_code.pn:
                person.phone.code_finished(link)

    def address(self, who: str) -> Jid:
        """A name, a number, a group's subject or an address."""
        if who in self.people:
            return self.people[who].jid
        if "@" in who:
            return parse(who)
        for group in self.world.groups.values():
            if group.subject == who:
                return group.jid
        if who.lstrip("+").isdigit():
            return Jid(who.lstrip("+"), USER)
        raise ValueError(f"nobody and no group is called {who!r}; there are {self._names()}")

    # what scripts do

    def scan(self, name: str, qr: str) -> None:
        """A person's phone scans a QR code."""
        self.person(name).phone.scan(qr)
        self.pump()

    async def enter_code(self, name: str, code: str) -> None:
        """A person types a link code; stretching it takes a moment, which is spent in a thread by nobody else."""
        await asyncio.sleep(0)
        self.person(name).phone.enter_code(code)
        self.pump()

    def say(self, name: str, to: str, text: str) -> str:
        """A person writes a text."""
        id = self.person(name).say(self.address(to), text)
        self.pump()
        return id

    def rule(self, name: str, pattern: str, *, answer: str = "", react: str = "", read: bool = False) -> None:
        """From now on a person does this when a text matches. Raises ValueError for what is no expression."""
        checked(pattern, answer)
        self.person(name).rules.append(Rule(pattern=pattern, answer=answer, react=react, read=read))

    def fault(
        self,
        action: str,
        *,
        tag: str = "",
        type: str = "",
        user: str = "",
        chance: float = 1.0,
        times: int | None = 1,
        seconds: float = 1.0,
        skip: int = 0,
    ) -> None:
        """Something goes wrong with stanzas on their way out: see `faults.ACTIONS`."""
        user = self.address(user).user if user else ""
        self.world.faults.add(
            Fault(
                action=action,
                tag=tag,
                type=type,
                user=user,
                chance=chance,
                times=times,
                seconds=seconds,
                skip=skip,
            )
        )

    def release(self) -> None:
        """Stanzas that were withheld go out now, in their order."""
        self.world.release()
        self.pump()

    def mend(self) -> None:
        """Everything works again, whatever was switched on; what was held back is lost."""
        self.world.faults.clear()
        self.world.blobs.refuse.clear()
        self.listener.refuse_upgrade = 0
        self.listener.wire_faults = WireFaults()
        self.listener.stop_at, self.listener.stop_silently = "", False
        self.chain = "good"
        for person in self.people.values():
            person.lock(0)
            person.phone.demand_retries = 0

    async def expect(
        self,
        name: str,
        *,
        text: str | None = None,
        pattern: str | None = None,
        kind: str | None = None,
        chat: str | None = None,
        sender: str | None = None,
        seconds: float = EXPECT_SECONDS,
    ) -> Read:
        """Wait for a message that a person's phone reads; each is found once. Raises Unmet with what came instead."""
        person = self.known(name)
        if pattern is not None:
            checked(pattern)
        by = self.world.account(self.address(sender)) if sender else None
        wanted = Wanted(
            text=text,
            pattern=pattern,
            kind=kind,
            chat=self.address(chat) if chat else None,
            sender=by.lid if by is not None else None,
        )

        def found() -> Read | None:
            for read in person.inbox:
                if wanted.matches(read):
                    person.inbox.remove(read)
                    return read
            return None

        try:
            return await self.until(found, str(wanted), seconds)
        except TimeoutError:
            raise Unmet(difference(name, wanted, list(person.inbox), seconds)) from None

    async def until(self, found: Callable[[], T | None], what: str, seconds: float = EXPECT_SECONDS) -> T:
        """Wait until something is true (neither None nor empty nor False), and give it."""
        end = time.monotonic() + seconds
        while not (value := found()):
            if time.monotonic() > end:
                raise TimeoutError(f"no {what} within {seconds:g} s")
            await asyncio.sleep(POLL_SECONDS)
        return value

    def group(self, name: str, subject: str, members: list[str]) -> Group:
        """A person starts a group."""
        group = self.person(name).create_group(subject, [self.person(member).account for member in members])
        self.pump()
        return group

    def advance(self, seconds: float) -> None:
        """Let time pass at once, and do what was due in it."""
        end = self.clock() + seconds
        while (due := self.world.deadline()) is not None and due <= end:
            self.clock.advance(max(0.0, due - self.clock()))
            self.world.handle_deadline(self.clock())
        self.clock.advance(max(0.0, end - self.clock()))
        self.pump()

    def watch(self, watcher: Callable[[str, Device, Node], None]) -> None:
        """Be told about each message and receipt that passes the server."""
        self.world.watchers.append(watcher)
