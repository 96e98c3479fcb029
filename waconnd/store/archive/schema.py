"""The tables of events.db, as numbered migrations, and how a connection to it is set up."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from waconnd.store.archive.errors import ArchiveFailed, SchemaTooNew

#: STRICT tables came with this version.
MIN_SQLITE: Final = (3, 37, 0)
#: WAL pages after which SQLite copies them into the file: about 16 MiB. Pages that change often are copied once for many
#: changes, and a busy log is synced less often for it.
WAL_PAGES: Final = 4_000
#: KiB of page cache for each connection; the file itself is the memory.
CACHE_KIB: Final = 8_192
BUSY_MS: Final = 10_000

#: Pairs of ids found to be one person within a transaction, until `moves.settle` carries them out.
MOVED: Final = "create temp table moved(account text, old text, new text, merged integer)"

_FIRST: Final = """
create table meta(name text primary key, value any not null) strict, without rowid;

-- The log. Bodies are the exact JSON that subscribers get; `seq` is never used twice.
create table event(
  seq integer primary key autoincrement,
  account text not null, type text not null, chat text not null, key text not null,
  at integer not null,      -- ms, when it happened
  stored integer not null,  -- s, when it came here: retention counts from this, a late message must not be cut at once
  body blob not null
) strict;
create unique index event_key on event(account, key);

create table cursor(
  name text primary key, seq integer not null, acked integer not null, made integer not null
) strict, without rowid;

create table account(name text primary key, store text not null default 'full') strict, without rowid;

-- How far each account's journal was seen: the store's id and a number.
create table stamp(store text primary key, seq integer not null) strict, without rowid;

create table message(
  n integer primary key,
  account text not null, chat text not null, id text not null, sender text not null,
  from_me integer not null, seq integer not null, sent_at integer not null,
  kind text not null, text text not null,
  status text not null default '', server_id text not null default '',
  edited_at integer not null default 0, revoked_at integer not null default 0, revoked_by text not null default '',
  starred integer not null default 0, expires_at integer not null default 0,
  secret blob not null,     -- what votes, edits and answers to this message are sealed under
  data blob not null        -- the message as JSON, '' where the account stores no content
) strict;
create unique index message_id on message(account, id, chat, sender);
create index message_chat on message(account, chat, sent_at, n);
create index message_time on message(account, sent_at, n);
create index message_expiry on message(expires_at) where expires_at > 0;

-- The account is indexed with the words: a search in a small account must not walk through a large one's hits.
create virtual table message_text using fts5(
  text, account, content='message', content_rowid='n', tokenize="unicode61 remove_diacritics 2"
);

-- What others attach to a message: reactions, votes, answers to invitations, pins. The newest of a person counts.
create table annotation(
  account text not null, chat text not null, id text not null, kind text not null, who text not null,
  at integer not null, value text not null,
  primary key(account, chat, id, kind, who)
) strict, without rowid;

create table receipt(
  account text not null, chat text not null, id text not null, who text not null,
  delivered_at integer not null default 0, read_at integer not null default 0, played_at integer not null default 0,
  primary key(account, chat, id, who)
) strict, without rowid;

-- Changes that came before the message which they change.
create table early(
  account text not null, chat text not null, id text not null, type text not null, at integer not null,
  stored integer not null, data blob not null,
  primary key(account, chat, id, type, at)
) strict, without rowid;

create table media(
  account text not null, chat text not null, id text not null, sender text not null,
  reference blob not null,  -- keys and paths of the wire: never shown
  state text not null default 'remote', path text not null default '', at integer not null,
  primary key(account, chat, id, sender)
) strict, without rowid;

create table chat(
  account text not null, id text not null, kind text not null, name text not null default '',
  unread integer not null default 0, marked_unread integer not null default 0, read_upto integer not null default 0,
  last_at integer not null default 0, last_n integer not null default 0,
  archived integer not null default 0, pinned_at integer not null default 0, muted_until integer not null default 0,
  timer_s integer not null default 0, labels text not null default '[]',
  info text not null default '{}', local text not null default '{}',
  primary key(account, id)
) strict, without rowid;
create index chat_recent on chat(account, last_at desc, id);

create table contact(
  account text not null, id text not null, pn text not null default '', lid text not null default '',
  name text not null default '', push_name text not null default '', business_name text not null default '',
  blocked integer not null default 0,
  info text not null default '{}', local text not null default '{}', changed integer not null default 0,
  primary key(account, id)
) strict, without rowid;
create index contact_pn on contact(account, pn) where pn != '';
create index contact_lid on contact(account, lid) where lid != '';

