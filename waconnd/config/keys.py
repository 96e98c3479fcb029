"""Every key: its default, its type, what it means. docs/operations.md is made from this."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from waconnd import paths

#: A name that is safe as a folder, in a URL, in a log field and in a shell.
ACCOUNT_NAME: Final = re.compile(r"^[a-z0-9][a-z0-9_-]{0,31}$")

Scopes = list[Literal["read", "send", "admin"]]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file."""


class DaemonSection(Section, frozen=True):
    """The process."""

    state_dir: Annotated[
        str,
        Meta(
            description="Where accounts and the archive live. Empty: `$STATE_DIRECTORY`, else the user's own."
        ),
    ] = ""
    cache_dir: Annotated[
        str, Meta(description="Where uploads wait. Empty: `$CACHE_DIRECTORY`, else the user's own.")
    ] = ""
    socket: Annotated[str, Meta(description="Where to listen, when systemd hands no socket over.")] = ""
    socket_mode: Annotated[
        str, Meta(pattern="^0?[0-7]{3}$", description="Mode of a socket of our own; systemd's has its own.")
    ] = "0660"
    socket_group: Annotated[
        str, Meta(description="Group of a socket of our own. Empty: the process's group.")
    ] = ""
    metrics_file: Annotated[
        str,
        Meta(description="Also write the metrics here every minute, for a textfile collector. Empty: don't."),
    ] = ""
    start_interval_ms: Annotated[
        int,
        Meta(
            ge=0,
            le=60_000,
            description="Between the starts of two accounts, so that they don't dial all at once.",
        ),
    ] = 100


class Rule(Section, frozen=True):
    """The rights of one user or group."""

    scopes: Annotated[
        Scopes, Meta(description="Some of `read`, `send`, `admin`; `admin` holds the others.")
    ] = []
    accounts: Annotated[list[str] | None, Meta(description="On these accounts only. Absent: on all.")] = None


class AccessSection(Section, frozen=True):
    """Who may do what. Root and the daemon's own user may everything."""

    members: Annotated[Scopes, Meta(description="What members of the socket's group may do.")] = (
        msgspec.field(default_factory=lambda: ["read", "send"])
    )
    user: Annotated[dict[str, Rule], Meta(description="`[access.user.NAME]`: rights of a user.")] = {}
    group: Annotated[
        dict[str, Rule], Meta(description="`[access.group.NAME]`: rights of a group's members.")
    ] = {}


class RetentionSection(Section, frozen=True):
    """How long things are kept."""

    events_days: Annotated[float, Meta(gt=0, description="Rows of the event log.")] = 30
    events_mb: Annotated[int, Meta(ge=1, description="All rows of the event log together.")] = 1024
    messages_days: (
        Annotated[float, Meta(gt=0, description="Messages. Absent: until their account is removed.")] | None
    ) = None
    media_mb: Annotated[
        int, Meta(ge=1, description="Fetched files together; the oldest go first, and can be fetched again.")
    ] = 2048
    min_free_mb: Annotated[
        int, Meta(ge=0, description="Below this, `daemon.disk_low` is told and media are no longer taken.")
    ] = 256


