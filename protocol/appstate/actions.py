"""The actions of app state as one table: where each lives, what it means, what makes it (reference 04, 1.13).

A row names the collection, the version and the field of the value. Its reader turns a record into events; a row without
one is known and kept, and nobody is told. What is not in the table is kept likewise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from protocol.appstate import readers
from protocol.appstate.mutation import Mutation, Op
from protocol.appstate.patch import Change
from protocol.appstate.readers import Reading
from protocol.events.base import Durable
from protocol.pb.sync_pb2 import SyncActionValue

CRITICAL: Final = "critical_block"
CONTACTS: Final = "critical_unblock_low"
HIGH: Final = "regular_high"
REGULAR: Final = "regular"
LOW: Final = "regular_low"
#: In the order in which a new device fetches them.
COLLECTIONS: Final = (CRITICAL, CONTACTS, HIGH, REGULAR, LOW)

Reader = Callable[[Reading, Mutation], list[Durable]]


class Action(msgspec.Struct, frozen=True):
    """One kind of record."""

    name: str
    version: int
    collection: str
    #: The member of SyncActionValue that holds the value; empty where the index says all.
    field: str = ""
    read: Reader | None = None


def _setting(name: str, *path: str) -> Reader:
    return readers.setting(name, path)


_ROWS: Final = (
    # chats
    Action("mute", 2, HIGH, "muteAction", readers.mute),
    Action("pin_v1", 5, LOW, "pinAction", readers.pin),
    Action("archive", 3, LOW, "archiveChatAction", readers.archive),
    Action("markChatAsRead", 3, LOW, "markChatAsReadAction", readers.mark_read),
    Action("clearChat", 6, HIGH, "clearChatAction", readers.clear),
    Action("deleteChat", 6, HIGH, "deleteChatAction", readers.delete_chat),
    Action("lock", 7, LOW, "lockChatAction", readers.lock),
    Action("note_edit", 7, LOW, "noteEditAction", readers.note),
    Action("shareOwnPn", 8, REGULAR),
    # messages
    Action("deleteMessageForMe", 3, HIGH, "deleteMessageForMeAction", readers.delete_message),
    Action("star", 2, HIGH, "starAction", readers.star),
    # people
    Action("contact", 2, CONTACTS, "contactAction", readers.contact),
    Action("lid_contact", 1, CONTACTS, "lidContactAction", readers.contact),
    Action("out_contact", 1, LOW, "outContactAction", readers.contact),
    Action("userStatusMute", 7, HIGH, "userStatusMuteAction", readers.status_mute),
    # Learnt in flows/appstate_effects.py.
    Action("pnForLidChat", 8, REGULAR, "pnForLidChatAction"),
    # labels and quick replies
    Action("label_edit", 3, REGULAR, "labelEditAction", readers.label),
    Action("label_jid", 3, REGULAR, "labelAssociationAction", readers.label_chat),
    Action("label_message", 3, REGULAR, "labelAssociationAction", readers.label_message),
    Action(
        "label_reordering",
        3,
        REGULAR,
        "labelReorderingAction",
        _setting("label_order", "labelReorderingAction", "sortedLabelIds"),
    ),
    Action("label_sublist", 1, REGULAR, "labelSublistAction"),
    Action("quick_reply", 2, REGULAR, "quickReplyAction", readers.quick_reply),
    # settings
    Action(
        "setting_pushName", 1, CRITICAL, "pushNameSetting", _setting("push_name", "pushNameSetting", "name")
    ),
    Action("setting_locale", 3, CRITICAL, "localeSetting", _setting("locale", "localeSetting", "locale")),
    Action("setting_securityNotification", 1, CRITICAL),
    Action("generated_wui", 1, CRITICAL, "wamoUserIdentifierAction"),
    Action(
        "setting_unarchiveChats",
        4,
        LOW,
        "unarchiveChatsSetting",
        _setting("unarchive_chats", "unarchiveChatsSetting", "unarchiveChats"),
    ),
    Action(
        "time_format",
        7,
        LOW,
        "timeFormatAction",
        _setting("twenty_four_hours", "timeFormatAction", "isTwentyFourHourFormatEnabled"),
    ),
    Action(
        "setting_chatLock",
        7,
        LOW,
        "chatLockSettings",
        _setting("hide_locked_chats", "chatLockSettings", "hideLockedChats"),
    ),
    Action("status_privacy", 7, HIGH, "statusPrivacy", readers.status_privacy),
    Action("favorites", 1, HIGH, "favoritesAction", readers.favorites),
    Action("nct_salt_sync", 1, HIGH, "nctSaltSyncAction"),
    Action(
        "usernameChatStartMode",
        1,
        REGULAR,
        "usernameChatStartMode",
        _setting("username_chat_start_mode", "usernameChatStartMode", "chatStartMode"),
    ),
    Action(
        "setting_disableLinkPreviews",
        8,
        REGULAR,
        "privacySettingDisableLinkPreviewsAction",
        _setting("no_link_previews", "privacySettingDisableLinkPreviewsAction", "isPreviewsDisabled"),
    ),
    Action(
        "setting_relayAllCalls",
        1,
        REGULAR,
        "privacySettingRelayAllCalls",
        _setting("relay_all_calls", "privacySettingRelayAllCalls", "isEnabled"),
    ),
    Action(
        "notificationActivitySetting",
        1,
        REGULAR,
        "notificationActivitySettingAction",
        _setting("notification_activity", "notificationActivitySettingAction", "notificationActivitySetting"),
    ),
    Action(
        "setting_channels_personalised_recommendation_optout",
        1,
        REGULAR,
        "privacySettingChannelsPersonalisedRecommendationAction",
        _setting(
            "no_channel_recommendations",
            "privacySettingChannelsPersonalisedRecommendationAction",
            "isUserOptedOut",
        ),
    ),
    Action(
        "primary_feature",
        7,
        REGULAR,
        "primaryFeature",
        _setting("phone_features", "primaryFeature", "flags"),
    ),
    Action(
        "primary_version",
        7,
        LOW,
        "primaryVersionAction",
        _setting("phone_version", "primaryVersionAction", "version"),
    ),
    Action("android_unsupported_actions", 4, LOW, "androidUnsupportedActions"),
    Action("external_web_beta", 3, REGULAR, "externalWebBetaAction"),
    # Taken in by flows/appstate_effects.py.
    Action("sentinel", 3, LOW, "keyExpiration"),
    Action("device_capabilities", 7, LOW, "deviceCapabilities"),
    Action("device_capabilities_v2", 7, LOW, "deviceCapabilitiesV2"),
    # calls
    Action("call_log", 1, REGULAR, "callLogAction"),
    Action("delete_individual_call_log", 1, REGULAR, "deleteIndividualCallLog"),
    # stickers and screens of the apps
    Action("favoriteSticker", 7, LOW, "stickerAction"),
    Action("removeRecentSticker", 7, LOW, "removeRecentStickerAction"),
    Action("recent_emoji_weights_action", 1, LOW, "recentEmojiWeightsAction"),
    Action("nux", 7, LOW, "nuxAction"),
    Action("bot_welcome_request", 2, LOW),
    Action("settings_sync", 1, LOW, "settingsSyncAction"),
    Action("interactive_message_action", 1, LOW, "interactiveMessageAction"),
    Action("thread_pin", 7, LOW, "threadPinAction"),
    Action("ai_thread_rename", 7, LOW, "aiThreadRenameAction"),
    Action("ai_thread_delete", 7, HIGH),
    # business
    Action("deviceAgent", 7, REGULAR, "agentAction", readers.agent),
    Action("agentChatAssignment", 7, REGULAR, "chatAssignment"),
    Action("agentChatAssignmentOpenedStatus", 7, REGULAR, "chatAssignmentOpenedStatus"),
    Action("marketingMessage", 7, REGULAR, "marketingMessageAction"),
    Action("marketingMessageBroadcast", 7, REGULAR, "marketingMessageBroadcastAction"),
    Action("business_broadcast_list", 1, REGULAR),
    Action("business_broadcast_campaign", 1, REGULAR),
    Action("business_broadcast_insights_sync", 1, REGULAR),
    Action("broadcast_jid", 1, REGULAR),
    Action("broadcast", 1, REGULAR),
    Action("subscription", 1, REGULAR, "subscriptionAction"),
    Action("subscriptions_sync_v2", 1, REGULAR, "subscriptionsSyncV2Action"),
    Action("payment_info", 7, LOW, "paymentInfoAction"),
    Action("payment_tos", 7, LOW, "paymentTosAction"),
    Action("custom_payment_methods", 7, LOW, "customPaymentMethodsAction"),
    Action("merchant_payment_partner", 7, LOW, "merchantPaymentPartnerAction"),
    Action("customer_data", 1, LOW, "customerDataAction"),
    Action("contact_manager_metadata", 1, LOW, "contactManagerMetadataAction"),
    Action("business_folder_activation", 1, LOW, "businessFolderActivationAction"),
    # others, of no use here
    Action("ctwaPerCustomerDataSharing", 1, HIGH),
    Action("waffle_account_link_state", 1, HIGH),
    Action("biz_ai_settings_nudge", 1, HIGH),
    Action("wasa_root_secret", 1, HIGH),
    Action("detected_outcomes_status_action", 1, REGULAR),
    Action("avatar_updated_action", 7, REGULAR),
    Action("music_user_id", 1, REGULAR),
    Action("newsletter_saved_interests", 1, REGULAR),
    Action("galaxy_flow_action", 1, REGULAR),
    Action("setting_autoOrganizeBusinessChat", 1, LOW),
    Action("coexV2Version", 1, LOW),
    Action("lock_message", 1, LOW),
    Action("ctwa_message_received", 1, REGULAR),
    Action("ugc_bot", 1, HIGH),
    Action("maiba_ai_features_control", 1, HIGH),
    Action("status_post_opt_in_notification_preferences_action", 1, HIGH),
    Action("private_processing_setting", 1, HIGH),
    Action("shared_device_allowlist", 1, HIGH),
)

ACTIONS: Final = {action.name: action for action in _ROWS}


def read(reading: Reading, mutation: Mutation) -> list[Durable]:
    """The events of a record. An index that makes no sense makes none, and stops nobody."""
    action = ACTIONS.get(mutation.action)
    if action is None or action.read is None:
        return []
    if mutation.op is Op.SET and action.field and not mutation.value.HasField(action.field):
        return []
    try:
        return action.read(reading, mutation)
    except (ValueError, IndexError):
        return []


def write(index: tuple[str, ...], now: float, **members: Any) -> Change:
    """A record to set: the value's members by their names on the wire."""
    action = ACTIONS[index[0]]
    value = SyncActionValue(timestamp=round(now * 1000))
    part = getattr(value, action.field)
    part.SetInParent()
    for name, member in members.items():
        held = getattr(part, name)
        if isinstance(member, (list, tuple)):
            held.extend(member)
        elif hasattr(held, "CopyFrom"):
            held.CopyFrom(member)
        else:
            setattr(part, name, member)
    return Change(Op.SET, index, value, action.version)


def remove(index: tuple[str, ...]) -> Change:
    """A record to take away."""
    return Change(Op.REMOVE, index, SyncActionValue(), ACTIONS[index[0]].version)


def collection_of(change: Change) -> str:
    """Where a change belongs."""
    return ACTIONS[change.index[0]].collection
