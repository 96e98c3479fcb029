"""Many phones linked at one time, each with its history: all become ready, nothing is left out, memory stays where it was."""

from __future__ import annotations

from pathlib import Path

import anyio

from tests.support.daemons import Rig

ACCOUNTS = 8
#: In each phone's history with Ann.
SAID = 250
#: What all these histories at once may cost beside the daemon itself: each is read from its file in pieces.
MIB = 60


async def test_many_phones_are_linked_at_one_time(tmp_path: Path) -> None:
    people = {"ann": "", **{f"p{n}": "" for n in range(ACCOUNTS)}}
    async with Rig(tmp_path, people=people, pair=False) as rig:
        names = [name for name in people if name != "ann"]
        for name in names:
            for number in range(SAID):
                rig.person("ann").say(rig.person(name).jid, f"long ago {number}")
        rig.sandbox.pump()
        before = memory(rig)

        async def link(name: str) -> None:
            await rig.client.account.create(account=name)
            shown = await rig.client.pair.qr(account=name)
            rig.sandbox.scan(name, shown["code"])
            await rig.client.account.wait(account=name, timeout_s=40)

        async with anyio.create_task_group() as tasks:
            for name in names:
                tasks.start_soon(link, name)
        for name in names:
            await carried(rig, name)
        assert memory(rig) - before < MIB


async def carried(rig: Rig, account: str) -> None:
    """Until the whole talk with Ann is in the account's archive."""
    ann = str(rig.person("ann").account.pn)
    with anyio.fail_after(40):
        while True:
            texts: list[str] = []
            before = None
            while True:
                page = await rig.client.call(
                    "message.list",
                    account=account,
                    chat=ann,
                    limit=200,
                    **({"before": before} if before else {}),
                )
                texts += [message["data"]["body"]["text"] for message in page["messages"]]
                before = page.get("next")
                if not before:
                    break
            if len(texts) == SAID:
                assert texts == [f"long ago {number}" for number in reversed(range(SAID))]
                return
            await anyio.sleep(0.1)


def memory(rig: Rig) -> float:
    """Resident MiB of the daemon."""
    assert rig.process is not None
    status = Path(f"/proc/{rig.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024
