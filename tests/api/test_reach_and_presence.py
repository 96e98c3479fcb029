"""Whom we may reach, how fast; what others see of us; what is told to followers of all that."""

import pytest

from tests.support.daemons import Rig
from waconnd.client.aio import WaconndError
from waconnd.reach import forms


@pytest.mark.parametrize(
    ("number", "other"),
    [
        ("5511987654321", "551187654321"),
        ("551187654321", "5511987654321"),
        ("5215512345678", "525512345678"),
        ("525512345678", "5215512345678"),
        ("5491123456789", "541123456789"),
        ("541123456789", "5491123456789"),
    ],
)
def test_numbers_with_a_digit_too_many_have_two_forms(number: str, other: str) -> None:
    assert forms(number) == (number, other)


def test_other_numbers_have_one() -> None:
    assert forms("15550002222") == ("15550002222",)
    assert forms("5511") == ("5511",)


async def test_a_check_names_the_address(rig: Rig) -> None:
    asked = [rig.number("ann"), "+15557654321", "12"]
    found = await rig.client.contact.check(numbers=asked)
    ann, nobody, broken = found["results"]
    account = rig.person("ann").account
    assert (ann["registered"], ann["id"], ann["lid"]) == (True, str(account.pn), str(account.lid))
    assert not nobody["registered"]
    assert "digits" in broken["error"] or "number" in broken["error"]


async def test_a_number_is_found_under_its_other_form(rig: Rig) -> None:
    person = rig.sandbox.person("bruno", "551187654321")
    found = await rig.client.contact.check(numbers=["+5511987654321"])
    assert found["results"][0]["id"] == str(person.account.pn)
    sent = await rig.client.message.send(to="+5511987654321", text="oi")
    assert (await rig.sandbox.expect("bruno", text="oi")).id == sent["id"]


async def test_limits_say_what_may_go_now(rig: Rig) -> None:
    limits = await rig.client.account.limits(account="main")
    assert limits["known"]["per_minute"] == 6000
    assert limits["new"]["left"] <= limits["new"]["burst"]
    assert "limit" not in limits


async def test_typing_shows_and_stops_by_itself(rig: Rig) -> None:
    seen: list[str] = []
    rig.person("ann").phone.connect()
    rig.sandbox.watch(lambda what, device, node: seen.append(what))
    await rig.client.chat.typing(chat=rig.number("ann"), kind="voice", for_s=0.2)
    await rig.client.chat.typing(chat=rig.number("ann"), on=False)
    with pytest.raises(WaconndError):
        await rig.client.chat.typing(chat=rig.number("ann"), for_s=60)


async def test_presence_is_watched(rig: Rig) -> None:
    await rig.client.presence.set(online=True)
    subscribed = await rig.client.call("events.subscribe", types=["contact.presence"])
    assert subscribed["sub"]
    await rig.client.presence.watch(ids=[rig.number("ann")])


async def test_an_audit_of_a_sound_account_finds_nothing(rig: Rig) -> None:
    audit = await rig.client.account.audit(account="main")
    assert audit["undecryptable"] == []
    assert audit["waiting_for_phone"] == audit["unsent"] == 0


async def test_a_story_reaches_its_audience_alone(rig: Rig) -> None:
    sent = await rig.client.call("story.post", text="open tonight", audience=[rig.number("ann")])
    read = await rig.sandbox.until(
        lambda: next((one for one in rig.person("ann").inbox if one.id == sent["id"]), None), "story"
    )
    assert read.message.extendedTextMessage.backgroundArgb == 0xFF1E6E4F
    assert all(one.id != sent["id"] for one in rig.person("bob").inbox)
    with pytest.raises(WaconndError, match="a story is one of"):
        await rig.client.call(
            "story.post", poll={"name": "x", "options": ["a", "b"]}, audience=[rig.number("ann")]
        )


async def test_stars_and_deletions_are_for_oneself(rig: Rig) -> None:
    sent = await rig.client.message.send(to=rig.number("ann"), text="mark me")
    await rig.event("message.sent", lambda data: data["id"] == sent["id"])
    await rig.client.call("message.star", id=sent["id"], on=True)
    assert (await rig.client.message.get(id=sent["id"]))["starred"]
    await rig.client.call("message.delete", id=sent["id"])
    with pytest.raises(WaconndError) as gone:
        await rig.client.message.get(id=sent["id"])
    assert gone.value.kind == "not_found"
