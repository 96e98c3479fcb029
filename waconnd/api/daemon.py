"""`daemon.*`: the process itself."""

from __future__ import annotations

import os
from collections import Counter
from typing import Annotated, Any

from msgspec import Meta

from waconnd import __version__, logs
from waconnd.api.host import Check, Finding, Reloaded, WaVersion, host
from waconnd.config import ConfigError
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Done, NoParams, Params, Result, Scope, method
from waconnd.rpc.errors import RpcError
from waconnd.rpc.lines import MAX_BATCH, MAX_LINE
from waconnd.rpc.session import MAX_IN_FLIGHT
from waconnd.rpc.spool import MAX_SIZE
from waconnd.rpc.subscriptions import MAX_SUBSCRIPTIONS
from waconnd.rpc.tokens import narrow

#: Grows when something that clients rely on changes its meaning.
PROTOCOL = 1

#: A shutdown by method waits no longer than systemd would (TimeoutStopSec is 30).
MAX_DRAIN_S = 25.0


class HelloParams(Params, frozen=True):
    client: Annotated[str, Meta(max_length=100, description="Your name and version, for the log.")] = ""
    protocol: Annotated[
        int, Meta(description="The protocol you were written for; refused when we can't.")
    ] = PROTOCOL
    token: Annotated[
        str, Meta(description="Narrows this connection to what a token of `token.create` allows.")
    ] = ""


class Limits(Result, frozen=True):
    line_bytes: int
    batch: int
    in_flight: int
    subscriptions: int
    upload_bytes: int


class Hello(Result, frozen=True):
    version: str
    protocol: int
    limits: Limits
    scopes: list[str]
    features: list[str]


@method("daemon.hello", scope=None, mutates=False, example={"client": "bot/1.0"})
async def hello(call: Call, params: HelloParams) -> Hello:
    """Say who you are, learn what this daemon is and what you may do. Optional; the first call of a careful client."""
    if params.protocol != PROTOCOL:
        raise RpcError(
            "unsupported",
            f"this daemon speaks protocol {PROTOCOL}, you asked for {params.protocol}",
            path="$.protocol",
        )
    call.caller.client = params.client
    if params.token:
        narrow(call.caller, host(call).tokens, params.token)
    return Hello(
        version=__version__,
        protocol=PROTOCOL,
        limits=Limits(MAX_LINE, MAX_BATCH, MAX_IN_FLIGHT, MAX_SUBSCRIPTIONS, MAX_SIZE),
        scopes=sorted(call.rights.scopes),
        features=["lines", "http", "fds", "tokens"],
    )


class Info(Result, frozen=True):
    version: str
    wa_version: WaVersion
    pid: int
    uptime_s: float
    state_dir: str
    accounts: dict[str, int]
    newest_seq: int


@method("daemon.info", scope=Scope.READ)
async def info(call: Call, params: NoParams) -> Info:
    """Version, process, state directory, and how many accounts are in which state."""
    daemon = host(call)
    return Info(
        version=__version__,
        wa_version=daemon.wa_version(),
        pid=os.getpid(),
        uptime_s=round(daemon.now() - daemon.started_at, 3),
        state_dir=str(daemon.config.state_path),
        accounts=dict(Counter(daemon.account_states().values())),
        newest_seq=daemon.feed.newest,
    )


class HealthParams(Params, frozen=True):
    account: Annotated[str | None, Meta(description="Only this account.")] = None


class Health(Result, frozen=True):
    ok: bool
    checks: list[Check]


@method("daemon.health", scope=Scope.READ, example={"account": "main"})
async def health(call: Call, params: HealthParams) -> Health:
    """Whether every started account can receive, and what is wrong when not."""
    checks = await host(call).health(params.account)
    return Health(ok=all(check.ok for check in checks), checks=checks)


class StatsParams(Params, frozen=True):
    account: Annotated[str | None, Meta(description="Only the numbers of this account.")] = None


class Stats(Result, frozen=True):
    metrics: dict[str, Any]


@method("daemon.stats", scope=Scope.READ)
async def stats(call: Call, params: StatsParams) -> Stats:
    """Counters, gauges and histograms: the numbers of /metrics, as JSON."""
    return Stats(host(call).metrics.as_dict(params.account))


class LogLevelParams(Params, frozen=True):
    level: Annotated[str, Meta(pattern="^(debug|info|warning|error)$")]
    module: Annotated[str, Meta(description="Only below this module, like `protocol.noise`.")] = ""
    account: Annotated[str, Meta(description="Only what concerns this account.")] = ""
    for_s: Annotated[float, Meta(gt=0, description="Back to what it was after so many seconds.")] | None = (
        None
    )


class LogLevel(Result, frozen=True):
    previous: str


@method("daemon.log_level", scope=Scope.ADMIN, example={"level": "debug", "account": "main", "for_s": 60})
async def log_level(call: Call, params: LogLevelParams) -> LogLevel:
    """Log more or less, for a while or until the next start."""
    return LogLevel(logs.set_level(params.level, params.module, params.account, params.for_s))


@method("daemon.reload", scope=Scope.ADMIN, errors=("invalid_params",))
async def reload(call: Call, params: NoParams) -> Reloaded:
    """Read the configuration again, as SIGHUP does. With an error in it, the old one stays in force."""
    try:
        return await host(call).reload()
    except ConfigError as error:
        raise RpcError("invalid_params", str(error), errors=error.problems) from error


class DoctorParams(Params, frozen=True):
    deep: Annotated[
        bool, Meta(description="Also what takes long: every file's digest, every table's index.")
    ] = False


class Diagnosis(Result, frozen=True):
    findings: list[Finding]


@method("daemon.doctor", scope=Scope.READ, deadline_s=600)
async def doctor(call: Call, params: DoctorParams) -> Diagnosis:
    """Look for what is wrong, and say how to mend it."""
    return Diagnosis(await host(call).doctor(deep=params.deep))


class ShutdownParams(Params, frozen=True):
    drain_s: Annotated[float, Meta(ge=0, le=MAX_DRAIN_S, description="Time for calls in flight.")] = 2.0


@method("daemon.shutdown", scope=Scope.ADMIN)
async def shutdown(call: Call, params: ShutdownParams) -> Done:
    """Stop, as SIGTERM does: everything promised is durable, systemd does not start it again."""
    daemon = host(call)
    call.then.append(lambda: daemon.shutdown(params.drain_s))
    return Done(ok=True)
