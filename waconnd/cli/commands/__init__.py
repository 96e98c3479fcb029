"""The commands, a family a file. A file has `add(commands)`; what is heavy it imports when it runs."""

from waconnd.cli.commands import (
    accounts,
    chats,
    events,
    hooks,
    media,
    pair,
    raw,
    sandbox,
    send,
    serve,
    upkeep,
)

MODULES = (serve, pair, accounts, send, chats, events, media, raw, upkeep, hooks, sandbox)
