"""An account moves: from Baileys' folder to the daemon and back, with its sessions, and nobody scans a code."""

import asyncio
import sys

import pytest

from tests.interop.baileys import Baileys
from tests.interop.talker import PAIR


async def waconnd_cli(talker, *words):
    """The real command line against the talker's daemon."""
    socket = str(talker.daemon.socket)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "waconnd", "--socket", socket, *map(str, words)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()


def made_anew(sandbox):
    """What shows that companions had no session with each other: it fills up as the world turns."""
    found = []

    def see(what, device, node):
        if what == "receipt" and node.text("type") == "retry":
            found.append((str(device.lid), "asked again"))
        sealed = [
            to for list in node.all("participants") for to in list.all("to") if to.need_jid("jid").device
        ]
        found.extend(
            (str(device.lid), "opened")
            for to in sealed
            for enc in to.all("enc")
            if enc.text("type") == "pkmsg"
        )

    sandbox.watch(see)
    return found


async def talk(holder, bob, group, word):
    """Both ways, in the chat and in the group, while the account is held by `holder`."""
    for place, back in ((bob.jid, holder.jid), (group, group)):
        await bob.say(back, f"{word} to ada {place}")
        await holder.text(f"{word} to ada {place}")
        await holder.say(place, f"{word} to bob {place}")
        await bob.text(f"{word} to bob {place}")


@pytest.mark.row("an account moves from Baileys' folder to waconnd and back, sessions and all", PAIR)
async def test_there_and_back(sandbox, client, waconnd, tmp_path):
    folder, back = tmp_path / "folder", tmp_path / "back"
    async with client("bob") as bob:
        await bob.pair("bob")
        fresh = made_anew(sandbox)
        async with client("ada", folder) as ada:
            await ada.pair("ada")
            group = (await bob.call("groupCreate", "moving", [ada.jid]))["id"]
            await talk(ada, bob, group, "at first")
        await bob.say(f"{ada.jid}", "while nobody was there")
        assert fresh
        fresh.clear()
        async with waconnd(config="") as mover:
            said = await waconnd_cli(mover, "import", "main", "--from", "baileys", folder)
            assert "session" in said
            await mover.ready()
            assert (mover.jid, mover.lid) == (ada.jid, ada.lid)
            await mover.text("while nobody was there")
            await talk(mover, bob, group, "then")
            assert fresh == []
            await mover.call("account.stop", account="main")
            await waconnd_cli(mover, "export", "main", back, "--to", "baileys")
        await bob.say(ada.jid, "nobody again")
        async with Baileys("ada", sandbox, back) as ada:
            await ada.start()
            await ada.opened()
            await ada.text("nobody again")
            await talk(ada, bob, group, "at last")
            assert fresh == []
    assert sandbox.world.complaints == []
