"""One linked daemon for the tests of a module: pairing takes a second, and tests of methods need not share anything else."""

from collections.abc import AsyncIterator

import pytest

from tests.support.daemons import Rig


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    async with Rig(tmp_path_factory.mktemp("rig")) as rig:
        yield rig