class LogSection(Section, frozen=True):
    """What is logged, and how."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="The least that is logged.")
    ] = "info"
    format: Annotated[
        Literal["auto", "journal", "text", "prefix", "json"],
        Meta(
            description="auto: the journal's own under systemd, text on a terminal, else text with `<N>` priorities."
        ),
    ] = "auto"
    identifiers: Annotated[
        Literal["masked", "full"],
        Meta(description="Whether addresses stand in the log as `u:7f3a9c` or in full."),
    ] = "masked"


class AuthSection(Section, frozen=True):
    """The keys on disk."""

    sealed: Annotated[
        bool,
        Meta(
            description="Encrypt them, under a key from systemd's credential `auth-key` or from `key_file`."
        ),
    ] = False
    key_file: Annotated[
        str, Meta(description="32 bytes that only the daemon's user can read. Empty: the credential.")
    ] = ""
    network_filesystem: Annotated[
        bool,
        Meta(description="Allow the state directory on NFS and its like, whose locks and fsyncs may lie."),
    ] = False


class EndpointSection(Section, frozen=True):
    """Where WhatsApp is. Another one is for the sandbox and for tests."""

    websocket_url: Annotated[str, Meta(description="`wss://…` or `ws://…`.")] = (
        "wss://web.whatsapp.com/ws/chat"
    )
    noise_root_key: Annotated[
        str,
        Meta(description="The key (64 hex digits) that signs the server's certificates. Empty: WhatsApp's."),
    ] = ""
    media_scheme: Annotated[Literal["https", "http"], Meta(description="How media hosts are asked.")] = (
        "https"
    )
    origin: Annotated[str, Meta(description="The Origin header of the websocket.")] = (
        "https://web.whatsapp.com"
    )
    ca_file: Annotated[
        str, Meta(description="Trust these authorities (PEM) instead of the system's. Empty: the system's.")
    ] = ""
    proxy: Annotated[
        str, Meta(description="`http://host:port` or `socks5://host:port`, for all accounts.")
    ] = ""
    version: Annotated[
        str,
        Meta(
            pattern=r"^(\d+\.\d+\.\d+)?$",
            description="The version of WhatsApp Web to claim. Empty: found by itself.",
        ),
    ] = ""


class SandboxSection(Section, frozen=True):
    """The built-in WhatsApp for trying out (`waconnd sandbox`)."""

    listen: Annotated[str, Meta(description="Host and port of its websocket.")] = "127.0.0.1:8099"


class AccountSection(Section, frozen=True):
    """One account."""

    start: Annotated[bool, Meta(description="Connect when the daemon starts.")] = True
    proxy: Annotated[str | None, Meta(description="Its own proxy. Absent: the endpoint's; empty: none.")] = (
        None
    )
    default_country: Annotated[
        str,
        Meta(
            pattern=r"^([1-9]\d{0,3})?$",
            description="Country code (like 57) for numbers written without one.",
        ),
    ] = ""
    device_name: Annotated[
        str, Meta(max_length=50, description="What the phone shows under linked devices.")
    ] = "waconnd"
    platform: Annotated[
        Literal["chrome", "firefox", "safari", "edge", "desktop"], Meta(description="The icon beside it.")
    ] = "chrome"
    full_history: Annotated[
        bool, Meta(description="Ask the phone for all messages when linking, not the recent ones.")
    ] = False
    history_days: Annotated[int, Meta(ge=0, description="How far back to ask. 0: what the phone likes.")] = 0
    receipts: Annotated[bool, Meta(description="Tell senders that messages were delivered.")] = True
    auto_read: Annotated[
        bool, Meta(description="Tell senders at once that their messages were read; not of stories.")
    ] = False
    reject_calls: Annotated[bool, Meta(description="Refuse all calls, on every device of the account.")] = (
        False
    )
    reject_text: Annotated[
        str, Meta(max_length=4096, description="With `reject_calls`: a text to whoever called.")
    ] = ""
    ignore: Annotated[
        list[Annotated[str, Meta(pattern=r"^(status|group|channel|\+?[0-9]{5,20}|[^@\s]+@[a-z.]+)$")]],
        Meta(
            description="What others write there is acknowledged unread, costs nothing and is told nobody: `status`,"
            " `group`, `channel`, a number, an address. Holds from the next connection on."
        ),
    ] = msgspec.field(default_factory=list)
    store: Annotated[
        Literal["full", "meta", "none"],
        Meta(
            description="What the archive keeps of messages: all, all but content, nothing once followers saw it."
        ),
    ] = "full"
    messages_per_minute: Annotated[
        float,
        Meta(gt=0, description="The pace of sending, which protects the number. Bursts of a few are fine."),
    ] = 30
    link_previews: Annotated[
        bool, Meta(description="Whether the daemon may fetch pages that it sends links to.")
    ] = False
    media_urls: Annotated[
        bool, Meta(description="Whether the daemon may fetch files to send from URLs; public addresses only.")
    ] = False
    download_mb: Annotated[
        int,
        Meta(
            ge=0,
            le=2048,
            description="Fetch the files of incoming messages up to this size at once. 0: only when asked to.",
        ),
    ] = 0


class HookSection(Section, frozen=True):
    """A program or a URL that is told of events."""

    types: Annotated[list[str], Meta(description="Types of events; globs like `message.*`.")] = msgspec.field(
        default_factory=lambda: ["*"]
    )
    accounts: Annotated[list[str] | None, Meta(description="Only these accounts.")] = None
    chats: Annotated[list[str] | None, Meta(description="Only these chats, by canonical address.")] = None
    exec: Annotated[
        list[str] | None, Meta(description="Run this program; the event is its standard input.")
    ] = None
    url: Annotated[str | None, Meta(description="POST the event there.")] = None
    secret: Annotated[
        str | None,
        Meta(
            description="Name of a credential (systemd's `LoadCredential=`) whose content signs each request."
        ),
    ] = None
    headers: Annotated[dict[str, str], Meta(description="More headers for the request.")] = {}
    timeout_s: Annotated[float, Meta(gt=0, le=300, description="After this an attempt has failed.")] = 15
    attempts: Annotated[
        int, Meta(ge=1, le=100, description="Then the event is put with the dead letters.")
    ] = 8
    reply: Annotated[
        bool,
        Meta(
            description="What the program prints (or the URL answers as text) is sent to the chat as an answer."
        ),
    ] = False
    enabled: Annotated[bool, Meta(description="Whether it runs.")] = True


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything."""

    daemon: DaemonSection = DaemonSection()
    access: AccessSection = msgspec.field(default_factory=AccessSection)
    retention: RetentionSection = RetentionSection()
    log: LogSection = LogSection()
    auth: AuthSection = AuthSection()
    endpoint: EndpointSection = EndpointSection()
    sandbox: SandboxSection = SandboxSection()
    account: dict[str, AccountSection] = {}
    hook: dict[str, HookSection] = {}

    def account_section(self, name: str) -> AccountSection:
        """The account's keys; defaults when the file does not name it."""
        return self.account.get(name, _DEFAULT_ACCOUNT)

    @property
    def state_path(self) -> Path:
        return Path(self.daemon.state_dir) if self.daemon.state_dir else paths.state_dir()

    @property
    def cache_path(self) -> Path:
        return Path(self.daemon.cache_dir) if self.daemon.cache_dir else paths.cache_dir()

    @property
    def socket_path(self) -> Path:
        return Path(self.daemon.socket) if self.daemon.socket else paths.own_socket()


_DEFAULT_ACCOUNT: Final = AccountSection()
