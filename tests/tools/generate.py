"""Writes every file that is made from another, or with --check says which are stale.

A generator gives path → contents; a new one is added to GENERATORS.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]


def protobuf() -> Mapping[str, str]:
    """protocol/pb/*_pb2.py and their stubs."""
    with tempfile.TemporaryDirectory() as out:
        sources = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "protocol/pb").glob("*.proto"))
        protoc = [sys.executable, "-m", "grpc_tools.protoc", "-I.", f"--python_out={out}", f"--pyi_out={out}"]
        subprocess.run([*protoc, *sources], cwd=ROOT, check=True)
        made = [path for path in Path(out).rglob("*") if path.is_file()]
        return {str(path.relative_to(out)): path.read_text() for path in made}


def states() -> Mapping[str, str]:
    """docs/states.md, from the tables of states and of closes."""
    from protocol.engine.states import markdown

    return {"docs/states.md": markdown()}


def clients() -> Mapping[str, str]:
    """waconnd/client/*.py, from the declared methods."""
    from tests.tools.clients import clients

    return clients()


def pages() -> Mapping[str, str]:
    """The reference halves of docs/rpc.md and docs/operations.md."""
    from tests.tools.pages import pages

    return pages()


def messages() -> Mapping[str, str]:
    """The reference half of docs/messages.md. No test holds it against the vectors: those may grow without us."""
    from tests.tools.kinds import kinds

    head, mark, _ = (ROOT / "docs/messages.md").read_text().partition("by `make generate` -->\n")
    return {"docs/messages.md": head + mark + "\n" + kinds()}


GENERATORS: list[Callable[[], Mapping[str, str]]] = [protobuf, states, clients, pages, messages]


def main() -> int:
    check = "--check" in sys.argv[1:]
    stale: list[str] = []
    for generator in GENERATORS:
        if generator is protobuf and not _has_protoc():
            print(
                "grpcio-tools is not installed: protobuf modules are left as they are (`make proto` installs it)"
            )
            if check:
                stale.append("protocol/pb (could not be checked)")
            continue
        for name, contents in generator().items():
            path = ROOT / name
            if path.exists() and path.read_text() == contents:
                continue
            stale.append(name)
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(contents)
    if stale:
        print("stale:" if check else "written:", *stale, sep="\n  ")
    return int(check and bool(stale))


def _has_protoc() -> bool:
    probe = [sys.executable, "-c", "import grpc_tools"]
    return subprocess.run(probe, stderr=subprocess.DEVNULL).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
