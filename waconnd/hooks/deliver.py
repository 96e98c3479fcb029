"""One delivery of one event: run a program, or POST to a URL. Nothing here knows of cursors or retries."""

from __future__ import annotations

import hashlib
import hmac
import os
import ssl
import subprocess
import time
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import anyio
import anyio.to_thread

from waconnd.config import HookSection
from waconnd.rpc.events import Row

#: What is kept of an answer: enough for a reply, bounded for a server that never ends.
MAX_ANSWER: Final = 64 * 1024

#: Requests under way in all hooks together: each holds a thread.
_threads = anyio.CapacityLimiter(8)


class DeliveryFailed(Exception):
    """It did not work, in words."""


def body_of(row: Row) -> bytes:
    """The event as a hook gets it: the one shape, with its seq."""
    return b'{"seq":%d,%b' % (row.seq, row.body[1:])


async def deliver(name: str, hook: HookSection, row: Row, *, secret: bytes | None, socket: str) -> str:
    """Do it; gives what was answered. Raises DeliveryFailed."""
    try:
        with anyio.fail_after(hook.timeout_s):
            if hook.exec is not None:
                return await _run(name, hook.exec, row, socket)
            return await anyio.to_thread.run_sync(
                _post, name, hook, row, secret, limiter=_threads, abandon_on_cancel=True
            )
    except TimeoutError:
        raise DeliveryFailed(f"no answer within {hook.timeout_s:g} s") from None


async def _run(name: str, command: list[str], row: Row, socket: str) -> str:
    # Not the daemon's own environment: it may hold credentials' places.
    environ = {
        "PATH": os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin"),
        "LANG": "C.UTF-8",
        "WACONND_SOCKET": socket,
        "WACONND_HOOK": name,
        "WACONND_EVENT": row.type,
        "WACONND_ACCOUNT": row.account,
        "WACONND_CHAT": row.chat,
        "WACONND_SEQ": str(row.seq),
    }
    try:
        done = await anyio.run_process(
            command, input=body_of(row) + b"\n", env=environ, check=False, stderr=subprocess.DEVNULL, cwd="/"
        )
    except OSError as error:
        raise DeliveryFailed(f"{command[0]} cannot be run: {error.strerror}") from None
    if done.returncode:
        raise DeliveryFailed(f"{command[0]} ended with {done.returncode}")
    return done.stdout[:MAX_ANSWER].decode("utf-8", "replace").strip()


def sign(secret: bytes, at: int, body: bytes) -> str:
    """What the receiver compares: HMAC-SHA256 over the time, a dot, and the body."""
    return hmac.new(secret, b"%d.%b" % (at, body), hashlib.sha256).hexdigest()


def _post(name: str, hook: HookSection, row: Row, secret: bytes | None) -> str:
    assert hook.url is not None
    # With `email` below it, for those who have such hooks.
    import http.client

    place = urlsplit(hook.url)
    body = body_of(row)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "waconnd",
        "X-Waconnd-Hook": name,
        "X-Waconnd-Seq": str(row.seq),
        "X-Waconnd-Event": row.type,
        **hook.headers,
    }
    if secret is not None:
        at = int(time.time())
        headers["X-Waconnd-Timestamp"] = str(at)
        headers["X-Waconnd-Signature"] = f"sha256={sign(secret, at, body)}"
    host = place.hostname or ""
    connection = (
        http.client.HTTPSConnection(
            host, place.port, timeout=hook.timeout_s, context=ssl.create_default_context()
        )
        if place.scheme == "https"
        else http.client.HTTPConnection(host, place.port, timeout=hook.timeout_s)
    )
    target = (place.path or "/") + (f"?{place.query}" if place.query else "")
    try:
        connection.request("POST", target, body, headers)
        with connection.getresponse() as response:
            answer = response.read(MAX_ANSWER)
    except (OSError, http.client.HTTPException) as error:
        raise DeliveryFailed(f"{host} cannot be reached: {error}") from None
    finally:
        connection.close()
    if not 200 <= response.status < 300:
        raise DeliveryFailed(f"{host} answered {response.status}")
    is_text = response.headers.get_content_type() == "text/plain"
    return answer.decode("utf-8", "replace").strip() if is_text else ""


def credential(name: str, folder: Path) -> bytes | None:
    """A secret by name: from systemd's `$CREDENTIALS_DIRECTORY`, else from a file of ours. None when there is none."""
    if not name or "/" in name or name.startswith("."):
        return None
    places = [folder / name]
    if given := os.environ.get("CREDENTIALS_DIRECTORY"):
        places.insert(0, Path(given) / name)
    for place in places:
        try:
            return place.read_bytes().strip()
        except OSError:
            continue
    return None
