"""message.send with text: what arrives, and what its sender is told."""

from tests.support.daemons import Rig


async def test_a_text_arrives_and_its_sender_knows(rig: Rig) -> None:
    result = await rig.client.message.send(to=rig.number("ann"), text="hello", wait="server")
    read = await rig.sandbox.expect("ann", text="hello")
    assert read.id == result["id"]
    assert result["status"] in ("server_ack", "delivered")
    assert result["chat"]["kind"] == "user"
