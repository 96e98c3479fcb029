"""What the families share."""

from __future__ import annotations

from typing import Annotated, cast

from msgspec import Meta

from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Done
from waconnd.rpc.errors import RpcError
from waconnd.sandbox.people import Person
from waconnd.sandbox.sandbox import Sandbox

Name = Annotated[str, Meta(min_length=1, max_length=64, description="A person; born when first named.")]
To = Annotated[str, Meta(description="A person's name, a number, a group's subject, or an address.")]

DONE = Done(ok=True)


def sandbox(call: Call) -> Sandbox:
    """The sandbox behind a call."""
    return cast(Sandbox, call.daemon.sandbox)


def known(box: Sandbox, name: str) -> Person:
    """Somebody who lives there already."""
    try:
        return box.known(name)
    except ValueError as error:
        raise RpcError("not_found", str(error)) from error


def bad(error: Exception) -> RpcError:
    """A parameter makes no sense."""
    return RpcError("invalid_params", str(error))
