"""`make demo`: the daemon's main job against the built-in sandbox, told in plain words. No phone, no network."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from waconnd import qr
from waconnd.client.aio import AsyncClient, Unreachable
from waconnd.sandbox.sandbox import Sandbox

BOLD, DIM, GREEN, OFF = ("\033[1m", "\033[2m", "\033[32m", "\033[0m") if sys.stdout.isatty() else ("",) * 4
START_SECONDS = 15.0
#: `tests/sandbox/test_sandbox_docs.py` types the first of them.
NEXT = (
    ("serve --sandbox", "the daemon with a WhatsApp inside; in another terminal:"),
    ("sandbox link ada", "its account is now a device of ada's"),
    ("events --follow", "stays, and shows what happens; in a third one:"),
    ("sandbox say bob ada 'hello'", "bob writes                     (docs/sandbox.md)"),
    ("send +15550100001 'hello, bob'", "the account answers"),
    ("sandbox received bob", "what bob's phone shows"),
    ("serve", "the daemon on the real WhatsApp; then, with your phone:"),
    ("pair", "scan with Settings > Linked devices"),
)


def say(text: str = "") -> None:
    print(text, flush=True)


def step(text: str) -> None:
    say(f"\n{BOLD}» {text}{OFF}")


def ok(text: str) -> None:
    say(f"{GREEN}✓{OFF} {text}")


class Daemon:
    """A real waconnd process with its own state directory."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.folder, self.socket = folder, folder / "waconnd.sock"
        self.config = folder / "waconnd.toml"
        self.config.write_text(
            f"""\
[daemon]
state_dir = "{folder / "state"}"
cache_dir = "{folder / "cache"}"
socket = "{self.socket}"
[endpoint]
websocket_url = "{sandbox.url}"
noise_root_key = "{sandbox.root.public.hex()}"
media_scheme = "http"
"""
        )
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> AsyncClient:
        log = (self.folder / "waconnd.log").open("ab")
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "waconnd", "serve", "--config", str(self.config), stdout=log, stderr=log
        )
        log.close()
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                client = AsyncClient(self.socket)
                await client.open()
                return client
            except Unreachable:
                if time.monotonic() > until or self.process.returncode is not None:
                    raise SystemExit(
                        (self.folder / "waconnd.log").read_text() or "the daemon did not start"
                    ) from None
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def stop(self) -> None:
        self.process.terminate()
        await self.process.wait()


async def events(
    client: AsyncClient, after: int, *types: str, want: int = 1, seconds: float = 10.0
) -> list[dict]:
    """Events of these types after a cursor, as a script would read them."""
    found: list[dict] = []
    until = time.monotonic() + seconds
    while len(found) < want:
        left = until - time.monotonic()
        if left <= 0:
            raise SystemExit(f"no {' or '.join(types)} came within {seconds:g} s")
        page = await client.call("events.read", after=after, types=list(types), wait_s=min(left, 5.0))
        found += page["events"]
        after = page["next"]
    return found


async def main() -> None:
    began = time.monotonic()
    say(
        f"{BOLD}waconnd demo{OFF}: everything below is real but the phone and its people, which are simulated here."
    )
    with tempfile.TemporaryDirectory(prefix="waconnd-demo-") as name:
        folder = Path(name)
        async with Sandbox(seed="demo").serving() as sandbox:
            ann, _ = sandbox.person("Ann"), sandbox.person("Me")
            step("A WhatsApp server runs on this machine, and a waconnd daemon that trusts it")
            ok(f"sandbox at {sandbox.url}")
            daemon = Daemon(folder, sandbox)
            client = await daemon.start()
            info = await client.call("daemon.info")
            ok(f"waconnd {info['version']} answers on {daemon.socket.name}")

            step("A script asks for a QR code, as you would with `waconnd pair main`")
            await client.call("account.create", account="main")
            code = await client.call("pair.qr", account="main")
            say(qr.terminal(code["code"]))
            ok(f"code {code['index']} of {code['of']}, good until {code['expires_at']}")

            step("The phone scans it")
            sandbox.scan("Me", code["code"])
            account = await client.call("account.wait", account="main", state="ready", timeout_s=15)
            ok(f"linked to {account['me']['number']} and {account['state']}")

            step("Ann writes")
            sandbox.say("Ann", "Me", "Hello, is this thing on?")
            [message] = await events(client, 0, "message.received")
            data = message["data"]
            ok(
                f"event {message['seq']}: {data['from']['name']} ({data['from']['pn'].split('@')[0]}) wrote {data['body']['text']!r}"
            )

            step("A script answers")
            sent = await client.call(
                "message.send", to=data["chat"]["id"], text="Loud and clear.", key="demo-1"
            )
            ok(f"{sent['id']}: {sent['status']}")
            read = await sandbox.expect("Ann", text="Loud and clear.")
            ok("Ann's phone shows it")
            ann.mark_read(read)
            sandbox.pump()
            states = []
            after = 0
            while "read" not in states:
                [status, *more] = await events(client, after, "message.status")
                states += [s["data"]["status"] for s in (status, *more)]
                after = (more[-1] if more else status)["seq"]
            ok(" → ".join(dict.fromkeys(states)))

            step("The daemon is killed with SIGKILL, in the middle of everything")
            pid = daemon.process.pid
            await daemon.kill()
            await client.close()
            ok(f"process {pid} is gone; Ann does not know and writes on")
            for number in range(1, 4):
                sandbox.say("Ann", "Me", f"message {number} of 3, while you were dead")

            step("It comes back by itself (systemd would do that), without a QR code")
            started = time.monotonic()
            client = await daemon.start()
            account = await client.call("account.wait", account="main", state="ready", timeout_s=15)
            ok(
                f"{account['state']} after {time.monotonic() - started:.2f} s, still {account['me']['number']}"
            )
            again = await events(client, message["seq"], "message.received", want=3)
            for event in again:
                ok(f"event {event['seq']}: {event['data']['body']['text']!r}")
            whole = await client.call("events.read", after=0, types=["message.received"], limit=500)
            texts = [event["data"]["body"]["text"] for event in whole["events"]]
            assert len(texts) == len(set(texts)) == 4, texts
            ok("nothing was lost, nothing came twice")
            repeat = await client.call(
                "message.send", to=data["chat"]["id"], text="Loud and clear.", key="demo-1"
            )
            assert repeat["id"] == sent["id"]
            ok("the same `key` again sends nothing new: same id")
            await client.close()
            await daemon.stop()

    say(f"\n{BOLD}Done in {time.monotonic() - began:.1f} s.{OFF} Try next:")
    for command, what in NEXT:
        say(f"  .venv/bin/waconnd {command:<34} {what}".rstrip())


if __name__ == "__main__":
    os.umask(0o077)
    asyncio.run(main())
