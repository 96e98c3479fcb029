"""`label.*` and `settings.list`: what the user keeps on the phone beside chats."""

from __future__ import annotations

from typing import Annotated, Any, Final

from msgspec import Meta

from protocol.appstate import edits
from waconnd import state
from waconnd.api.chat import STATE_ERRORS
from waconnd.api.host import fleet
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import NoParams, Params, Result, Scope, method
from waconnd.rpc.errors import RpcError
from waconnd.store.archive.project_state import LABEL
from waconnd.store.archive.settings import Label

#: Colours of the apps.
COLORS: Final = 20


class LabelResult(Result, frozen=True, kw_only=True):
    """A label (a list, in the apps of private accounts)."""

    id: str
    name: str
    color: Annotated[int, Meta(description="A number of the apps' palette.")] = 0
    position: int | None = None
    predefined: Annotated[int | None, Meta(description="One that the apps made themselves.")] = None
    chats: Annotated[int, Meta(description="Chats that carry it.")] = 0


def _shown(label: Label) -> LabelResult:
    return LabelResult(
        id=label.id,
        name=label.name,
        color=label.color,
        position=label.position,
        predefined=label.predefined,
        chats=label.chats,
    )


class LabelsResult(Result, frozen=True):
    labels: list[LabelResult]


@method("label.list", scope=Scope.READ, account=True)
async def list_(call: Call, params: NoParams) -> LabelsResult:
    """All labels."""
    found = await fleet(call).archive.settings.labels(call.account)
    return LabelsResult([_shown(label) for label in found])


class SetParams(Params, frozen=True, kw_only=True):
    id: Annotated[str, Meta(description="Of an existing label; without it a new one is made.")] = ""
    name: Annotated[str, Meta(max_length=100)] | None = None
    color: Annotated[int, Meta(ge=0, lt=COLORS)] | None = None
    delete: bool = False


@method(
    "label.set",
    scope=Scope.SEND,
    account=True,
    errors=STATE_ERRORS,
    example={"name": "New customer", "color": 3},
)
async def set_(call: Call, params: SetParams) -> LabelsResult:
    """Make, rename, recolour or delete a label. Returns all labels. `chat.update` hangs them on chats."""
    all = fleet(call)
    account = all.get(call.account)
    held = {label.id: label for label in await all.archive.settings.labels(call.account)}
    if params.id and params.id not in held:
        raise RpcError("not_found", f"there is no label {params.id!r}; `label.list` shows them", path="$.id")
    if not params.id and not params.name:
        raise RpcError("invalid_params", "a new label needs a `name`", path="$.name")
    id = params.id or str(max((int(one) for one in held if one.isdigit()), default=0) + 1)
    before = held.get(id)
    name = params.name if params.name is not None else (before.name if before else "")
    color = params.color if params.color is not None else (before.color if before else 0)
    now = account.now()
    if params.delete:
        await state.write(account, edits.drop_label(id, name, color, now))
    else:
        await state.write(account, edits.label(id, name, color, now))
    more = {"position": before.position, "predefined": before.predefined} if before else {}
    about = {"name": name, "color": color} | {key: one for key, one in more.items() if one is not None}
    value = None if params.delete else about
    # The event follows; who asks at once shall see it already.
    await all.archive.settings.set(call.account, LABEL + id, value, round(now * 1000))
    return await list_(call, NoParams())


class SettingsParams(Params, frozen=True):
    prefix: Annotated[str, Meta(description="Only names that begin so, such as `quick_reply/`.")] = ""


class SettingsResult(Result, frozen=True):
    settings: dict[str, Any]


@method("settings.list", scope=Scope.READ, account=True, example={"prefix": "quick_reply/"})
async def settings(call: Call, params: SettingsParams) -> SettingsResult:
    """Settings as the phone keeps them: quick replies, favourites, whether archived chats stay so, and the like."""
    found = await fleet(call).archive.settings.all(call.account, params.prefix)
    return SettingsResult({name: value for name, value in found.items() if not name.startswith(LABEL)})
