"""The configuration. A flag beats an environment variable (WACONND_SECTION_KEY) beats the file beats the default."""

from waconnd.config.keys import (
    ACCOUNT_NAME,
    AccessSection,
    AccountSection,
    Config,
    DaemonSection,
    EndpointSection,
    HookSection,
    LogSection,
    RetentionSection,
    Rule,
    SandboxSection,
)
from waconnd.config.read import ConfigError, Loaded, changes, effective, load

__all__ = [
    "ACCOUNT_NAME",
    "AccessSection",
    "AccountSection",
    "Config",
    "ConfigError",
    "DaemonSection",
    "EndpointSection",
    "HookSection",
    "Loaded",
    "LogSection",
    "RetentionSection",
    "Rule",
    "SandboxSection",
    "changes",
    "effective",
    "load",
]
