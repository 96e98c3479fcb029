from protocol.pb import e2e_pb2 as _e2e_pb2
from protocol.pb import history_pb2 as _history_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AgentAction(_message.Message):
    __slots__ = ("name", "deviceID", "isDeleted")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DEVICEID_FIELD_NUMBER: _ClassVar[int]
    ISDELETED_FIELD_NUMBER: _ClassVar[int]
    name: str
    deviceID: int
    isDeleted: bool
    def __init__(self, name: _Optional[str] = ..., deviceID: _Optional[int] = ..., isDeleted: _Optional[bool] = ...) -> None: ...

class AiThreadRenameAction(_message.Message):
    __slots__ = ("newTitle",)
    NEWTITLE_FIELD_NUMBER: _ClassVar[int]
    newTitle: str
    def __init__(self, newTitle: _Optional[str] = ...) -> None: ...

class AndroidUnsupportedActions(_message.Message):
    __slots__ = ("allowed",)
    ALLOWED_FIELD_NUMBER: _ClassVar[int]
    allowed: bool
    def __init__(self, allowed: _Optional[bool] = ...) -> None: ...

class ArchiveChatAction(_message.Message):
    __slots__ = ("archived", "messageRange")
    ARCHIVED_FIELD_NUMBER: _ClassVar[int]
    MESSAGERANGE_FIELD_NUMBER: _ClassVar[int]
    archived: bool
    messageRange: SyncActionMessageRange
    def __init__(self, archived: _Optional[bool] = ..., messageRange: _Optional[_Union[SyncActionMessageRange, _Mapping]] = ...) -> None: ...

class AutoOrganizeBusinessChatSetting(_message.Message):
    __slots__ = ("autoOrganize",)
    AUTOORGANIZE_FIELD_NUMBER: _ClassVar[int]
    autoOrganize: bool
    def __init__(self, autoOrganize: _Optional[bool] = ...) -> None: ...

class AvatarUpdatedAction(_message.Message):
    __slots__ = ("eventType", "recentAvatarStickers")
    class AvatarEventType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        UPDATED: _ClassVar[AvatarUpdatedAction.AvatarEventType]
        CREATED: _ClassVar[AvatarUpdatedAction.AvatarEventType]
        DELETED: _ClassVar[AvatarUpdatedAction.AvatarEventType]
    UPDATED: AvatarUpdatedAction.AvatarEventType
    CREATED: AvatarUpdatedAction.AvatarEventType
    DELETED: AvatarUpdatedAction.AvatarEventType
    EVENTTYPE_FIELD_NUMBER: _ClassVar[int]
    RECENTAVATARSTICKERS_FIELD_NUMBER: _ClassVar[int]
    eventType: AvatarUpdatedAction.AvatarEventType
    recentAvatarStickers: _containers.RepeatedCompositeFieldContainer[StickerAction]
    def __init__(self, eventType: _Optional[_Union[AvatarUpdatedAction.AvatarEventType, str]] = ..., recentAvatarStickers: _Optional[_Iterable[_Union[StickerAction, _Mapping]]] = ...) -> None: ...

