"""The methods of the socket, a noun a file. Each file declares; nothing is registered anywhere else.

To add a noun: a module here whose functions carry `@method` (waconnd.rpc.declare tells how). To add a method: a params struct
derived from `Params`, a result struct derived from `Result`, an `async def f(call, params) -> Result` whose docstring is the help.
`catalogue()` finds them; OpenRPC, docs/rpc.md, the typed client and completion follow by `make generate`.

    from waconnd.rpc.caller import Call
    from waconnd.rpc.declare import Done, Params, Result, Scope, method
    from waconnd.rpc.errors import RpcError

What shall never stand in a params struct: `account`, `timeout_s`, `key`, `dry_run`. They are in `call`. Errors are RpcError of a
kind in waconnd.rpc.errors; anything else becomes `internal`, a bug. The daemon is `host(call)`, typed in `waconnd.api.host`.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import Final

from waconnd.rpc.declare import Catalogue

#: Modules of this package that declare no methods and are loaded when asked for.
REFERENCE: Final = ("event_types", "event_examples")


def modules() -> list[ModuleType]:
    """All modules of this package that declare methods."""
    names = [info.name for info in pkgutil.iter_modules(__path__) if info.name not in REFERENCE]
    return [importlib.import_module(f"{__name__}.{name}") for name in names]


def catalogue() -> Catalogue:
    """All methods of the daemon's socket."""
    return Catalogue.of(modules())
