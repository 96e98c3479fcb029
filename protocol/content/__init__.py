"""What a message says: protobuf to typed content and back, one family a file.

`read` gives the content object of a message, `present` its form on the socket, `tell` both, `facts` what the stanza
around it must say, `media_ref` what a download needs; `build` is the way back.
"""

from protocol.content import acts
from protocol.content.facts import facts, is_peer
from protocol.content.media import MediaRef, media_ref
from protocol.content.outgoing import BuildError, Options, Uploaded, build
from protocol.content.present import present
from protocol.content.reading import INTERNAL, read
from protocol.content.telling import tell, untold

__all__ = [
    "INTERNAL",
    "BuildError",
    "MediaRef",
    "Options",
    "Uploaded",
    "acts",
    "build",
    "facts",
    "is_peer",
    "media_ref",
    "present",
    "read",
    "tell",
    "untold",
]
