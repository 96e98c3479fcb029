"""`sandbox.*`: what scripts ask of a running sandbox, on its own socket. A family a file."""

from __future__ import annotations

from waconnd.rpc.declare import Catalogue
from waconnd.sandbox.control import expecting, people, trouble


def catalogue() -> Catalogue:
    """All methods of the sandbox' socket."""
    return Catalogue.of([people, expecting, trouble])
