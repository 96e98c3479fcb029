"""Groups and communities: who is in them, what they are called, what their admins decide."""

from __future__ import annotations

from typing import Any

import msgspec

from protocol.events.base import Durable
from protocol.events.message import Chat, Person

Fields = dict[str, Any]


class About(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a group beside its members; the words are those of the socket."""

    subject: str = ""
    subject_at: float | None = None
    subject_by: str = ""
    description: str = ""
    #: Named when the description is changed.
    description_id: str = ""
    created_at: float | None = None
    creator: str = ""
    size: int = 0
    announce: bool = False
    locked: bool = False
    timer_s: int = 0
    #: `admins` or `everybody`.
    member_add: str = ""
    link_sharing: str = ""
    history_sharing: str = ""
    approval: bool = False
    no_frequently_forwarded: bool = False
    allow_admin_reports: bool = False
    group_history: bool = False
    limit_sharing: bool = False
    members_may_add_groups: bool = False
    growth_locked: bool = False
    community: bool = False
    #: The community that it belongs to.
    parent: str = ""
    announcement_group: bool = False
    general_chat: bool = False
    hidden: bool = False
    incognito: bool = False
    suspended: bool = False


class _Group(Durable, frozen=True, kw_only=True, omit_defaults=True):
    """Something happened in a group. `by` is absent when the server itself acted."""

    group: Chat
    by: Person | None = None


class GroupJoined(_Group, frozen=True, kw_only=True, omit_defaults=True, tag="group.joined"):
    """We are in a group."""

    about: About
    reason: str = ""
    #: It was just made.
    new: bool = False


class GroupLeft(_Group, frozen=True, kw_only=True, omit_defaults=True, tag="group.left"):
    """We are no longer in a group."""

    #: left, removed, deleted, or missed (it went while we were away).
    reason: str


class GroupUpdated(_Group, frozen=True, kw_only=True, omit_defaults=True, tag="group.updated"):
    """The group itself changed."""

    keys: list[str]
    changed: Fields


class GroupMembers(_Group, frozen=True, kw_only=True, omit_defaults=True, tag="group.members"):
    """People came, went, or have another role."""

    #: add, remove, promote, demote, renumber, label.
    op: str
    who: list[Person]
    reason: str = ""
    #: They went on their own.
    left: bool = False
    label: str | None = None


class GroupJoinRequest(_Group, frozen=True, kw_only=True, omit_defaults=True, tag="group.join_request"):
    """Somebody asks to join, has thought better of it, or was rejected."""

    #: requested, withdrawn, rejected.
    op: str
    who: list[Person]
    method: str = ""
