"""Real clients against the sandbox. Every test is one row of the table that is printed at the end."""

from contextlib import asynccontextmanager

import msgspec
import pytest

from tests.interop.baileys import Baileys
from tests.interop.stage import staged
from tests.interop.talker import Talker
from tests.tools import npm
from waconnd.sandbox.sandbox import Sandbox

#: Names of the people in every sandbox; the tests say who holds which client.
PEOPLE = ("ada", "bob", "carl", "dora", "eve")
_rows = []


def pytest_configure(config):
    config.addinivalue_line("markers", "row(capability, peers): a row of the interop table")


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("row") is not None:
            item.add_marker(pytest.mark.interop)
            item.add_marker(pytest.mark.timeout(180))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    marker = item.get_closest_marker("row")
    if marker is None or (report.when != "call" and report.passed):
        return
    capability, peers = marker.args
    place = getattr(item, "callspec", None) and item.callspec.params.get("place")
    where = f" ({place})" if place else ""
    _rows.append((capability + where, peers, report.outcome, f"{report.duration:.1f} s"))


def pytest_terminal_summary(terminalreporter):
    if not _rows:
        return
    version = "not installed"
    if npm.ensure() is not None:
        manifest = npm.FOLDER / "node_modules" / "baileys" / "package.json"
        version = msgspec.json.decode(manifest.read_bytes())["version"]
    terminalreporter.section(f"Interop, Baileys {version}")
    heads = ("capability", "peers", "result", "took")
    widths = [max(len(row[n]) for row in [heads, *_rows]) for n in range(4)]
    for row in [heads, tuple("-" * width for width in widths), *_rows]:
        terminalreporter.write_line(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )


@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="session")
def peers():
    """Installs the node libraries, or skips with the reason."""
    reason = npm.why_not()
    if reason:
        pytest.skip(reason)


@asynccontextmanager
async def _served():
    """A served sandbox with five people."""
    sandbox = Sandbox(7)
    for name in PEOPLE:
        sandbox.person(name)
    async with sandbox.serving():
        yield sandbox


@pytest.fixture
async def sandbox(peers, anyio_backend):
    """A world for one test."""
    async with _served() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
async def stage(peers, anyio_backend, tmp_path_factory):
    """A world for all tests of a module, with two who know each other."""
    async with _served() as sandbox, staged(sandbox, tmp_path_factory.mktemp("stage")) as stage:
        yield stage


@pytest.fixture
def client(sandbox, tmp_path):
    """Makes Baileys processes: `async with client("ada") as ada`."""
    count = iter(range(100))

    def make(name, folder=None):
        return Baileys(name, sandbox, folder or tmp_path / f"{name}-{next(count)}")

    return make


@pytest.fixture
def waconnd(sandbox, tmp_path):
    """Makes daemons: `async with waconnd() as ada`."""
    count = iter(range(10))
    return lambda **more: Talker(tmp_path / f"waconnd-{next(count)}", sandbox, **more)
