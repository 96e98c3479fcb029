"""The log tells what happens, each line with its weight and the fields that admins filter by."""

from __future__ import annotations

import logging
from pathlib import Path

from tests.support.daemons import Rig
from waconnd.announcements import PhoneUnseen
from waconnd.chronicle import PATIENCE, SENTENCES, Chronicle
from waconnd.logs import MESSAGE_IDS
from waconnd.phones import DAY, READY_SECONDS, UNLINK_SECONDS, WARN_SECONDS, overdue
from waconnd.sandbox.state import Link

AT = "2026-11-20T11:52:03.000Z"


def state(chronicle: Chronicle, to: str, **data: object) -> tuple[int, str]:
    line = chronicle.line("shop", "account.state", 7, AT, {"from": "ready", "to": to, **data})
    assert line is not None
    assert line.fields == {"account": "shop", "seq": 7, "state": to} | (
        {"code": data["code"]} if "code" in data else {}
    )
    return line.level, line.sentence % line.values


def test_a_retry_is_everyday_and_an_account_that_does_not_come_back_is_a_warning() -> None:
    chronicle = Chronicle()
    lost = {"reason": "connection_lost", "code": 1006, "next_retry_at": "2026-11-20T11:52:05.500Z"}
    level, text = state(chronicle, "waiting", **lost)
    assert level == logging.INFO
    assert text == "waiting: connection_lost (1006), next try in 2.5 s"
    levels = [state(chronicle, "waiting", **lost)[0] for _ in range(PATIENCE)]
    assert levels[-1] == logging.WARNING
    state(chronicle, "ready")
    assert state(chronicle, "waiting", **lost)[0] == logging.INFO
    for human in ("logged_out", "conflict", "failed"):
        assert state(chronicle, human)[0] == logging.ERROR


def test_what_is_everyday_is_no_line() -> None:
    chronicle = Chronicle()
    for type, data in (
        ("message.status", {"id": "A", "status": "delivered"}),
        ("pair.expired", {"what": "qr", "reason": "used"}),
        ("sync.history", {"kind": "recent", "percent": 100, "messages": 0, "chats": 0}),
        ("account.something_new", {}),
    ):
        assert chronicle.line("shop", type, 1, AT, data) is None
    line = chronicle.line(
        "shop", "message.status", 1, AT, {"id": "A", "status": "failed", "error": {"kind": "x"}}
    )
    assert line is not None and (line.level, line.fields["msgid"]) == (logging.WARNING, "A")


def test_notable_events_have_their_number() -> None:
    weighty = {type for type, (level, _) in SENTENCES.items() if level >= logging.WARNING}
    assert weighty - set(MESSAGE_IDS) == {"connection.stanza_failed"}


def test_an_absent_phone_is_told_in_time_and_once_a_day() -> None:
    seen, now = 1_000_000.0, 1_000_000.0 + WARN_SECONDS + DAY
    ready = now - READY_SECONDS
    assert overdue(seen, ready, now) == 11
    assert overdue(seen, ready, now + DAY / 2) == 11
    assert overdue(seen, ready, now + DAY) == 12
    # Not before what was said in our absence has come in, not for an account that is away itself.
    assert overdue(seen, now - 1, now) == overdue(seen, None, now) == overdue(0.0, ready, now) == 0
    assert overdue(seen, ready, seen + WARN_SECONDS - 1) == 0
    assert WARN_SECONDS < UNLINK_SECONDS
    assert PhoneUnseen.__struct_config__.tag == "account.phone_unseen"


def links(rig: Rig) -> list[Link]:
    return [link for link in rig.sandbox.world.links.values() if link.device and link.device.number]


async def test_the_log_of_a_day(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        rig.sandbox.say("me", "ann", "from the phone itself")
        await rig.event("message.sent_elsewhere")
        account = await rig.client.account.get(account="main")
        assert account["phone_seen_at"]
        [link] = links(rig)
        rig.sandbox.listener.cut(link)
        await rig.event("account.state", lambda data: data.get("reason") == "connection_lost")
        await rig.ready()
        [link] = links(rig)
        assert link.device is not None
        rig.person("me").unlink(link.device.number)
        rig.sandbox.pump()
        await rig.event("account.state", lambda data: data["to"] == "logged_out")
        log = rig.log()
        for line in (
            "debug   main: attempt 1",
            "notice  main: linked to a phone",
            "notice  main: ready",
            "info    main: waiting: connection_lost",
            "error   main: unlinked by phone: device_removed (401)",
            "error   main: logged_out: device_removed (401)",
        ):
            assert line in log, line


async def test_a_reload_is_told(tmp_path: Path) -> None:
    async with Rig(tmp_path, pair=False) as rig:
        config = rig.folder / "config.toml"
        config.write_text(config.read_text() + "[retention]\nevents_days = 7\n")
        await rig.client.daemon.reload()
        told = await rig.event("daemon.config_changed")
        assert told == {"changed": ["retention.events_days"], "needs_restart": []}
        assert "configuration read again: retention.events_days changed" in rig.log()
