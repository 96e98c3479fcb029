"""The newest stanzas of each account, kept in memory and shown without what they say: for reports that may be shared."""

from __future__ import annotations

from waconnd.frames.recorder import Recorder
from waconnd.frames.redact import Shown, redacted, stanza

__all__ = ["Recorder", "Shown", "redacted", "stanza"]
