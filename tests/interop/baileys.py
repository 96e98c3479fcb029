"""The real Baileys as a subprocess: commands in, events out, and waiting for what must come."""

import asyncio
import contextlib
import os
import time
from pathlib import Path

import msgspec

HERE = Path(__file__).parent
#: Longer than Baileys' own waits (it gives history 20 s).
PATIENCE = 30.0
#: A message carries its status by name, an update by number.
STATUSES = {3: "DELIVERY_ACK", 4: "READ", 5: "PLAYED"}
#: To end in peace: it writes its files on its way out.
STOP_SECONDS = 5.0
LINE_LIMIT = 64 * 1024 * 1024


class BaileysError(Exception):
    """Baileys refused a command."""


class Baileys:
    """One process with one account."""

    def __init__(self, name, sandbox, folder):
        self.name, self.folder = name, Path(folder)
        self._sandbox = sandbox
        self.events = []
        self.jid = self.lid = ""
        self._answers = {}
        self._changed = asyncio.Event()
        self._count = 0
        self._process = self._reader = None

    async def __aenter__(self):
        environment = {
            **os.environ,
            "SANDBOX_ROOT": self._sandbox.root.public.hex(),
            "SANDBOX_MEDIA": self._sandbox.world.blobs.hosts[0],
            "NODE_NO_WARNINGS": "1",
        }
        self._process = await asyncio.create_subprocess_exec(
            "node", "--import", str(HERE / "register.mjs"), str(HERE / "baileys.mjs"),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=environment, limit=LINE_LIMIT,
        )  # fmt: skip
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_):
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        await asyncio.gather(self._reader, return_exceptions=True)
        # Lets the transport close before the loop does.
        self._process._transport.close()

    async def _read(self):
        async for line in self._process.stdout:
            if not line.startswith(b"{"):
                continue
            said = msgspec.json.decode(line)
            if "event" in said:
                self.events.append((said["event"], said["data"]))
            elif "id" in said:
                self._answers[said["id"]] = said
            # Else a line that Baileys logs by a logger of its own.
            self._changed.set()
        self._changed.set()

    async def _until(self, found, what, seconds=PATIENCE):
        end = time.monotonic() + seconds
        while (value := found()) is None:
            left = end - time.monotonic()
            if left <= 0 or self._process.returncode is not None:
                tail = [event for event, _ in self.events[-20:]]
                raise AssertionError(f"{self.name}: no {what} in {seconds} s; last events: {tail}")
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), min(left, 1.0))
        return value

    async def ask(self, op, **args):
        """Run a command and give its result."""
        self._count += 1
        id = self._count
        self._process.stdin.write(msgspec.json.encode({"id": id, "op": op, "args": args}) + b"\n")
        await self._process.stdin.drain()
        said = await self._until(lambda: self._answers.pop(id, None), f"answer to {op}")
        if "error" in said:
            raise BaileysError(said["error"])
        return said["result"]

    async def call(self, method, *args):
        """Any method of the socket."""
        return await self.ask("call", method=method, args=args)

    async def event(self, name, match=lambda data: True, *, since=0, seconds=PATIENCE):
        """The first event of that name whose data matches; an error in the match counts as no."""

        def found():
            for event, data in self.events[since:]:
                if event != name:
                    continue
                with contextlib.suppress(KeyError, TypeError, IndexError, AttributeError):
                    if match(data):
                        return data
            return None

        return await self._until(found, f"matching {name}", seconds)

    @property
    def mark(self):
        """Where the events stand now."""
        return len(self.events)

    # the shapes that most tests want

    async def start(self, **options):
        await self.ask("start", url=self._sandbox.url, folder=str(self.folder), **options)

    async def opened(self, since=0):
        await self.event("connection.update", lambda d: d.get("connection") == "open", since=since)
        me = await self.ask("me")
        self.jid, self.lid = bare(me["id"]), bare(me.get("lid") or "")

    async def caught_up(self, since=0):
        await self.event("connection.update", lambda d: d.get("receivedPendingNotifications"), since=since)

    async def qr(self, since=0):
        return (await self.event("connection.update", lambda d: d.get("qr"), since=since))["qr"]

    async def pair(self, person, **options):
        """Link to a person's phone by QR code."""
        await self.start(**options)
        self._sandbox.scan(person, await self.qr())
        await self.opened()
        # Until its first sync is over Baileys may drop a hint that app state changed.
        await self.event("messaging-history.set", lambda d: d["progress"] == 100)
        await self.caught_up()
        return self

    async def say(self, to, text, **extra):
        return await self.ask("send", to=to, content={"text": text}, options=extra)

    async def entry(self, name, match, **where):
        """The first entry of an event that brings a list (updates come together when there are many)."""
        found = []

        def any_of(data):
            for one in data if isinstance(data, list) else data["messages"]:
                with contextlib.suppress(KeyError, TypeError, IndexError, AttributeError):
                    if match(one):
                        found.append(one)
                        return True
            return False

        await self.event(name, any_of, **where)
        return found[0]

    async def reached(self, id, status):
        """Until it says that a message of its own has come so far. What is told while it still holds the message back goes
        into the message itself, and no update follows.
        """

        def found():
            for event, data in self.events:
                if event not in ("messages.upsert", "messages.update"):
                    continue
                for one in data["messages"] if event == "messages.upsert" else data:
                    if one["key"]["id"] == id and one.get("update", one).get("status") in (
                        status,
                        STATUSES[status],
                    ):
                        return one
            return None

        return await self._until(found, f"status {status} of {id}")

    async def message(self, match, **where):
        """The first message of an upsert that matches."""
        return await self.entry("messages.upsert", match, **where)

    async def by_id(self, id, **where):
        """The message with this id, when it could be read."""
        return await self.message(lambda m: m["key"]["id"] == id and m["message"], **where)

    async def text(self, text, **where):
        """A message with that text."""
        return await self.message(lambda m: text_of(m) == text, **where)


def text_of(message):
    """The text of a WebMessageInfo as JSON."""
    content = message.get("message") or {}
    return content.get("conversation") or (content.get("extendedTextMessage") or {}).get("text")


def bare(jid):
    """Without device."""
    user, _, server = jid.partition("@")
    return f"{user.partition(':')[0]}@{server}" if jid else ""
