"""Reads tests/vectors. Tests take whatever stands in the files: more cases, other names, other counts."""

from pathlib import Path
from typing import Any

import msgspec

FOLDER = Path(__file__).parents[1] / "vectors"


def load(name: str) -> dict[str, Any]:
    return msgspec.json.decode((FOLDER / f"{name}.json").read_bytes(), type=dict[str, Any])


def several(value: Any) -> list[Any]:
    """A section that holds one case may as well hold a list of them."""
    return value if isinstance(value, list) else [value]


def case_name(case: Any) -> str:
    """For `pytest.mark.parametrize(..., ids=case_name)`."""
    if isinstance(case, dict):
        return str(case.get("name") or case.get("id") or case.get("case") or "case")
    return ""
