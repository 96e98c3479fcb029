from tests.api.conftest import anyio_backend, rig  # noqa: F401