class BizAISettingsNudgeAction(_message.Message):
    __slots__ = ("category", "version", "updatedAtMs")
    class BizAISettingsCategory(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        UNKNOWN: _ClassVar[BizAISettingsNudgeAction.BizAISettingsCategory]
        INSTRUCTIONS: _ClassVar[BizAISettingsNudgeAction.BizAISettingsCategory]
        RESPONSE_SETTINGS: _ClassVar[BizAISettingsNudgeAction.BizAISettingsCategory]
        EXAMPLE_RESPONSES: _ClassVar[BizAISettingsNudgeAction.BizAISettingsCategory]
        KNOWLEDGE: _ClassVar[BizAISettingsNudgeAction.BizAISettingsCategory]
        LEAD_GEN: _ClassVar[BizAISettingsNudgeAction.BizAISettingsCategory]
        HANDOFF_REMOVAL_TIMING: _ClassVar[BizAISettingsNudgeAction.BizAISettingsCategory]
    UNKNOWN: BizAISettingsNudgeAction.BizAISettingsCategory
    INSTRUCTIONS: BizAISettingsNudgeAction.BizAISettingsCategory
    RESPONSE_SETTINGS: BizAISettingsNudgeAction.BizAISettingsCategory
    EXAMPLE_RESPONSES: BizAISettingsNudgeAction.BizAISettingsCategory
    KNOWLEDGE: BizAISettingsNudgeAction.BizAISettingsCategory
    LEAD_GEN: BizAISettingsNudgeAction.BizAISettingsCategory
    HANDOFF_REMOVAL_TIMING: BizAISettingsNudgeAction.BizAISettingsCategory
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    UPDATEDATMS_FIELD_NUMBER: _ClassVar[int]
    category: BizAISettingsNudgeAction.BizAISettingsCategory
    version: int
    updatedAtMs: int
    def __init__(self, category: _Optional[_Union[BizAISettingsNudgeAction.BizAISettingsCategory, str]] = ..., version: _Optional[int] = ..., updatedAtMs: _Optional[int] = ...) -> None: ...

class BubbleLockMessageAction(_message.Message):
    __slots__ = ("locked",)
    LOCKED_FIELD_NUMBER: _ClassVar[int]
    locked: bool
    def __init__(self, locked: _Optional[bool] = ...) -> None: ...

class BusinessFolderActivationAction(_message.Message):
    __slots__ = ("activated",)
    ACTIVATED_FIELD_NUMBER: _ClassVar[int]
    activated: bool
    def __init__(self, activated: _Optional[bool] = ...) -> None: ...

class CallLogAction(_message.Message):
    __slots__ = ("callLogRecord",)
    CALLLOGRECORD_FIELD_NUMBER: _ClassVar[int]
    callLogRecord: _history_pb2.CallLogRecord
    def __init__(self, callLogRecord: _Optional[_Union[_history_pb2.CallLogRecord, _Mapping]] = ...) -> None: ...

class ChatAssignmentAction(_message.Message):
    __slots__ = ("deviceAgentID",)
    DEVICEAGENTID_FIELD_NUMBER: _ClassVar[int]
    deviceAgentID: str
    def __init__(self, deviceAgentID: _Optional[str] = ...) -> None: ...

class ChatAssignmentOpenedStatusAction(_message.Message):
    __slots__ = ("chatOpened",)
    CHATOPENED_FIELD_NUMBER: _ClassVar[int]
    chatOpened: bool
    def __init__(self, chatOpened: _Optional[bool] = ...) -> None: ...

class ClearChatAction(_message.Message):
    __slots__ = ("messageRange",)
    MESSAGERANGE_FIELD_NUMBER: _ClassVar[int]
    messageRange: SyncActionMessageRange
    def __init__(self, messageRange: _Optional[_Union[SyncActionMessageRange, _Mapping]] = ...) -> None: ...

class CoexStateSync(_message.Message):
    __slots__ = ()
    class CollectionMutations(_message.Message):
        __slots__ = ("collection",)
        COLLECTION_FIELD_NUMBER: _ClassVar[int]
        collection: str
        def __init__(self, collection: _Optional[str] = ...) -> None: ...
    class Mutation(_message.Message):
        __slots__ = ("index", "value", "dirtyVersion", "operation")
        INDEX_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        DIRTYVERSION_FIELD_NUMBER: _ClassVar[int]
        OPERATION_FIELD_NUMBER: _ClassVar[int]
        index: SyncdIndex
        value: SyncdValue
        dirtyVersion: int
        operation: SyncdMutation.SyncdOperation
        def __init__(self, index: _Optional[_Union[SyncdIndex, _Mapping]] = ..., value: _Optional[_Union[SyncdValue, _Mapping]] = ..., dirtyVersion: _Optional[int] = ..., operation: _Optional[_Union[SyncdMutation.SyncdOperation, str]] = ...) -> None: ...
    def __init__(self) -> None: ...

class CoexV2VersionAction(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: int
    def __init__(self, version: _Optional[int] = ...) -> None: ...

class ContactAction(_message.Message):
    __slots__ = ("fullName", "firstName", "lidJid", "saveOnPrimaryAddressbook", "pnJid", "username")
    FULLNAME_FIELD_NUMBER: _ClassVar[int]
    FIRSTNAME_FIELD_NUMBER: _ClassVar[int]
    LIDJID_FIELD_NUMBER: _ClassVar[int]
    SAVEONPRIMARYADDRESSBOOK_FIELD_NUMBER: _ClassVar[int]
    PNJID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    fullName: str
    firstName: str
    lidJid: str
    saveOnPrimaryAddressbook: bool
    pnJid: str
    username: str
    def __init__(self, fullName: _Optional[str] = ..., firstName: _Optional[str] = ..., lidJid: _Optional[str] = ..., saveOnPrimaryAddressbook: _Optional[bool] = ..., pnJid: _Optional[str] = ..., username: _Optional[str] = ...) -> None: ...

class ContactManagerMetadataAction(_message.Message):
    __slots__ = ("isHidden",)
    ISHIDDEN_FIELD_NUMBER: _ClassVar[int]
    isHidden: bool
    def __init__(self, isHidden: _Optional[bool] = ...) -> None: ...

class CtwaMessageReceivedAction(_message.Message):
    __slots__ = ("isCtwaMessageReceived",)
    ISCTWAMESSAGERECEIVED_FIELD_NUMBER: _ClassVar[int]
    isCtwaMessageReceived: bool
    def __init__(self, isCtwaMessageReceived: _Optional[bool] = ...) -> None: ...

class CtwaPerCustomerDataSharingAction(_message.Message):
    __slots__ = ("isCtwaPerCustomerDataSharingEnabled",)
    ISCTWAPERCUSTOMERDATASHARINGENABLED_FIELD_NUMBER: _ClassVar[int]
    isCtwaPerCustomerDataSharingEnabled: bool
    def __init__(self, isCtwaPerCustomerDataSharingEnabled: _Optional[bool] = ...) -> None: ...

class CustomPaymentMethod(_message.Message):
    __slots__ = ("credentialId", "country", "type", "metadata")
    CREDENTIALID_FIELD_NUMBER: _ClassVar[int]
    COUNTRY_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    credentialId: str
    country: str
    type: str
    metadata: _containers.RepeatedCompositeFieldContainer[CustomPaymentMethodMetadata]
    def __init__(self, credentialId: _Optional[str] = ..., country: _Optional[str] = ..., type: _Optional[str] = ..., metadata: _Optional[_Iterable[_Union[CustomPaymentMethodMetadata, _Mapping]]] = ...) -> None: ...

class CustomPaymentMethodMetadata(_message.Message):
    __slots__ = ("key", "value")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: str
    def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class CustomPaymentMethodsAction(_message.Message):
    __slots__ = ("customPaymentMethods",)
    CUSTOMPAYMENTMETHODS_FIELD_NUMBER: _ClassVar[int]
    customPaymentMethods: _containers.RepeatedCompositeFieldContainer[CustomPaymentMethod]
    def __init__(self, customPaymentMethods: _Optional[_Iterable[_Union[CustomPaymentMethod, _Mapping]]] = ...) -> None: ...

class CustomerDataAction(_message.Message):
    __slots__ = ("chatJid", "contactType", "email", "altPhoneNumbers", "birthday", "address", "acquisitionSource", "leadStage", "lastOrder", "createdAt", "modifiedAt")
    CHATJID_FIELD_NUMBER: _ClassVar[int]
    CONTACTTYPE_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    ALTPHONENUMBERS_FIELD_NUMBER: _ClassVar[int]
    BIRTHDAY_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    ACQUISITIONSOURCE_FIELD_NUMBER: _ClassVar[int]
    LEADSTAGE_FIELD_NUMBER: _ClassVar[int]
    LASTORDER_FIELD_NUMBER: _ClassVar[int]
    CREATEDAT_FIELD_NUMBER: _ClassVar[int]
    MODIFIEDAT_FIELD_NUMBER: _ClassVar[int]
    chatJid: str
    contactType: int
    email: str
    altPhoneNumbers: str
    birthday: int
    address: str
    acquisitionSource: int
    leadStage: int
    lastOrder: int
    createdAt: int
    modifiedAt: int
    def __init__(self, chatJid: _Optional[str] = ..., contactType: _Optional[int] = ..., email: _Optional[str] = ..., altPhoneNumbers: _Optional[str] = ..., birthday: _Optional[int] = ..., address: _Optional[str] = ..., acquisitionSource: _Optional[int] = ..., leadStage: _Optional[int] = ..., lastOrder: _Optional[int] = ..., createdAt: _Optional[int] = ..., modifiedAt: _Optional[int] = ...) -> None: ...

class DeleteChatAction(_message.Message):
    __slots__ = ("messageRange",)
    MESSAGERANGE_FIELD_NUMBER: _ClassVar[int]
    messageRange: SyncActionMessageRange
    def __init__(self, messageRange: _Optional[_Union[SyncActionMessageRange, _Mapping]] = ...) -> None: ...

class DeleteIndividualCallLogAction(_message.Message):
    __slots__ = ("peerJid", "isIncoming")
    PEERJID_FIELD_NUMBER: _ClassVar[int]
    ISINCOMING_FIELD_NUMBER: _ClassVar[int]
    peerJid: str
    isIncoming: bool
    def __init__(self, peerJid: _Optional[str] = ..., isIncoming: _Optional[bool] = ...) -> None: ...

class DeleteMessageForMeAction(_message.Message):
    __slots__ = ("deleteMedia", "messageTimestamp")
    DELETEMEDIA_FIELD_NUMBER: _ClassVar[int]
    MESSAGETIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    deleteMedia: bool
    messageTimestamp: int
    def __init__(self, deleteMedia: _Optional[bool] = ..., messageTimestamp: _Optional[int] = ...) -> None: ...

class DetectedOutcomesStatusAction(_message.Message):
    __slots__ = ("isEnabled",)
    ISENABLED_FIELD_NUMBER: _ClassVar[int]
    isEnabled: bool
    def __init__(self, isEnabled: _Optional[bool] = ...) -> None: ...

class DeviceCapabilities(_message.Message):
    __slots__ = ("chatLockSupportLevel", "lidMigration", "businessBroadcast", "userHasAvatar", "memberNameTagPrimarySupport", "aiThread", "aiFbidMigration", "bizAiSettingsSync", "contactRefresh")
    class ChatLockSupportLevel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        NONE: _ClassVar[DeviceCapabilities.ChatLockSupportLevel]
        MINIMAL: _ClassVar[DeviceCapabilities.ChatLockSupportLevel]
        FULL: _ClassVar[DeviceCapabilities.ChatLockSupportLevel]
    NONE: DeviceCapabilities.ChatLockSupportLevel
    MINIMAL: DeviceCapabilities.ChatLockSupportLevel
    FULL: DeviceCapabilities.ChatLockSupportLevel
    class MemberNameTagPrimarySupport(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        DISABLED: _ClassVar[DeviceCapabilities.MemberNameTagPrimarySupport]
        RECEIVER_ENABLED: _ClassVar[DeviceCapabilities.MemberNameTagPrimarySupport]
        SENDER_ENABLED: _ClassVar[DeviceCapabilities.MemberNameTagPrimarySupport]
    DISABLED: DeviceCapabilities.MemberNameTagPrimarySupport
    RECEIVER_ENABLED: DeviceCapabilities.MemberNameTagPrimarySupport
    SENDER_ENABLED: DeviceCapabilities.MemberNameTagPrimarySupport
    class AiFbidMigration(_message.Message):
        __slots__ = ("chatDbMigrationTimestamp",)
        CHATDBMIGRATIONTIMESTAMP_FIELD_NUMBER: _ClassVar[int]
        chatDbMigrationTimestamp: int
        def __init__(self, chatDbMigrationTimestamp: _Optional[int] = ...) -> None: ...
    class AiThread(_message.Message):
        __slots__ = ("supportLevel",)
        class SupportLevel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
            __slots__ = ()
            NONE: _ClassVar[DeviceCapabilities.AiThread.SupportLevel]
            INFRA: _ClassVar[DeviceCapabilities.AiThread.SupportLevel]
            FULL: _ClassVar[DeviceCapabilities.AiThread.SupportLevel]
        NONE: DeviceCapabilities.AiThread.SupportLevel
        INFRA: DeviceCapabilities.AiThread.SupportLevel
        FULL: DeviceCapabilities.AiThread.SupportLevel
        SUPPORTLEVEL_FIELD_NUMBER: _ClassVar[int]
        supportLevel: DeviceCapabilities.AiThread.SupportLevel
        def __init__(self, supportLevel: _Optional[_Union[DeviceCapabilities.AiThread.SupportLevel, str]] = ...) -> None: ...
    class BizAiSettingsSync(_message.Message):
        __slots__ = ("handoffRemovalTimingEnabled",)
        HANDOFFREMOVALTIMINGENABLED_FIELD_NUMBER: _ClassVar[int]
        handoffRemovalTimingEnabled: bool
        def __init__(self, handoffRemovalTimingEnabled: _Optional[bool] = ...) -> None: ...
    class BusinessBroadcast(_message.Message):
        __slots__ = ("importListEnabled", "companionSupportEnabled", "campaignSyncEnabled", "insightsSyncEnabled", "recipientLimit")
        IMPORTLISTENABLED_FIELD_NUMBER: _ClassVar[int]
        COMPANIONSUPPORTENABLED_FIELD_NUMBER: _ClassVar[int]
        CAMPAIGNSYNCENABLED_FIELD_NUMBER: _ClassVar[int]
        INSIGHTSSYNCENABLED_FIELD_NUMBER: _ClassVar[int]
        RECIPIENTLIMIT_FIELD_NUMBER: _ClassVar[int]
        importListEnabled: bool
        companionSupportEnabled: bool
        campaignSyncEnabled: bool
        insightsSyncEnabled: bool
        recipientLimit: int
        def __init__(self, importListEnabled: _Optional[bool] = ..., companionSupportEnabled: _Optional[bool] = ..., campaignSyncEnabled: _Optional[bool] = ..., insightsSyncEnabled: _Optional[bool] = ..., recipientLimit: _Optional[int] = ...) -> None: ...
    class ContactRefresh(_message.Message):
        __slots__ = ("refreshSupported",)
        REFRESHSUPPORTED_FIELD_NUMBER: _ClassVar[int]
        refreshSupported: bool
        def __init__(self, refreshSupported: _Optional[bool] = ...) -> None: ...
    class LIDMigration(_message.Message):
        __slots__ = ("chatDbMigrationTimestamp",)
        CHATDBMIGRATIONTIMESTAMP_FIELD_NUMBER: _ClassVar[int]
        chatDbMigrationTimestamp: int
        def __init__(self, chatDbMigrationTimestamp: _Optional[int] = ...) -> None: ...
    class UserHasAvatar(_message.Message):
        __slots__ = ("userHasAvatar",)
        USERHASAVATAR_FIELD_NUMBER: _ClassVar[int]
        userHasAvatar: bool
        def __init__(self, userHasAvatar: _Optional[bool] = ...) -> None: ...
    CHATLOCKSUPPORTLEVEL_FIELD_NUMBER: _ClassVar[int]
    LIDMIGRATION_FIELD_NUMBER: _ClassVar[int]
    BUSINESSBROADCAST_FIELD_NUMBER: _ClassVar[int]
    USERHASAVATAR_FIELD_NUMBER: _ClassVar[int]
    MEMBERNAMETAGPRIMARYSUPPORT_FIELD_NUMBER: _ClassVar[int]
    AITHREAD_FIELD_NUMBER: _ClassVar[int]
    AIFBIDMIGRATION_FIELD_NUMBER: _ClassVar[int]
    BIZAISETTINGSSYNC_FIELD_NUMBER: _ClassVar[int]
    CONTACTREFRESH_FIELD_NUMBER: _ClassVar[int]
    chatLockSupportLevel: DeviceCapabilities.ChatLockSupportLevel
    lidMigration: DeviceCapabilities.LIDMigration
    businessBroadcast: DeviceCapabilities.BusinessBroadcast
    userHasAvatar: DeviceCapabilities.UserHasAvatar
    memberNameTagPrimarySupport: DeviceCapabilities.MemberNameTagPrimarySupport
    aiThread: DeviceCapabilities.AiThread
    aiFbidMigration: DeviceCapabilities.AiFbidMigration
    bizAiSettingsSync: DeviceCapabilities.BizAiSettingsSync
    contactRefresh: DeviceCapabilities.ContactRefresh
    def __init__(self, chatLockSupportLevel: _Optional[_Union[DeviceCapabilities.ChatLockSupportLevel, str]] = ..., lidMigration: _Optional[_Union[DeviceCapabilities.LIDMigration, _Mapping]] = ..., businessBroadcast: _Optional[_Union[DeviceCapabilities.BusinessBroadcast, _Mapping]] = ..., userHasAvatar: _Optional[_Union[DeviceCapabilities.UserHasAvatar, _Mapping]] = ..., memberNameTagPrimarySupport: _Optional[_Union[DeviceCapabilities.MemberNameTagPrimarySupport, str]] = ..., aiThread: _Optional[_Union[DeviceCapabilities.AiThread, _Mapping]] = ..., aiFbidMigration: _Optional[_Union[DeviceCapabilities.AiFbidMigration, _Mapping]] = ..., bizAiSettingsSync: _Optional[_Union[DeviceCapabilities.BizAiSettingsSync, _Mapping]] = ..., contactRefresh: _Optional[_Union[DeviceCapabilities.ContactRefresh, _Mapping]] = ...) -> None: ...

class ExitCode(_message.Message):
    __slots__ = ("code", "text")
    CODE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    code: int
    text: str
    def __init__(self, code: _Optional[int] = ..., text: _Optional[str] = ...) -> None: ...

class ExternalBlobReference(_message.Message):
    __slots__ = ("mediaKey", "directPath", "handle", "fileSizeBytes", "fileSha256", "fileEncSha256")
    MEDIAKEY_FIELD_NUMBER: _ClassVar[int]
    DIRECTPATH_FIELD_NUMBER: _ClassVar[int]
    HANDLE_FIELD_NUMBER: _ClassVar[int]
    FILESIZEBYTES_FIELD_NUMBER: _ClassVar[int]
    FILESHA256_FIELD_NUMBER: _ClassVar[int]
    FILEENCSHA256_FIELD_NUMBER: _ClassVar[int]
    mediaKey: bytes
    directPath: str
    handle: str
    fileSizeBytes: int
    fileSha256: bytes
    fileEncSha256: bytes
    def __init__(self, mediaKey: _Optional[bytes] = ..., directPath: _Optional[str] = ..., handle: _Optional[str] = ..., fileSizeBytes: _Optional[int] = ..., fileSha256: _Optional[bytes] = ..., fileEncSha256: _Optional[bytes] = ...) -> None: ...

class ExternalWebBetaAction(_message.Message):
    __slots__ = ("isOptIn",)
    ISOPTIN_FIELD_NUMBER: _ClassVar[int]
    isOptIn: bool
    def __init__(self, isOptIn: _Optional[bool] = ...) -> None: ...

class FavoritesAction(_message.Message):
    __slots__ = ("favorites",)
    class Favorite(_message.Message):
        __slots__ = ("id",)
        ID_FIELD_NUMBER: _ClassVar[int]
        id: str
        def __init__(self, id: _Optional[str] = ...) -> None: ...
    FAVORITES_FIELD_NUMBER: _ClassVar[int]
    favorites: _containers.RepeatedCompositeFieldContainer[FavoritesAction.Favorite]
    def __init__(self, favorites: _Optional[_Iterable[_Union[FavoritesAction.Favorite, _Mapping]]] = ...) -> None: ...

class InteractiveMessageAction(_message.Message):
    __slots__ = ("type", "agmId")
    class InteractiveMessageActionMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        DISABLE_CTA: _ClassVar[InteractiveMessageAction.InteractiveMessageActionMode]
    DISABLE_CTA: InteractiveMessageAction.InteractiveMessageActionMode
    TYPE_FIELD_NUMBER: _ClassVar[int]
    AGMID_FIELD_NUMBER: _ClassVar[int]
    type: InteractiveMessageAction.InteractiveMessageActionMode
    agmId: str
    def __init__(self, type: _Optional[_Union[InteractiveMessageAction.InteractiveMessageActionMode, str]] = ..., agmId: _Optional[str] = ...) -> None: ...

class KeyExpiration(_message.Message):
    __slots__ = ("expiredKeyEpoch",)
    EXPIREDKEYEPOCH_FIELD_NUMBER: _ClassVar[int]
    expiredKeyEpoch: int
    def __init__(self, expiredKeyEpoch: _Optional[int] = ...) -> None: ...

class KeyId(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    def __init__(self, id: _Optional[bytes] = ...) -> None: ...

class LabelAssociationAction(_message.Message):
    __slots__ = ("labeled", "modelMetaData")
    LABELED_FIELD_NUMBER: _ClassVar[int]
    MODELMETADATA_FIELD_NUMBER: _ClassVar[int]
    labeled: bool
    modelMetaData: str
    def __init__(self, labeled: _Optional[bool] = ..., modelMetaData: _Optional[str] = ...) -> None: ...

class LabelEditAction(_message.Message):
    __slots__ = ("name", "color", "predefinedId", "deleted", "orderIndex", "isActive", "type", "isImmutable", "muteEndTimeMs")
    class ListType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        NONE: _ClassVar[LabelEditAction.ListType]
        UNREAD: _ClassVar[LabelEditAction.ListType]
        GROUPS: _ClassVar[LabelEditAction.ListType]
        FAVORITES: _ClassVar[LabelEditAction.ListType]
        PREDEFINED: _ClassVar[LabelEditAction.ListType]
        CUSTOM: _ClassVar[LabelEditAction.ListType]
        COMMUNITY: _ClassVar[LabelEditAction.ListType]
        SERVER_ASSIGNED: _ClassVar[LabelEditAction.ListType]
        DRAFTED: _ClassVar[LabelEditAction.ListType]
        AI_HANDOFF: _ClassVar[LabelEditAction.ListType]
        CHANNELS: _ClassVar[LabelEditAction.ListType]
        AI_RESPONDING: _ClassVar[LabelEditAction.ListType]
        ARCHIVED: _ClassVar[LabelEditAction.ListType]
        LOCKED: _ClassVar[LabelEditAction.ListType]
        INVITES: _ClassVar[LabelEditAction.ListType]
        THIRD_PARTY: _ClassVar[LabelEditAction.ListType]
        LEAD: _ClassVar[LabelEditAction.ListType]
        MENTIONS_AND_REPLIES: _ClassVar[LabelEditAction.ListType]
    NONE: LabelEditAction.ListType
    UNREAD: LabelEditAction.ListType
    GROUPS: LabelEditAction.ListType
    FAVORITES: LabelEditAction.ListType
    PREDEFINED: LabelEditAction.ListType
    CUSTOM: LabelEditAction.ListType
    COMMUNITY: LabelEditAction.ListType
    SERVER_ASSIGNED: LabelEditAction.ListType
    DRAFTED: LabelEditAction.ListType
    AI_HANDOFF: LabelEditAction.ListType
    CHANNELS: LabelEditAction.ListType
    AI_RESPONDING: LabelEditAction.ListType
    ARCHIVED: LabelEditAction.ListType
    LOCKED: LabelEditAction.ListType
    INVITES: LabelEditAction.ListType
    THIRD_PARTY: LabelEditAction.ListType
    LEAD: LabelEditAction.ListType
    MENTIONS_AND_REPLIES: LabelEditAction.ListType
    NAME_FIELD_NUMBER: _ClassVar[int]
    COLOR_FIELD_NUMBER: _ClassVar[int]
    PREDEFINEDID_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    ORDERINDEX_FIELD_NUMBER: _ClassVar[int]
    ISACTIVE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ISIMMUTABLE_FIELD_NUMBER: _ClassVar[int]
    MUTEENDTIMEMS_FIELD_NUMBER: _ClassVar[int]
    name: str
    color: int
    predefinedId: int
    deleted: bool
    orderIndex: int
    isActive: bool
    type: LabelEditAction.ListType
    isImmutable: bool
    muteEndTimeMs: int
    def __init__(self, name: _Optional[str] = ..., color: _Optional[int] = ..., predefinedId: _Optional[int] = ..., deleted: _Optional[bool] = ..., orderIndex: _Optional[int] = ..., isActive: _Optional[bool] = ..., type: _Optional[_Union[LabelEditAction.ListType, str]] = ..., isImmutable: _Optional[bool] = ..., muteEndTimeMs: _Optional[int] = ...) -> None: ...

class LabelReorderingAction(_message.Message):
    __slots__ = ("sortedLabelIds",)
    SORTEDLABELIDS_FIELD_NUMBER: _ClassVar[int]
    sortedLabelIds: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, sortedLabelIds: _Optional[_Iterable[int]] = ...) -> None: ...

class LabelSublistAction(_message.Message):
    __slots__ = ("subListId",)
    SUBLISTID_FIELD_NUMBER: _ClassVar[int]
    subListId: int
    def __init__(self, subListId: _Optional[int] = ...) -> None: ...

class LidContactAction(_message.Message):
    __slots__ = ("fullName", "firstName", "username")
    FULLNAME_FIELD_NUMBER: _ClassVar[int]
    FIRSTNAME_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    fullName: str
    firstName: str
    username: str
    def __init__(self, fullName: _Optional[str] = ..., firstName: _Optional[str] = ..., username: _Optional[str] = ...) -> None: ...

class LocaleSetting(_message.Message):
    __slots__ = ("locale",)
    LOCALE_FIELD_NUMBER: _ClassVar[int]
    locale: str
    def __init__(self, locale: _Optional[str] = ...) -> None: ...

class LockChatAction(_message.Message):
    __slots__ = ("locked",)
    LOCKED_FIELD_NUMBER: _ClassVar[int]
    locked: bool
    def __init__(self, locked: _Optional[bool] = ...) -> None: ...

class MaibaAIFeaturesControlAction(_message.Message):
    __slots__ = ("aiFeatureStatus", "aiReplyMode")
    class MaibaAIFeatureStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ENABLED: _ClassVar[MaibaAIFeaturesControlAction.MaibaAIFeatureStatus]
        ENABLED_HAS_LEARNING: _ClassVar[MaibaAIFeaturesControlAction.MaibaAIFeatureStatus]
        DISABLED: _ClassVar[MaibaAIFeaturesControlAction.MaibaAIFeatureStatus]
    ENABLED: MaibaAIFeaturesControlAction.MaibaAIFeatureStatus
    ENABLED_HAS_LEARNING: MaibaAIFeaturesControlAction.MaibaAIFeatureStatus
    DISABLED: MaibaAIFeaturesControlAction.MaibaAIFeatureStatus
    class MaibaAIReplyMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        MUTED: _ClassVar[MaibaAIFeaturesControlAction.MaibaAIReplyMode]
        AI_AGENT: _ClassVar[MaibaAIFeaturesControlAction.MaibaAIReplyMode]
        SUGGESTIONS: _ClassVar[MaibaAIFeaturesControlAction.MaibaAIReplyMode]
    MUTED: MaibaAIFeaturesControlAction.MaibaAIReplyMode
    AI_AGENT: MaibaAIFeaturesControlAction.MaibaAIReplyMode
    SUGGESTIONS: MaibaAIFeaturesControlAction.MaibaAIReplyMode
    AIFEATURESTATUS_FIELD_NUMBER: _ClassVar[int]
    AIREPLYMODE_FIELD_NUMBER: _ClassVar[int]
    aiFeatureStatus: MaibaAIFeaturesControlAction.MaibaAIFeatureStatus
    aiReplyMode: MaibaAIFeaturesControlAction.MaibaAIReplyMode
    def __init__(self, aiFeatureStatus: _Optional[_Union[MaibaAIFeaturesControlAction.MaibaAIFeatureStatus, str]] = ..., aiReplyMode: _Optional[_Union[MaibaAIFeaturesControlAction.MaibaAIReplyMode, str]] = ...) -> None: ...

class MarkChatAsReadAction(_message.Message):
    __slots__ = ("read", "messageRange")
    READ_FIELD_NUMBER: _ClassVar[int]
    MESSAGERANGE_FIELD_NUMBER: _ClassVar[int]
    read: bool
    messageRange: SyncActionMessageRange
    def __init__(self, read: _Optional[bool] = ..., messageRange: _Optional[_Union[SyncActionMessageRange, _Mapping]] = ...) -> None: ...

class MarketingMessageAction(_message.Message):
    __slots__ = ("name", "message", "type", "createdAt", "lastSentAt", "isDeleted", "mediaId")
    class MarketingMessagePrototypeType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        PERSONALIZED: _ClassVar[MarketingMessageAction.MarketingMessagePrototypeType]
    PERSONALIZED: MarketingMessageAction.MarketingMessagePrototypeType
    NAME_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    CREATEDAT_FIELD_NUMBER: _ClassVar[int]
    LASTSENTAT_FIELD_NUMBER: _ClassVar[int]
    ISDELETED_FIELD_NUMBER: _ClassVar[int]
    MEDIAID_FIELD_NUMBER: _ClassVar[int]
    name: str
    message: str
    type: MarketingMessageAction.MarketingMessagePrototypeType
    createdAt: int
    lastSentAt: int
    isDeleted: bool
    mediaId: str
    def __init__(self, name: _Optional[str] = ..., message: _Optional[str] = ..., type: _Optional[_Union[MarketingMessageAction.MarketingMessagePrototypeType, str]] = ..., createdAt: _Optional[int] = ..., lastSentAt: _Optional[int] = ..., isDeleted: _Optional[bool] = ..., mediaId: _Optional[str] = ...) -> None: ...

class MarketingMessageBroadcastAction(_message.Message):
    __slots__ = ("repliedCount",)
    REPLIEDCOUNT_FIELD_NUMBER: _ClassVar[int]
    repliedCount: int
    def __init__(self, repliedCount: _Optional[int] = ...) -> None: ...

class MerchantPaymentPartnerAction(_message.Message):
    __slots__ = ("status", "country", "gatewayName", "credentialId")
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ACTIVE: _ClassVar[MerchantPaymentPartnerAction.Status]
        INACTIVE: _ClassVar[MerchantPaymentPartnerAction.Status]
    ACTIVE: MerchantPaymentPartnerAction.Status
    INACTIVE: MerchantPaymentPartnerAction.Status
    STATUS_FIELD_NUMBER: _ClassVar[int]
    COUNTRY_FIELD_NUMBER: _ClassVar[int]
    GATEWAYNAME_FIELD_NUMBER: _ClassVar[int]
    CREDENTIALID_FIELD_NUMBER: _ClassVar[int]
    status: MerchantPaymentPartnerAction.Status
    country: str
    gatewayName: str
    credentialId: str
    def __init__(self, status: _Optional[_Union[MerchantPaymentPartnerAction.Status, str]] = ..., country: _Optional[str] = ..., gatewayName: _Optional[str] = ..., credentialId: _Optional[str] = ...) -> None: ...

class MusicUserIdAction(_message.Message):
    __slots__ = ("musicUserId",)
    MUSICUSERID_FIELD_NUMBER: _ClassVar[int]
    musicUserId: str
    def __init__(self, musicUserId: _Optional[str] = ...) -> None: ...

class MuteAction(_message.Message):
    __slots__ = ("muted", "muteEndTimestamp", "autoMuted", "muteEveryoneMentionEndTimestamp")
    MUTED_FIELD_NUMBER: _ClassVar[int]
    MUTEENDTIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    AUTOMUTED_FIELD_NUMBER: _ClassVar[int]
    MUTEEVERYONEMENTIONENDTIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    muted: bool
    muteEndTimestamp: int
    autoMuted: bool
    muteEveryoneMentionEndTimestamp: int
    def __init__(self, muted: _Optional[bool] = ..., muteEndTimestamp: _Optional[int] = ..., autoMuted: _Optional[bool] = ..., muteEveryoneMentionEndTimestamp: _Optional[int] = ...) -> None: ...

class NctSaltSyncAction(_message.Message):
    __slots__ = ("salt",)
    SALT_FIELD_NUMBER: _ClassVar[int]
    salt: bytes
    def __init__(self, salt: _Optional[bytes] = ...) -> None: ...

class NewsletterSavedInterestsAction(_message.Message):
    __slots__ = ("newsletterSavedInterests",)
    NEWSLETTERSAVEDINTERESTS_FIELD_NUMBER: _ClassVar[int]
    newsletterSavedInterests: str
    def __init__(self, newsletterSavedInterests: _Optional[str] = ...) -> None: ...

class NoteEditAction(_message.Message):
    __slots__ = ("type", "chatJid", "createdAt", "deleted", "unstructuredContent")
    class NoteType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        UNSTRUCTURED: _ClassVar[NoteEditAction.NoteType]
        STRUCTURED: _ClassVar[NoteEditAction.NoteType]
    UNSTRUCTURED: NoteEditAction.NoteType
    STRUCTURED: NoteEditAction.NoteType
    TYPE_FIELD_NUMBER: _ClassVar[int]
    CHATJID_FIELD_NUMBER: _ClassVar[int]
    CREATEDAT_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    UNSTRUCTUREDCONTENT_FIELD_NUMBER: _ClassVar[int]
    type: NoteEditAction.NoteType
    chatJid: str
    createdAt: int
    deleted: bool
    unstructuredContent: str
    def __init__(self, type: _Optional[_Union[NoteEditAction.NoteType, str]] = ..., chatJid: _Optional[str] = ..., createdAt: _Optional[int] = ..., deleted: _Optional[bool] = ..., unstructuredContent: _Optional[str] = ...) -> None: ...

class NotificationActivitySettingAction(_message.Message):
    __slots__ = ("notificationActivitySetting",)
    class NotificationActivitySetting(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        DEFAULT_ALL_MESSAGES: _ClassVar[NotificationActivitySettingAction.NotificationActivitySetting]
        ALL_MESSAGES: _ClassVar[NotificationActivitySettingAction.NotificationActivitySetting]
        HIGHLIGHTS: _ClassVar[NotificationActivitySettingAction.NotificationActivitySetting]
        DEFAULT_HIGHLIGHTS: _ClassVar[NotificationActivitySettingAction.NotificationActivitySetting]
    DEFAULT_ALL_MESSAGES: NotificationActivitySettingAction.NotificationActivitySetting
    ALL_MESSAGES: NotificationActivitySettingAction.NotificationActivitySetting
    HIGHLIGHTS: NotificationActivitySettingAction.NotificationActivitySetting
    DEFAULT_HIGHLIGHTS: NotificationActivitySettingAction.NotificationActivitySetting
    NOTIFICATIONACTIVITYSETTING_FIELD_NUMBER: _ClassVar[int]
    notificationActivitySetting: NotificationActivitySettingAction.NotificationActivitySetting
    def __init__(self, notificationActivitySetting: _Optional[_Union[NotificationActivitySettingAction.NotificationActivitySetting, str]] = ...) -> None: ...

class NuxAction(_message.Message):
    __slots__ = ("acknowledged",)
    ACKNOWLEDGED_FIELD_NUMBER: _ClassVar[int]
    acknowledged: bool
    def __init__(self, acknowledged: _Optional[bool] = ...) -> None: ...

class OutContactAction(_message.Message):
    __slots__ = ("fullName", "firstName")
    FULLNAME_FIELD_NUMBER: _ClassVar[int]
    FIRSTNAME_FIELD_NUMBER: _ClassVar[int]
    fullName: str
    firstName: str
    def __init__(self, fullName: _Optional[str] = ..., firstName: _Optional[str] = ...) -> None: ...

class PaymentInfoAction(_message.Message):
    __slots__ = ("cpi",)
    CPI_FIELD_NUMBER: _ClassVar[int]
    cpi: str
    def __init__(self, cpi: _Optional[str] = ...) -> None: ...

class PaymentTosAction(_message.Message):
    __slots__ = ("paymentNotice", "accepted")
    class PaymentNotice(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        BR_PAY_PRIVACY_POLICY: _ClassVar[PaymentTosAction.PaymentNotice]
    BR_PAY_PRIVACY_POLICY: PaymentTosAction.PaymentNotice
    PAYMENTNOTICE_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    paymentNotice: PaymentTosAction.PaymentNotice
    accepted: bool
    def __init__(self, paymentNotice: _Optional[_Union[PaymentTosAction.PaymentNotice, str]] = ..., accepted: _Optional[bool] = ...) -> None: ...

class PinAction(_message.Message):
    __slots__ = ("pinned",)
    PINNED_FIELD_NUMBER: _ClassVar[int]
    pinned: bool
    def __init__(self, pinned: _Optional[bool] = ...) -> None: ...

class PnForLidChatAction(_message.Message):
    __slots__ = ("pnJid",)
    PNJID_FIELD_NUMBER: _ClassVar[int]
    pnJid: str
    def __init__(self, pnJid: _Optional[str] = ...) -> None: ...

class PrimaryFeature(_message.Message):
    __slots__ = ("flags",)
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    flags: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, flags: _Optional[_Iterable[str]] = ...) -> None: ...

class PrimaryVersionAction(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: str
    def __init__(self, version: _Optional[str] = ...) -> None: ...

class PrivacySettingChannelsPersonalisedRecommendationAction(_message.Message):
    __slots__ = ("isUserOptedOut",)
    ISUSEROPTEDOUT_FIELD_NUMBER: _ClassVar[int]
    isUserOptedOut: bool
    def __init__(self, isUserOptedOut: _Optional[bool] = ...) -> None: ...

class PrivacySettingDisableLinkPreviewsAction(_message.Message):
    __slots__ = ("isPreviewsDisabled",)
    ISPREVIEWSDISABLED_FIELD_NUMBER: _ClassVar[int]
    isPreviewsDisabled: bool
    def __init__(self, isPreviewsDisabled: _Optional[bool] = ...) -> None: ...

class PrivacySettingRelayAllCalls(_message.Message):
    __slots__ = ("isEnabled",)
    ISENABLED_FIELD_NUMBER: _ClassVar[int]
    isEnabled: bool
    def __init__(self, isEnabled: _Optional[bool] = ...) -> None: ...

class PrivateProcessingSettingAction(_message.Message):
    __slots__ = ("privateProcessingStatus",)
    class PrivateProcessingStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        UNDEFINED: _ClassVar[PrivateProcessingSettingAction.PrivateProcessingStatus]
        ENABLED: _ClassVar[PrivateProcessingSettingAction.PrivateProcessingStatus]
        DISABLED: _ClassVar[PrivateProcessingSettingAction.PrivateProcessingStatus]
    UNDEFINED: PrivateProcessingSettingAction.PrivateProcessingStatus
    ENABLED: PrivateProcessingSettingAction.PrivateProcessingStatus
    DISABLED: PrivateProcessingSettingAction.PrivateProcessingStatus
    PRIVATEPROCESSINGSTATUS_FIELD_NUMBER: _ClassVar[int]
    privateProcessingStatus: PrivateProcessingSettingAction.PrivateProcessingStatus
    def __init__(self, privateProcessingStatus: _Optional[_Union[PrivateProcessingSettingAction.PrivateProcessingStatus, str]] = ...) -> None: ...

class PushNameSetting(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class QuickReplyAction(_message.Message):
    __slots__ = ("shortcut", "message", "keywords", "count", "deleted", "associatedLabelIds")
    SHORTCUT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    KEYWORDS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    ASSOCIATEDLABELIDS_FIELD_NUMBER: _ClassVar[int]
    shortcut: str
    message: str
    keywords: _containers.RepeatedScalarFieldContainer[str]
    count: int
    deleted: bool
    associatedLabelIds: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, shortcut: _Optional[str] = ..., message: _Optional[str] = ..., keywords: _Optional[_Iterable[str]] = ..., count: _Optional[int] = ..., deleted: _Optional[bool] = ..., associatedLabelIds: _Optional[_Iterable[str]] = ...) -> None: ...

class RecentEmojiWeight(_message.Message):
    __slots__ = ("emoji", "weight")
    EMOJI_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    emoji: str
    weight: float
    def __init__(self, emoji: _Optional[str] = ..., weight: _Optional[float] = ...) -> None: ...

class RecentEmojiWeightsAction(_message.Message):
    __slots__ = ("weights",)
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    weights: _containers.RepeatedCompositeFieldContainer[RecentEmojiWeight]
    def __init__(self, weights: _Optional[_Iterable[_Union[RecentEmojiWeight, _Mapping]]] = ...) -> None: ...

class RemoveRecentStickerAction(_message.Message):
    __slots__ = ("lastStickerSentTs",)
    LASTSTICKERSENTTS_FIELD_NUMBER: _ClassVar[int]
    lastStickerSentTs: int
    def __init__(self, lastStickerSentTs: _Optional[int] = ...) -> None: ...

class SettingsSyncAction(_message.Message):
    __slots__ = ("startAtLogin", "minimizeToTray", "language", "replaceTextWithEmoji", "bannerNotificationDisplayMode", "unreadCounterBadgeDisplayMode", "isMessagesNotificationEnabled", "isCallsNotificationEnabled", "isReactionsNotificationEnabled", "isStatusReactionsNotificationEnabled", "isTextPreviewForNotificationEnabled", "defaultNotificationToneId", "groupDefaultNotificationToneId", "appTheme", "wallpaperId", "isDoodleWallpaperEnabled", "fontSize", "isPhotosAutodownloadEnabled", "isAudiosAutodownloadEnabled", "isVideosAutodownloadEnabled", "isDocumentsAutodownloadEnabled", "disableLinkPreviews", "notificationToneId", "mediaUploadQuality", "isSpellCheckEnabled", "isEnterToSendEnabled", "isGroupMessageNotificationEnabled", "isGroupReactionsNotificationEnabled", "isStatusNotificationEnabled", "statusNotificationToneId", "shouldPlaySoundForCallNotification", "chatThemeId", "colorSchemeId", "stockWallpaperImageId")
    class DisplayMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        DISPLAY_MODE_UNKNOWN: _ClassVar[SettingsSyncAction.DisplayMode]
        ALWAYS: _ClassVar[SettingsSyncAction.DisplayMode]
        NEVER: _ClassVar[SettingsSyncAction.DisplayMode]
        ONLY_WHEN_APP_IS_OPEN: _ClassVar[SettingsSyncAction.DisplayMode]
    DISPLAY_MODE_UNKNOWN: SettingsSyncAction.DisplayMode
    ALWAYS: SettingsSyncAction.DisplayMode
    NEVER: SettingsSyncAction.DisplayMode
    ONLY_WHEN_APP_IS_OPEN: SettingsSyncAction.DisplayMode
    class MediaQualitySetting(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        MEDIA_QUALITY_UNKNOWN: _ClassVar[SettingsSyncAction.MediaQualitySetting]
        STANDARD: _ClassVar[SettingsSyncAction.MediaQualitySetting]
        HD: _ClassVar[SettingsSyncAction.MediaQualitySetting]
    MEDIA_QUALITY_UNKNOWN: SettingsSyncAction.MediaQualitySetting
    STANDARD: SettingsSyncAction.MediaQualitySetting
    HD: SettingsSyncAction.MediaQualitySetting
    STARTATLOGIN_FIELD_NUMBER: _ClassVar[int]
    MINIMIZETOTRAY_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    REPLACETEXTWITHEMOJI_FIELD_NUMBER: _ClassVar[int]
    BANNERNOTIFICATIONDISPLAYMODE_FIELD_NUMBER: _ClassVar[int]
    UNREADCOUNTERBADGEDISPLAYMODE_FIELD_NUMBER: _ClassVar[int]
    ISMESSAGESNOTIFICATIONENABLED_FIELD_NUMBER: _ClassVar[int]
    ISCALLSNOTIFICATIONENABLED_FIELD_NUMBER: _ClassVar[int]
    ISREACTIONSNOTIFICATIONENABLED_FIELD_NUMBER: _ClassVar[int]
    ISSTATUSREACTIONSNOTIFICATIONENABLED_FIELD_NUMBER: _ClassVar[int]
    ISTEXTPREVIEWFORNOTIFICATIONENABLED_FIELD_NUMBER: _ClassVar[int]
    DEFAULTNOTIFICATIONTONEID_FIELD_NUMBER: _ClassVar[int]
    GROUPDEFAULTNOTIFICATIONTONEID_FIELD_NUMBER: _ClassVar[int]
    APPTHEME_FIELD_NUMBER: _ClassVar[int]
    WALLPAPERID_FIELD_NUMBER: _ClassVar[int]
    ISDOODLEWALLPAPERENABLED_FIELD_NUMBER: _ClassVar[int]
    FONTSIZE_FIELD_NUMBER: _ClassVar[int]
    ISPHOTOSAUTODOWNLOADENABLED_FIELD_NUMBER: _ClassVar[int]
    ISAUDIOSAUTODOWNLOADENABLED_FIELD_NUMBER: _ClassVar[int]
    ISVIDEOSAUTODOWNLOADENABLED_FIELD_NUMBER: _ClassVar[int]
    ISDOCUMENTSAUTODOWNLOADENABLED_FIELD_NUMBER: _ClassVar[int]
    DISABLELINKPREVIEWS_FIELD_NUMBER: _ClassVar[int]
    NOTIFICATIONTONEID_FIELD_NUMBER: _ClassVar[int]
    MEDIAUPLOADQUALITY_FIELD_NUMBER: _ClassVar[int]
    ISSPELLCHECKENABLED_FIELD_NUMBER: _ClassVar[int]
    ISENTERTOSENDENABLED_FIELD_NUMBER: _ClassVar[int]
    ISGROUPMESSAGENOTIFICATIONENABLED_FIELD_NUMBER: _ClassVar[int]
    ISGROUPREACTIONSNOTIFICATIONENABLED_FIELD_NUMBER: _ClassVar[int]
    ISSTATUSNOTIFICATIONENABLED_FIELD_NUMBER: _ClassVar[int]
    STATUSNOTIFICATIONTONEID_FIELD_NUMBER: _ClassVar[int]
    SHOULDPLAYSOUNDFORCALLNOTIFICATION_FIELD_NUMBER: _ClassVar[int]
    CHATTHEMEID_FIELD_NUMBER: _ClassVar[int]
    COLORSCHEMEID_FIELD_NUMBER: _ClassVar[int]
    STOCKWALLPAPERIMAGEID_FIELD_NUMBER: _ClassVar[int]
    startAtLogin: bool
    minimizeToTray: bool
    language: str
    replaceTextWithEmoji: bool
    bannerNotificationDisplayMode: SettingsSyncAction.DisplayMode
    unreadCounterBadgeDisplayMode: SettingsSyncAction.DisplayMode
    isMessagesNotificationEnabled: bool
    isCallsNotificationEnabled: bool
    isReactionsNotificationEnabled: bool
    isStatusReactionsNotificationEnabled: bool
    isTextPreviewForNotificationEnabled: bool
    defaultNotificationToneId: int
    groupDefaultNotificationToneId: int
    appTheme: int
    wallpaperId: int
    isDoodleWallpaperEnabled: bool
    fontSize: int
    isPhotosAutodownloadEnabled: bool
    isAudiosAutodownloadEnabled: bool
    isVideosAutodownloadEnabled: bool
    isDocumentsAutodownloadEnabled: bool
    disableLinkPreviews: bool
    notificationToneId: int
    mediaUploadQuality: SettingsSyncAction.MediaQualitySetting
    isSpellCheckEnabled: bool
    isEnterToSendEnabled: bool
    isGroupMessageNotificationEnabled: bool
    isGroupReactionsNotificationEnabled: bool
    isStatusNotificationEnabled: bool
    statusNotificationToneId: int
    shouldPlaySoundForCallNotification: bool
    chatThemeId: str
    colorSchemeId: str
    stockWallpaperImageId: str
    def __init__(self, startAtLogin: _Optional[bool] = ..., minimizeToTray: _Optional[bool] = ..., language: _Optional[str] = ..., replaceTextWithEmoji: _Optional[bool] = ..., bannerNotificationDisplayMode: _Optional[_Union[SettingsSyncAction.DisplayMode, str]] = ..., unreadCounterBadgeDisplayMode: _Optional[_Union[SettingsSyncAction.DisplayMode, str]] = ..., isMessagesNotificationEnabled: _Optional[bool] = ..., isCallsNotificationEnabled: _Optional[bool] = ..., isReactionsNotificationEnabled: _Optional[bool] = ..., isStatusReactionsNotificationEnabled: _Optional[bool] = ..., isTextPreviewForNotificationEnabled: _Optional[bool] = ..., defaultNotificationToneId: _Optional[int] = ..., groupDefaultNotificationToneId: _Optional[int] = ..., appTheme: _Optional[int] = ..., wallpaperId: _Optional[int] = ..., isDoodleWallpaperEnabled: _Optional[bool] = ..., fontSize: _Optional[int] = ..., isPhotosAutodownloadEnabled: _Optional[bool] = ..., isAudiosAutodownloadEnabled: _Optional[bool] = ..., isVideosAutodownloadEnabled: _Optional[bool] = ..., isDocumentsAutodownloadEnabled: _Optional[bool] = ..., disableLinkPreviews: _Optional[bool] = ..., notificationToneId: _Optional[int] = ..., mediaUploadQuality: _Optional[_Union[SettingsSyncAction.MediaQualitySetting, str]] = ..., isSpellCheckEnabled: _Optional[bool] = ..., isEnterToSendEnabled: _Optional[bool] = ..., isGroupMessageNotificationEnabled: _Optional[bool] = ..., isGroupReactionsNotificationEnabled: _Optional[bool] = ..., isStatusNotificationEnabled: _Optional[bool] = ..., statusNotificationToneId: _Optional[int] = ..., shouldPlaySoundForCallNotification: _Optional[bool] = ..., chatThemeId: _Optional[str] = ..., colorSchemeId: _Optional[str] = ..., stockWallpaperImageId: _Optional[str] = ...) -> None: ...

class SharedDeviceAllowlistAction(_message.Message):
    __slots__ = ("allowed",)
    ALLOWED_FIELD_NUMBER: _ClassVar[int]
    allowed: bool
    def __init__(self, allowed: _Optional[bool] = ...) -> None: ...

class SnapshotRecovery(_message.Message):
    __slots__ = ()
    class SyncdVersion(_message.Message):
        __slots__ = ("version",)
        VERSION_FIELD_NUMBER: _ClassVar[int]
        version: int
        def __init__(self, version: _Optional[int] = ...) -> None: ...
    def __init__(self) -> None: ...

class StarAction(_message.Message):
    __slots__ = ("starred",)
    STARRED_FIELD_NUMBER: _ClassVar[int]
    starred: bool
    def __init__(self, starred: _Optional[bool] = ...) -> None: ...

class StatusPostOptInNotificationPreferencesAction(_message.Message):
    __slots__ = ("enabled",)
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    enabled: bool
    def __init__(self, enabled: _Optional[bool] = ...) -> None: ...

class StatusPrivacyAction(_message.Message):
    __slots__ = ("mode", "userJid", "shareToFb", "shareToIg", "customLists", "modes")
    class StatusDistributionMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ALLOW_LIST: _ClassVar[StatusPrivacyAction.StatusDistributionMode]
        DENY_LIST: _ClassVar[StatusPrivacyAction.StatusDistributionMode]
        CONTACTS: _ClassVar[StatusPrivacyAction.StatusDistributionMode]
        CLOSE_FRIENDS: _ClassVar[StatusPrivacyAction.StatusDistributionMode]
        CUSTOM_LIST: _ClassVar[StatusPrivacyAction.StatusDistributionMode]
    ALLOW_LIST: StatusPrivacyAction.StatusDistributionMode
    DENY_LIST: StatusPrivacyAction.StatusDistributionMode
    CONTACTS: StatusPrivacyAction.StatusDistributionMode
    CLOSE_FRIENDS: StatusPrivacyAction.StatusDistributionMode
    CUSTOM_LIST: StatusPrivacyAction.StatusDistributionMode
    class CustomList(_message.Message):
        __slots__ = ("listId", "name", "emoji", "isSelected", "userJid")
        LISTID_FIELD_NUMBER: _ClassVar[int]
        NAME_FIELD_NUMBER: _ClassVar[int]
        EMOJI_FIELD_NUMBER: _ClassVar[int]
        ISSELECTED_FIELD_NUMBER: _ClassVar[int]
        USERJID_FIELD_NUMBER: _ClassVar[int]
        listId: str
        name: str
        emoji: str
        isSelected: bool
        userJid: _containers.RepeatedScalarFieldContainer[str]
        def __init__(self, listId: _Optional[str] = ..., name: _Optional[str] = ..., emoji: _Optional[str] = ..., isSelected: _Optional[bool] = ..., userJid: _Optional[_Iterable[str]] = ...) -> None: ...
    MODE_FIELD_NUMBER: _ClassVar[int]
    USERJID_FIELD_NUMBER: _ClassVar[int]
    SHARETOFB_FIELD_NUMBER: _ClassVar[int]
    SHARETOIG_FIELD_NUMBER: _ClassVar[int]
    CUSTOMLISTS_FIELD_NUMBER: _ClassVar[int]
    MODES_FIELD_NUMBER: _ClassVar[int]
    mode: StatusPrivacyAction.StatusDistributionMode
    userJid: _containers.RepeatedScalarFieldContainer[str]
    shareToFb: bool
    shareToIg: bool
    customLists: _containers.RepeatedCompositeFieldContainer[StatusPrivacyAction.CustomList]
    modes: _containers.RepeatedScalarFieldContainer[StatusPrivacyAction.StatusDistributionMode]
    def __init__(self, mode: _Optional[_Union[StatusPrivacyAction.StatusDistributionMode, str]] = ..., userJid: _Optional[_Iterable[str]] = ..., shareToFb: _Optional[bool] = ..., shareToIg: _Optional[bool] = ..., customLists: _Optional[_Iterable[_Union[StatusPrivacyAction.CustomList, _Mapping]]] = ..., modes: _Optional[_Iterable[_Union[StatusPrivacyAction.StatusDistributionMode, str]]] = ...) -> None: ...

class StickerAction(_message.Message):
    __slots__ = ("url", "fileEncSha256", "mediaKey", "mimetype", "height", "width", "directPath", "fileLength", "isFavorite", "deviceIdHint", "isLottie", "imageHash", "isAvatarSticker")
    URL_FIELD_NUMBER: _ClassVar[int]
    FILEENCSHA256_FIELD_NUMBER: _ClassVar[int]
    MEDIAKEY_FIELD_NUMBER: _ClassVar[int]
    MIMETYPE_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    DIRECTPATH_FIELD_NUMBER: _ClassVar[int]
    FILELENGTH_FIELD_NUMBER: _ClassVar[int]
    ISFAVORITE_FIELD_NUMBER: _ClassVar[int]
    DEVICEIDHINT_FIELD_NUMBER: _ClassVar[int]
    ISLOTTIE_FIELD_NUMBER: _ClassVar[int]
    IMAGEHASH_FIELD_NUMBER: _ClassVar[int]
    ISAVATARSTICKER_FIELD_NUMBER: _ClassVar[int]
    url: str
    fileEncSha256: bytes
    mediaKey: bytes
    mimetype: str
    height: int
    width: int
    directPath: str
    fileLength: int
    isFavorite: bool
    deviceIdHint: int
    isLottie: bool
    imageHash: str
    isAvatarSticker: bool
    def __init__(self, url: _Optional[str] = ..., fileEncSha256: _Optional[bytes] = ..., mediaKey: _Optional[bytes] = ..., mimetype: _Optional[str] = ..., height: _Optional[int] = ..., width: _Optional[int] = ..., directPath: _Optional[str] = ..., fileLength: _Optional[int] = ..., isFavorite: _Optional[bool] = ..., deviceIdHint: _Optional[int] = ..., isLottie: _Optional[bool] = ..., imageHash: _Optional[str] = ..., isAvatarSticker: _Optional[bool] = ...) -> None: ...

class SubscriptionAction(_message.Message):
    __slots__ = ("isDeactivated", "isAutoRenewing", "expirationDate")
    ISDEACTIVATED_FIELD_NUMBER: _ClassVar[int]
    ISAUTORENEWING_FIELD_NUMBER: _ClassVar[int]
    EXPIRATIONDATE_FIELD_NUMBER: _ClassVar[int]
    isDeactivated: bool
    isAutoRenewing: bool
    expirationDate: int
    def __init__(self, isDeactivated: _Optional[bool] = ..., isAutoRenewing: _Optional[bool] = ..., expirationDate: _Optional[int] = ...) -> None: ...

class SubscriptionsSyncV2Action(_message.Message):
    __slots__ = ("subscriptions", "paidFeature")
    class PaidFeature(_message.Message):
        __slots__ = ("name", "enabled", "limit", "expirationTime")
        NAME_FIELD_NUMBER: _ClassVar[int]
        ENABLED_FIELD_NUMBER: _ClassVar[int]
        LIMIT_FIELD_NUMBER: _ClassVar[int]
        EXPIRATIONTIME_FIELD_NUMBER: _ClassVar[int]
        name: str
        enabled: bool
        limit: int
        expirationTime: int
        def __init__(self, name: _Optional[str] = ..., enabled: _Optional[bool] = ..., limit: _Optional[int] = ..., expirationTime: _Optional[int] = ...) -> None: ...
    class SubscriptionInfo(_message.Message):
        __slots__ = ("id", "tier", "status", "startTime", "endTime", "isPlatformChanged", "source", "creationTime")
        ID_FIELD_NUMBER: _ClassVar[int]
        TIER_FIELD_NUMBER: _ClassVar[int]
        STATUS_FIELD_NUMBER: _ClassVar[int]
        STARTTIME_FIELD_NUMBER: _ClassVar[int]
        ENDTIME_FIELD_NUMBER: _ClassVar[int]
        ISPLATFORMCHANGED_FIELD_NUMBER: _ClassVar[int]
        SOURCE_FIELD_NUMBER: _ClassVar[int]
        CREATIONTIME_FIELD_NUMBER: _ClassVar[int]
        id: str
        tier: int
        status: str
        startTime: int
        endTime: int
        isPlatformChanged: bool
        source: str
        creationTime: int
        def __init__(self, id: _Optional[str] = ..., tier: _Optional[int] = ..., status: _Optional[str] = ..., startTime: _Optional[int] = ..., endTime: _Optional[int] = ..., isPlatformChanged: _Optional[bool] = ..., source: _Optional[str] = ..., creationTime: _Optional[int] = ...) -> None: ...
    SUBSCRIPTIONS_FIELD_NUMBER: _ClassVar[int]
    PAIDFEATURE_FIELD_NUMBER: _ClassVar[int]
    subscriptions: _containers.RepeatedCompositeFieldContainer[SubscriptionsSyncV2Action.SubscriptionInfo]
    paidFeature: _containers.RepeatedCompositeFieldContainer[SubscriptionsSyncV2Action.PaidFeature]
    def __init__(self, subscriptions: _Optional[_Iterable[_Union[SubscriptionsSyncV2Action.SubscriptionInfo, _Mapping]]] = ..., paidFeature: _Optional[_Iterable[_Union[SubscriptionsSyncV2Action.PaidFeature, _Mapping]]] = ...) -> None: ...

class SyncActionData(_message.Message):
    __slots__ = ("index", "value", "padding", "version")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    PADDING_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    index: bytes
    value: SyncActionValue
    padding: bytes
    version: int
    def __init__(self, index: _Optional[bytes] = ..., value: _Optional[_Union[SyncActionValue, _Mapping]] = ..., padding: _Optional[bytes] = ..., version: _Optional[int] = ...) -> None: ...

class SyncActionMessage(_message.Message):
    __slots__ = ("key", "timestamp")
    KEY_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    key: _e2e_pb2.MessageKey
    timestamp: int
    def __init__(self, key: _Optional[_Union[_e2e_pb2.MessageKey, _Mapping]] = ..., timestamp: _Optional[int] = ...) -> None: ...

class SyncActionMessageRange(_message.Message):
    __slots__ = ("lastMessageTimestamp", "lastSystemMessageTimestamp", "messages")
    LASTMESSAGETIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    LASTSYSTEMMESSAGETIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    lastMessageTimestamp: int
    lastSystemMessageTimestamp: int
    messages: _containers.RepeatedCompositeFieldContainer[SyncActionMessage]
    def __init__(self, lastMessageTimestamp: _Optional[int] = ..., lastSystemMessageTimestamp: _Optional[int] = ..., messages: _Optional[_Iterable[_Union[SyncActionMessage, _Mapping]]] = ...) -> None: ...

class SyncActionValue(_message.Message):
    __slots__ = ("timestamp", "starAction", "contactAction", "muteAction", "pinAction", "pushNameSetting", "quickReplyAction", "recentEmojiWeightsAction", "labelEditAction", "labelAssociationAction", "localeSetting", "archiveChatAction", "deleteMessageForMeAction", "keyExpiration", "markChatAsReadAction", "clearChatAction", "deleteChatAction", "unarchiveChatsSetting", "primaryFeature", "androidUnsupportedActions", "agentAction", "subscriptionAction", "userStatusMuteAction", "timeFormatAction", "nuxAction", "primaryVersionAction", "stickerAction", "removeRecentStickerAction", "chatAssignment", "chatAssignmentOpenedStatus", "pnForLidChatAction", "marketingMessageAction", "marketingMessageBroadcastAction", "externalWebBetaAction", "privacySettingRelayAllCalls", "callLogAction", "ugcBot", "statusPrivacy", "deleteIndividualCallLog", "labelReorderingAction", "paymentInfoAction", "customPaymentMethodsAction", "lockChatAction", "chatLockSettings", "wamoUserIdentifierAction", "privacySettingDisableLinkPreviewsAction", "deviceCapabilities", "noteEditAction", "favoritesAction", "merchantPaymentPartnerAction", "waffleAccountLinkStateAction", "usernameChatStartMode", "notificationActivitySettingAction", "lidContactAction", "ctwaPerCustomerDataSharingAction", "paymentTosAction", "privacySettingChannelsPersonalisedRecommendationAction", "detectedOutcomesStatusAction", "maibaAiFeaturesControlAction", "musicUserIdAction", "statusPostOptInNotificationPreferencesAction", "avatarUpdatedAction", "privateProcessingSettingAction", "newsletterSavedInterestsAction", "aiThreadRenameAction", "interactiveMessageAction", "settingsSyncAction", "outContactAction", "nctSaltSyncAction", "customerDataAction", "subscriptionsSyncV2Action", "threadPinAction", "autoOrganizeBusinessChatSetting", "bizAiSettingsNudgeAction", "coexV2VersionAction", "wasaRootSecretAction", "bubbleLockMessageAction", "labelSublistAction", "deviceCapabilitiesV2", "ctwaMessageReceivedAction", "sharedDeviceAllowlistAction", "contactManagerMetadataAction", "businessFolderActivationAction")
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    STARACTION_FIELD_NUMBER: _ClassVar[int]
    CONTACTACTION_FIELD_NUMBER: _ClassVar[int]
    MUTEACTION_FIELD_NUMBER: _ClassVar[int]
    PINACTION_FIELD_NUMBER: _ClassVar[int]
    PUSHNAMESETTING_FIELD_NUMBER: _ClassVar[int]
    QUICKREPLYACTION_FIELD_NUMBER: _ClassVar[int]
    RECENTEMOJIWEIGHTSACTION_FIELD_NUMBER: _ClassVar[int]
    LABELEDITACTION_FIELD_NUMBER: _ClassVar[int]
    LABELASSOCIATIONACTION_FIELD_NUMBER: _ClassVar[int]
    LOCALESETTING_FIELD_NUMBER: _ClassVar[int]
    ARCHIVECHATACTION_FIELD_NUMBER: _ClassVar[int]
    DELETEMESSAGEFORMEACTION_FIELD_NUMBER: _ClassVar[int]
    KEYEXPIRATION_FIELD_NUMBER: _ClassVar[int]
    MARKCHATASREADACTION_FIELD_NUMBER: _ClassVar[int]
    CLEARCHATACTION_FIELD_NUMBER: _ClassVar[int]
    DELETECHATACTION_FIELD_NUMBER: _ClassVar[int]
    UNARCHIVECHATSSETTING_FIELD_NUMBER: _ClassVar[int]
    PRIMARYFEATURE_FIELD_NUMBER: _ClassVar[int]
    ANDROIDUNSUPPORTEDACTIONS_FIELD_NUMBER: _ClassVar[int]
    AGENTACTION_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIPTIONACTION_FIELD_NUMBER: _ClassVar[int]
    USERSTATUSMUTEACTION_FIELD_NUMBER: _ClassVar[int]
    TIMEFORMATACTION_FIELD_NUMBER: _ClassVar[int]
    NUXACTION_FIELD_NUMBER: _ClassVar[int]
    PRIMARYVERSIONACTION_FIELD_NUMBER: _ClassVar[int]
    STICKERACTION_FIELD_NUMBER: _ClassVar[int]
    REMOVERECENTSTICKERACTION_FIELD_NUMBER: _ClassVar[int]
    CHATASSIGNMENT_FIELD_NUMBER: _ClassVar[int]
    CHATASSIGNMENTOPENEDSTATUS_FIELD_NUMBER: _ClassVar[int]
    PNFORLIDCHATACTION_FIELD_NUMBER: _ClassVar[int]
    MARKETINGMESSAGEACTION_FIELD_NUMBER: _ClassVar[int]
    MARKETINGMESSAGEBROADCASTACTION_FIELD_NUMBER: _ClassVar[int]
    EXTERNALWEBBETAACTION_FIELD_NUMBER: _ClassVar[int]
    PRIVACYSETTINGRELAYALLCALLS_FIELD_NUMBER: _ClassVar[int]
    CALLLOGACTION_FIELD_NUMBER: _ClassVar[int]
    UGCBOT_FIELD_NUMBER: _ClassVar[int]
    STATUSPRIVACY_FIELD_NUMBER: _ClassVar[int]
    DELETEINDIVIDUALCALLLOG_FIELD_NUMBER: _ClassVar[int]
    LABELREORDERINGACTION_FIELD_NUMBER: _ClassVar[int]
    PAYMENTINFOACTION_FIELD_NUMBER: _ClassVar[int]
    CUSTOMPAYMENTMETHODSACTION_FIELD_NUMBER: _ClassVar[int]
    LOCKCHATACTION_FIELD_NUMBER: _ClassVar[int]
    CHATLOCKSETTINGS_FIELD_NUMBER: _ClassVar[int]
    WAMOUSERIDENTIFIERACTION_FIELD_NUMBER: _ClassVar[int]
    PRIVACYSETTINGDISABLELINKPREVIEWSACTION_FIELD_NUMBER: _ClassVar[int]
    DEVICECAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    NOTEEDITACTION_FIELD_NUMBER: _ClassVar[int]
    FAVORITESACTION_FIELD_NUMBER: _ClassVar[int]
    MERCHANTPAYMENTPARTNERACTION_FIELD_NUMBER: _ClassVar[int]
    WAFFLEACCOUNTLINKSTATEACTION_FIELD_NUMBER: _ClassVar[int]
    USERNAMECHATSTARTMODE_FIELD_NUMBER: _ClassVar[int]
    NOTIFICATIONACTIVITYSETTINGACTION_FIELD_NUMBER: _ClassVar[int]
    LIDCONTACTACTION_FIELD_NUMBER: _ClassVar[int]
    CTWAPERCUSTOMERDATASHARINGACTION_FIELD_NUMBER: _ClassVar[int]
    PAYMENTTOSACTION_FIELD_NUMBER: _ClassVar[int]
    PRIVACYSETTINGCHANNELSPERSONALISEDRECOMMENDATIONACTION_FIELD_NUMBER: _ClassVar[int]
    DETECTEDOUTCOMESSTATUSACTION_FIELD_NUMBER: _ClassVar[int]
    MAIBAAIFEATURESCONTROLACTION_FIELD_NUMBER: _ClassVar[int]
    MUSICUSERIDACTION_FIELD_NUMBER: _ClassVar[int]
    STATUSPOSTOPTINNOTIFICATIONPREFERENCESACTION_FIELD_NUMBER: _ClassVar[int]
    AVATARUPDATEDACTION_FIELD_NUMBER: _ClassVar[int]
    PRIVATEPROCESSINGSETTINGACTION_FIELD_NUMBER: _ClassVar[int]
    NEWSLETTERSAVEDINTERESTSACTION_FIELD_NUMBER: _ClassVar[int]
    AITHREADRENAMEACTION_FIELD_NUMBER: _ClassVar[int]
    INTERACTIVEMESSAGEACTION_FIELD_NUMBER: _ClassVar[int]
    SETTINGSSYNCACTION_FIELD_NUMBER: _ClassVar[int]
    OUTCONTACTACTION_FIELD_NUMBER: _ClassVar[int]
    NCTSALTSYNCACTION_FIELD_NUMBER: _ClassVar[int]
    CUSTOMERDATAACTION_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIPTIONSSYNCV2ACTION_FIELD_NUMBER: _ClassVar[int]
    THREADPINACTION_FIELD_NUMBER: _ClassVar[int]
    AUTOORGANIZEBUSINESSCHATSETTING_FIELD_NUMBER: _ClassVar[int]
    BIZAISETTINGSNUDGEACTION_FIELD_NUMBER: _ClassVar[int]
    COEXV2VERSIONACTION_FIELD_NUMBER: _ClassVar[int]
    WASAROOTSECRETACTION_FIELD_NUMBER: _ClassVar[int]
    BUBBLELOCKMESSAGEACTION_FIELD_NUMBER: _ClassVar[int]
    LABELSUBLISTACTION_FIELD_NUMBER: _ClassVar[int]
    DEVICECAPABILITIESV2_FIELD_NUMBER: _ClassVar[int]
    CTWAMESSAGERECEIVEDACTION_FIELD_NUMBER: _ClassVar[int]
    SHAREDDEVICEALLOWLISTACTION_FIELD_NUMBER: _ClassVar[int]
    CONTACTMANAGERMETADATAACTION_FIELD_NUMBER: _ClassVar[int]
    BUSINESSFOLDERACTIVATIONACTION_FIELD_NUMBER: _ClassVar[int]
    timestamp: int
    starAction: StarAction
    contactAction: ContactAction
    muteAction: MuteAction
    pinAction: PinAction
    pushNameSetting: PushNameSetting
    quickReplyAction: QuickReplyAction
    recentEmojiWeightsAction: RecentEmojiWeightsAction
    labelEditAction: LabelEditAction
    labelAssociationAction: LabelAssociationAction
    localeSetting: LocaleSetting
    archiveChatAction: ArchiveChatAction
    deleteMessageForMeAction: DeleteMessageForMeAction
    keyExpiration: KeyExpiration
    markChatAsReadAction: MarkChatAsReadAction
    clearChatAction: ClearChatAction
    deleteChatAction: DeleteChatAction
    unarchiveChatsSetting: UnarchiveChatsSetting
    primaryFeature: PrimaryFeature
    androidUnsupportedActions: AndroidUnsupportedActions
    agentAction: AgentAction
    subscriptionAction: SubscriptionAction
    userStatusMuteAction: UserStatusMuteAction
    timeFormatAction: TimeFormatAction
    nuxAction: NuxAction
    primaryVersionAction: PrimaryVersionAction
    stickerAction: StickerAction
    removeRecentStickerAction: RemoveRecentStickerAction
    chatAssignment: ChatAssignmentAction
    chatAssignmentOpenedStatus: ChatAssignmentOpenedStatusAction
    pnForLidChatAction: PnForLidChatAction
    marketingMessageAction: MarketingMessageAction
    marketingMessageBroadcastAction: MarketingMessageBroadcastAction
    externalWebBetaAction: ExternalWebBetaAction
    privacySettingRelayAllCalls: PrivacySettingRelayAllCalls
    callLogAction: CallLogAction
    ugcBot: UGCBot
    statusPrivacy: StatusPrivacyAction
    deleteIndividualCallLog: DeleteIndividualCallLogAction
    labelReorderingAction: LabelReorderingAction
    paymentInfoAction: PaymentInfoAction
    customPaymentMethodsAction: CustomPaymentMethodsAction
    lockChatAction: LockChatAction
    chatLockSettings: _history_pb2.ChatLockSettings
    wamoUserIdentifierAction: WamoUserIdentifierAction
    privacySettingDisableLinkPreviewsAction: PrivacySettingDisableLinkPreviewsAction
    deviceCapabilities: DeviceCapabilities
    noteEditAction: NoteEditAction
    favoritesAction: FavoritesAction
    merchantPaymentPartnerAction: MerchantPaymentPartnerAction
    waffleAccountLinkStateAction: WaffleAccountLinkStateAction
    usernameChatStartMode: UsernameChatStartModeAction
    notificationActivitySettingAction: NotificationActivitySettingAction
    lidContactAction: LidContactAction
    ctwaPerCustomerDataSharingAction: CtwaPerCustomerDataSharingAction
    paymentTosAction: PaymentTosAction
    privacySettingChannelsPersonalisedRecommendationAction: PrivacySettingChannelsPersonalisedRecommendationAction
    detectedOutcomesStatusAction: DetectedOutcomesStatusAction
    maibaAiFeaturesControlAction: MaibaAIFeaturesControlAction
    musicUserIdAction: MusicUserIdAction
    statusPostOptInNotificationPreferencesAction: StatusPostOptInNotificationPreferencesAction
    avatarUpdatedAction: AvatarUpdatedAction
    privateProcessingSettingAction: PrivateProcessingSettingAction
    newsletterSavedInterestsAction: NewsletterSavedInterestsAction
    aiThreadRenameAction: AiThreadRenameAction
    interactiveMessageAction: InteractiveMessageAction
    settingsSyncAction: SettingsSyncAction
    outContactAction: OutContactAction
    nctSaltSyncAction: NctSaltSyncAction
    customerDataAction: CustomerDataAction
    subscriptionsSyncV2Action: SubscriptionsSyncV2Action
    threadPinAction: ThreadPinAction
    autoOrganizeBusinessChatSetting: AutoOrganizeBusinessChatSetting
    bizAiSettingsNudgeAction: BizAISettingsNudgeAction
    coexV2VersionAction: CoexV2VersionAction
    wasaRootSecretAction: WASARootSecretAction
    bubbleLockMessageAction: BubbleLockMessageAction
    labelSublistAction: LabelSublistAction
    deviceCapabilitiesV2: DeviceCapabilities
    ctwaMessageReceivedAction: CtwaMessageReceivedAction
    sharedDeviceAllowlistAction: SharedDeviceAllowlistAction
    contactManagerMetadataAction: ContactManagerMetadataAction
    businessFolderActivationAction: BusinessFolderActivationAction
    def __init__(self, timestamp: _Optional[int] = ..., starAction: _Optional[_Union[StarAction, _Mapping]] = ..., contactAction: _Optional[_Union[ContactAction, _Mapping]] = ..., muteAction: _Optional[_Union[MuteAction, _Mapping]] = ..., pinAction: _Optional[_Union[PinAction, _Mapping]] = ..., pushNameSetting: _Optional[_Union[PushNameSetting, _Mapping]] = ..., quickReplyAction: _Optional[_Union[QuickReplyAction, _Mapping]] = ..., recentEmojiWeightsAction: _Optional[_Union[RecentEmojiWeightsAction, _Mapping]] = ..., labelEditAction: _Optional[_Union[LabelEditAction, _Mapping]] = ..., labelAssociationAction: _Optional[_Union[LabelAssociationAction, _Mapping]] = ..., localeSetting: _Optional[_Union[LocaleSetting, _Mapping]] = ..., archiveChatAction: _Optional[_Union[ArchiveChatAction, _Mapping]] = ..., deleteMessageForMeAction: _Optional[_Union[DeleteMessageForMeAction, _Mapping]] = ..., keyExpiration: _Optional[_Union[KeyExpiration, _Mapping]] = ..., markChatAsReadAction: _Optional[_Union[MarkChatAsReadAction, _Mapping]] = ..., clearChatAction: _Optional[_Union[ClearChatAction, _Mapping]] = ..., deleteChatAction: _Optional[_Union[DeleteChatAction, _Mapping]] = ..., unarchiveChatsSetting: _Optional[_Union[UnarchiveChatsSetting, _Mapping]] = ..., primaryFeature: _Optional[_Union[PrimaryFeature, _Mapping]] = ..., androidUnsupportedActions: _Optional[_Union[AndroidUnsupportedActions, _Mapping]] = ..., agentAction: _Optional[_Union[AgentAction, _Mapping]] = ..., subscriptionAction: _Optional[_Union[SubscriptionAction, _Mapping]] = ..., userStatusMuteAction: _Optional[_Union[UserStatusMuteAction, _Mapping]] = ..., timeFormatAction: _Optional[_Union[TimeFormatAction, _Mapping]] = ..., nuxAction: _Optional[_Union[NuxAction, _Mapping]] = ..., primaryVersionAction: _Optional[_Union[PrimaryVersionAction, _Mapping]] = ..., stickerAction: _Optional[_Union[StickerAction, _Mapping]] = ..., removeRecentStickerAction: _Optional[_Union[RemoveRecentStickerAction, _Mapping]] = ..., chatAssignment: _Optional[_Union[ChatAssignmentAction, _Mapping]] = ..., chatAssignmentOpenedStatus: _Optional[_Union[ChatAssignmentOpenedStatusAction, _Mapping]] = ..., pnForLidChatAction: _Optional[_Union[PnForLidChatAction, _Mapping]] = ..., marketingMessageAction: _Optional[_Union[MarketingMessageAction, _Mapping]] = ..., marketingMessageBroadcastAction: _Optional[_Union[MarketingMessageBroadcastAction, _Mapping]] = ..., externalWebBetaAction: _Optional[_Union[ExternalWebBetaAction, _Mapping]] = ..., privacySettingRelayAllCalls: _Optional[_Union[PrivacySettingRelayAllCalls, _Mapping]] = ..., callLogAction: _Optional[_Union[CallLogAction, _Mapping]] = ..., ugcBot: _Optional[_Union[UGCBot, _Mapping]] = ..., statusPrivacy: _Optional[_Union[StatusPrivacyAction, _Mapping]] = ..., deleteIndividualCallLog: _Optional[_Union[DeleteIndividualCallLogAction, _Mapping]] = ..., labelReorderingAction: _Optional[_Union[LabelReorderingAction, _Mapping]] = ..., paymentInfoAction: _Optional[_Union[PaymentInfoAction, _Mapping]] = ..., customPaymentMethodsAction: _Optional[_Union[CustomPaymentMethodsAction, _Mapping]] = ..., lockChatAction: _Optional[_Union[LockChatAction, _Mapping]] = ..., chatLockSettings: _Optional[_Union[_history_pb2.ChatLockSettings, _Mapping]] = ..., wamoUserIdentifierAction: _Optional[_Union[WamoUserIdentifierAction, _Mapping]] = ..., privacySettingDisableLinkPreviewsAction: _Optional[_Union[PrivacySettingDisableLinkPreviewsAction, _Mapping]] = ..., deviceCapabilities: _Optional[_Union[DeviceCapabilities, _Mapping]] = ..., noteEditAction: _Optional[_Union[NoteEditAction, _Mapping]] = ..., favoritesAction: _Optional[_Union[FavoritesAction, _Mapping]] = ..., merchantPaymentPartnerAction: _Optional[_Union[MerchantPaymentPartnerAction, _Mapping]] = ..., waffleAccountLinkStateAction: _Optional[_Union[WaffleAccountLinkStateAction, _Mapping]] = ..., usernameChatStartMode: _Optional[_Union[UsernameChatStartModeAction, _Mapping]] = ..., notificationActivitySettingAction: _Optional[_Union[NotificationActivitySettingAction, _Mapping]] = ..., lidContactAction: _Optional[_Union[LidContactAction, _Mapping]] = ..., ctwaPerCustomerDataSharingAction: _Optional[_Union[CtwaPerCustomerDataSharingAction, _Mapping]] = ..., paymentTosAction: _Optional[_Union[PaymentTosAction, _Mapping]] = ..., privacySettingChannelsPersonalisedRecommendationAction: _Optional[_Union[PrivacySettingChannelsPersonalisedRecommendationAction, _Mapping]] = ..., detectedOutcomesStatusAction: _Optional[_Union[DetectedOutcomesStatusAction, _Mapping]] = ..., maibaAiFeaturesControlAction: _Optional[_Union[MaibaAIFeaturesControlAction, _Mapping]] = ..., musicUserIdAction: _Optional[_Union[MusicUserIdAction, _Mapping]] = ..., statusPostOptInNotificationPreferencesAction: _Optional[_Union[StatusPostOptInNotificationPreferencesAction, _Mapping]] = ..., avatarUpdatedAction: _Optional[_Union[AvatarUpdatedAction, _Mapping]] = ..., privateProcessingSettingAction: _Optional[_Union[PrivateProcessingSettingAction, _Mapping]] = ..., newsletterSavedInterestsAction: _Optional[_Union[NewsletterSavedInterestsAction, _Mapping]] = ..., aiThreadRenameAction: _Optional[_Union[AiThreadRenameAction, _Mapping]] = ..., interactiveMessageAction: _Optional[_Union[InteractiveMessageAction, _Mapping]] = ..., settingsSyncAction: _Optional[_Union[SettingsSyncAction, _Mapping]] = ..., outContactAction: _Optional[_Union[OutContactAction, _Mapping]] = ..., nctSaltSyncAction: _Optional[_Union[NctSaltSyncAction, _Mapping]] = ..., customerDataAction: _Optional[_Union[CustomerDataAction, _Mapping]] = ..., subscriptionsSyncV2Action: _Optional[_Union[SubscriptionsSyncV2Action, _Mapping]] = ..., threadPinAction: _Optional[_Union[ThreadPinAction, _Mapping]] = ..., autoOrganizeBusinessChatSetting: _Optional[_Union[AutoOrganizeBusinessChatSetting, _Mapping]] = ..., bizAiSettingsNudgeAction: _Optional[_Union[BizAISettingsNudgeAction, _Mapping]] = ..., coexV2VersionAction: _Optional[_Union[CoexV2VersionAction, _Mapping]] = ..., wasaRootSecretAction: _Optional[_Union[WASARootSecretAction, _Mapping]] = ..., bubbleLockMessageAction: _Optional[_Union[BubbleLockMessageAction, _Mapping]] = ..., labelSublistAction: _Optional[_Union[LabelSublistAction, _Mapping]] = ..., deviceCapabilitiesV2: _Optional[_Union[DeviceCapabilities, _Mapping]] = ..., ctwaMessageReceivedAction: _Optional[_Union[CtwaMessageReceivedAction, _Mapping]] = ..., sharedDeviceAllowlistAction: _Optional[_Union[SharedDeviceAllowlistAction, _Mapping]] = ..., contactManagerMetadataAction: _Optional[_Union[ContactManagerMetadataAction, _Mapping]] = ..., businessFolderActivationAction: _Optional[_Union[BusinessFolderActivationAction, _Mapping]] = ...) -> None: ...

class SyncdIndex(_message.Message):
    __slots__ = ("blob",)
    BLOB_FIELD_NUMBER: _ClassVar[int]
    blob: bytes
    def __init__(self, blob: _Optional[bytes] = ...) -> None: ...

class SyncdMutation(_message.Message):
    __slots__ = ("operation", "record")
    class SyncdOperation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SET: _ClassVar[SyncdMutation.SyncdOperation]
        REMOVE: _ClassVar[SyncdMutation.SyncdOperation]
    SET: SyncdMutation.SyncdOperation
    REMOVE: SyncdMutation.SyncdOperation
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    RECORD_FIELD_NUMBER: _ClassVar[int]
    operation: SyncdMutation.SyncdOperation
    record: SyncdRecord
    def __init__(self, operation: _Optional[_Union[SyncdMutation.SyncdOperation, str]] = ..., record: _Optional[_Union[SyncdRecord, _Mapping]] = ...) -> None: ...

class SyncdMutations(_message.Message):
    __slots__ = ("mutations",)
    MUTATIONS_FIELD_NUMBER: _ClassVar[int]
    mutations: _containers.RepeatedCompositeFieldContainer[SyncdMutation]
    def __init__(self, mutations: _Optional[_Iterable[_Union[SyncdMutation, _Mapping]]] = ...) -> None: ...

class SyncdPatch(_message.Message):
    __slots__ = ("version", "mutations", "externalMutations", "snapshotMac", "patchMac", "keyId", "exitCode", "deviceIndex", "clientDebugData")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    MUTATIONS_FIELD_NUMBER: _ClassVar[int]
    EXTERNALMUTATIONS_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOTMAC_FIELD_NUMBER: _ClassVar[int]
    PATCHMAC_FIELD_NUMBER: _ClassVar[int]
    KEYID_FIELD_NUMBER: _ClassVar[int]
    EXITCODE_FIELD_NUMBER: _ClassVar[int]
    DEVICEINDEX_FIELD_NUMBER: _ClassVar[int]
    CLIENTDEBUGDATA_FIELD_NUMBER: _ClassVar[int]
    version: SyncdVersion
    mutations: _containers.RepeatedCompositeFieldContainer[SyncdMutation]
    externalMutations: ExternalBlobReference
    snapshotMac: bytes
    patchMac: bytes
    keyId: KeyId
    exitCode: ExitCode
    deviceIndex: int
    clientDebugData: bytes
    def __init__(self, version: _Optional[_Union[SyncdVersion, _Mapping]] = ..., mutations: _Optional[_Iterable[_Union[SyncdMutation, _Mapping]]] = ..., externalMutations: _Optional[_Union[ExternalBlobReference, _Mapping]] = ..., snapshotMac: _Optional[bytes] = ..., patchMac: _Optional[bytes] = ..., keyId: _Optional[_Union[KeyId, _Mapping]] = ..., exitCode: _Optional[_Union[ExitCode, _Mapping]] = ..., deviceIndex: _Optional[int] = ..., clientDebugData: _Optional[bytes] = ...) -> None: ...

class SyncdPlainTextRecord(_message.Message):
    __slots__ = ("value", "keyId", "mac")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    KEYID_FIELD_NUMBER: _ClassVar[int]
    MAC_FIELD_NUMBER: _ClassVar[int]
    value: SyncActionData
    keyId: bytes
    mac: bytes
    def __init__(self, value: _Optional[_Union[SyncActionData, _Mapping]] = ..., keyId: _Optional[bytes] = ..., mac: _Optional[bytes] = ...) -> None: ...

class SyncdRecord(_message.Message):
    __slots__ = ("index", "value", "keyId")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    KEYID_FIELD_NUMBER: _ClassVar[int]
    index: SyncdIndex
    value: SyncdValue
    keyId: KeyId
    def __init__(self, index: _Optional[_Union[SyncdIndex, _Mapping]] = ..., value: _Optional[_Union[SyncdValue, _Mapping]] = ..., keyId: _Optional[_Union[KeyId, _Mapping]] = ...) -> None: ...

class SyncdSnapshot(_message.Message):
    __slots__ = ("version", "records", "mac", "keyId")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    MAC_FIELD_NUMBER: _ClassVar[int]
    KEYID_FIELD_NUMBER: _ClassVar[int]
    version: SyncdVersion
    records: _containers.RepeatedCompositeFieldContainer[SyncdRecord]
    mac: bytes
    keyId: KeyId
    def __init__(self, version: _Optional[_Union[SyncdVersion, _Mapping]] = ..., records: _Optional[_Iterable[_Union[SyncdRecord, _Mapping]]] = ..., mac: _Optional[bytes] = ..., keyId: _Optional[_Union[KeyId, _Mapping]] = ...) -> None: ...

class SyncdSnapshotRecovery(_message.Message):
    __slots__ = ("version", "collectionName", "mutationRecords", "collectionLthash")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    COLLECTIONNAME_FIELD_NUMBER: _ClassVar[int]
    MUTATIONRECORDS_FIELD_NUMBER: _ClassVar[int]
    COLLECTIONLTHASH_FIELD_NUMBER: _ClassVar[int]
    version: SnapshotRecovery.SyncdVersion
    collectionName: str
    mutationRecords: _containers.RepeatedCompositeFieldContainer[SyncdPlainTextRecord]
    collectionLthash: bytes
    def __init__(self, version: _Optional[_Union[SnapshotRecovery.SyncdVersion, _Mapping]] = ..., collectionName: _Optional[str] = ..., mutationRecords: _Optional[_Iterable[_Union[SyncdPlainTextRecord, _Mapping]]] = ..., collectionLthash: _Optional[bytes] = ...) -> None: ...

class SyncdValue(_message.Message):
    __slots__ = ("blob",)
    BLOB_FIELD_NUMBER: _ClassVar[int]
    blob: bytes
    def __init__(self, blob: _Optional[bytes] = ...) -> None: ...

class SyncdVersion(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: int
    def __init__(self, version: _Optional[int] = ...) -> None: ...

class ThreadPinAction(_message.Message):
    __slots__ = ("pinned",)
    PINNED_FIELD_NUMBER: _ClassVar[int]
    pinned: bool
    def __init__(self, pinned: _Optional[bool] = ...) -> None: ...

class TimeFormatAction(_message.Message):
    __slots__ = ("isTwentyFourHourFormatEnabled",)
    ISTWENTYFOURHOURFORMATENABLED_FIELD_NUMBER: _ClassVar[int]
    isTwentyFourHourFormatEnabled: bool
    def __init__(self, isTwentyFourHourFormatEnabled: _Optional[bool] = ...) -> None: ...

class UGCBot(_message.Message):
    __slots__ = ("definition",)
    DEFINITION_FIELD_NUMBER: _ClassVar[int]
    definition: bytes
    def __init__(self, definition: _Optional[bytes] = ...) -> None: ...

class UnarchiveChatsSetting(_message.Message):
    __slots__ = ("unarchiveChats",)
    UNARCHIVECHATS_FIELD_NUMBER: _ClassVar[int]
    unarchiveChats: bool
    def __init__(self, unarchiveChats: _Optional[bool] = ...) -> None: ...

class UserStatusMuteAction(_message.Message):
    __slots__ = ("muted",)
    MUTED_FIELD_NUMBER: _ClassVar[int]
    muted: bool
    def __init__(self, muted: _Optional[bool] = ...) -> None: ...

class UsernameChatStartModeAction(_message.Message):
    __slots__ = ("chatStartMode",)
    class ChatStartMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        LID: _ClassVar[UsernameChatStartModeAction.ChatStartMode]
        PN: _ClassVar[UsernameChatStartModeAction.ChatStartMode]
    LID: UsernameChatStartModeAction.ChatStartMode
    PN: UsernameChatStartModeAction.ChatStartMode
    CHATSTARTMODE_FIELD_NUMBER: _ClassVar[int]
    chatStartMode: UsernameChatStartModeAction.ChatStartMode
    def __init__(self, chatStartMode: _Optional[_Union[UsernameChatStartModeAction.ChatStartMode, str]] = ...) -> None: ...

class WASARootSecretAction(_message.Message):
    __slots__ = ("secrets",)
    class RootSecretEntry(_message.Message):
        __slots__ = ("id", "rootSecret", "epoch", "status")
        class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
            __slots__ = ()
            INACTIVE: _ClassVar[WASARootSecretAction.RootSecretEntry.Status]
            ACTIVE: _ClassVar[WASARootSecretAction.RootSecretEntry.Status]
        INACTIVE: WASARootSecretAction.RootSecretEntry.Status
        ACTIVE: WASARootSecretAction.RootSecretEntry.Status
        ID_FIELD_NUMBER: _ClassVar[int]
        ROOTSECRET_FIELD_NUMBER: _ClassVar[int]
        EPOCH_FIELD_NUMBER: _ClassVar[int]
        STATUS_FIELD_NUMBER: _ClassVar[int]
        id: str
        rootSecret: bytes
        epoch: int
        status: WASARootSecretAction.RootSecretEntry.Status
        def __init__(self, id: _Optional[str] = ..., rootSecret: _Optional[bytes] = ..., epoch: _Optional[int] = ..., status: _Optional[_Union[WASARootSecretAction.RootSecretEntry.Status, str]] = ...) -> None: ...
    SECRETS_FIELD_NUMBER: _ClassVar[int]
    secrets: _containers.RepeatedCompositeFieldContainer[WASARootSecretAction.RootSecretEntry]
    def __init__(self, secrets: _Optional[_Iterable[_Union[WASARootSecretAction.RootSecretEntry, _Mapping]]] = ...) -> None: ...

class WaffleAccountLinkStateAction(_message.Message):
    __slots__ = ("linkState",)
    class AccountLinkState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ACTIVE: _ClassVar[WaffleAccountLinkStateAction.AccountLinkState]
        PAUSED: _ClassVar[WaffleAccountLinkStateAction.AccountLinkState]
        UNLINKED: _ClassVar[WaffleAccountLinkStateAction.AccountLinkState]
    ACTIVE: WaffleAccountLinkStateAction.AccountLinkState
    PAUSED: WaffleAccountLinkStateAction.AccountLinkState
    UNLINKED: WaffleAccountLinkStateAction.AccountLinkState
    LINKSTATE_FIELD_NUMBER: _ClassVar[int]
    linkState: WaffleAccountLinkStateAction.AccountLinkState
    def __init__(self, linkState: _Optional[_Union[WaffleAccountLinkStateAction.AccountLinkState, str]] = ...) -> None: ...

class WamoUserIdentifierAction(_message.Message):
    __slots__ = ("identifier",)
    IDENTIFIER_FIELD_NUMBER: _ClassVar[int]
    identifier: str
    def __init__(self, identifier: _Optional[str] = ...) -> None: ...