create table outbox(
  n integer primary key autoincrement,
  outbox_id text not null unique,
  account text not null, key text not null, hash blob not null,
  chat text not null, id text not null, content blob not null, secret blob not null, meta text not null,
  status text not null, error text not null default '', result text not null default '',
  attempts integer not null default 0,
  made integer not null, changed integer not null,      -- ms
  not_before integer not null default 0, not_after integer not null default 0,
  pairing text not null default ''
) strict;
create unique index outbox_key on outbox(account, key);
create index outbox_open on outbox(account, status, n);
create index outbox_message on outbox(account, id);
create index outbox_chat on outbox(account, chat, n) where status = 'queued';

create table retry_copy(
  account text not null, id text not null, at integer not null, content blob not null, primary key(account, id)
) strict, without rowid;
create index retry_copy_age on retry_copy(at);

create table trace(
  n integer primary key, account text not null, id text not null, at integer not null, stage text not null,
  detail text not null
) strict;
create index trace_message on trace(account, id, n);
create index trace_age on trace(at);
"""


def _create(connection: sqlite3.Connection) -> None:
    for statement in _statements(_FIRST):
        connection.execute(statement)
    connection.execute("insert into meta values('log_id', ?), ('event_bytes', 0)", (os.urandom(8).hex(),))


def _settings(connection: sqlite3.Connection) -> None:
    connection.execute(
        "create table setting(account text not null, name text not null, value text not null, at integer not null,"
        " primary key(account, name)) strict, without rowid"
    )


def _receipts_by_device(connection: sqlite3.Connection) -> None:
    """Each device of a person tells for itself. What was told before stands under the phone, 0."""
    connection.execute(
        "create table receipt_by_device(account text not null, chat text not null, id text not null, who text not null,"
        " device integer not null default 0, delivered_at integer not null default 0, read_at integer not null default 0,"
        " played_at integer not null default 0, primary key(account, chat, id, who, device)) strict, without rowid"
    )
    connection.execute(
        "insert into receipt_by_device(account, chat, id, who, delivered_at, read_at, played_at)"
        " select account, chat, id, who, delivered_at, read_at, played_at from receipt"
    )
    connection.execute("drop table receipt")
    connection.execute("alter table receipt_by_device rename to receipt")


#: `MIGRATIONS[n]` turns version n into n + 1. Each is kept for ever, none is ever changed.
MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (_create, _settings, _receipts_by_device)


def connect(path: Path) -> sqlite3.Connection:
    """The writer's connection, with the tables brought up to date."""
    if sqlite3.sqlite_version_info < MIN_SQLITE:
        raise ArchiveFailed(f"SQLite {sqlite3.sqlite_version} is too old: 3.37 or newer is needed")
    fresh = not path.exists()
    if fresh:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_MS / 1000)
    try:
        if fresh:
            connection.execute("pragma auto_vacuum = incremental")
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        connection.execute(f"pragma wal_autocheckpoint = {WAL_PAGES}")
        connection.execute(f"pragma cache_size = -{CACHE_KIB}")
        # What a job may have to take back is remembered in memory, not in a file that is made for it and deleted.
        connection.execute("pragma temp_store = memory")
        connection.execute("pragma foreign_keys = on")
        connection.execute("pragma trusted_schema = off")
        migrate(connection)
        connection.execute(MOVED)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise ArchiveFailed(
            f"{path} can't be opened ({error}): move it away to start an empty archive, or restore it from a backup"
        ) from error
    except BaseException:
        connection.close()
        raise
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that can't write."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=BUSY_MS / 1000
    )
    connection.execute("pragma query_only = on")
    # SQLite's own lower() knows ASCII alone.
    connection.create_function("casefold", 1, str.casefold, deterministic=True)
    connection.execute(f"pragma cache_size = -{CACHE_KIB}")
    return connection


def version(connection: sqlite3.Connection) -> int:
    """The number of the newest migration in this file."""
    row: tuple[int] = connection.execute("pragma user_version").fetchone()
    return row[0]


def migrate(connection: sqlite3.Connection) -> None:
    """Run what is missing, each migration in a transaction of its own with its number."""
    held = version(connection)
    if held > len(MIGRATIONS):
        raise SchemaTooNew(
            f"events.db has schema {held}, this program knows {len(MIGRATIONS)}: run the newer waconnd again,"
            " or move events.db away to start an empty archive (auth state is not touched by that)"
        )
    for number in range(held, len(MIGRATIONS)):
        connection.execute("begin immediate")
        try:
            MIGRATIONS[number](connection)
            connection.execute(f"pragma user_version = {number + 1}")
            connection.execute("commit")
        except BaseException:
            connection.execute("rollback")
            raise


def _statements(script: str) -> list[str]:
    """`executescript` would commit on its own, so a script is split here (no `;` stands inside a statement)."""
    bare = "\n".join(line.split("--")[0] for line in script.splitlines())
    return [statement for statement in bare.split(";") if statement.strip()]
