"""The client's introduction inside the handshake: ClientPayload for a new link and for a login (reference 01, 4)."""

from __future__ import annotations

from typing import Final

from protocol.creds import Account, Creds
from protocol.crypto.curve import DJB
from protocol.pb import login_pb2
from protocol.stanza.version import Version, build_hash

#: What the phone is asked to keep for us, in MB.
HISTORY_QUOTA_MB: Final = 10240
THUMBNAIL_DAYS: Final = 60
#: The version of the device, as the phone's list of linked devices may show it.
DEVICE_VERSION: Final = (0, 1, 0)

_PLATFORM: Final = login_pb2.DeviceProps.PlatformType
#: The client type of a QR code by DeviceProps.PlatformType: the two number the same browsers differently.
_CLIENT_TYPES: Final[dict[int, str]] = {
    _PLATFORM.CHROME: "1",
    _PLATFORM.EDGE: "2",
    _PLATFORM.FIREFOX: "3",
    _PLATFORM.IE: "4",
    _PLATFORM.OPERA: "5",
    _PLATFORM.SAFARI: "6",
    _PLATFORM.DESKTOP: "7",
    _PLATFORM.UWP: "8",
}
_OTHER_CLIENT: Final = "9"


def client_type(platform_type: int) -> str:
    """The one character that stands last in a QR code."""
    return _CLIENT_TYPES.get(platform_type, _OTHER_CLIENT)


def registration(
    creds: Creds,
    version: Version,
    *,
    device_name: str,
    platform_type: int,
    full_history: bool = False,
    history_days: int = 0,
) -> bytes:
    """The payload of a device that wants to be linked."""
    payload = _common(version, passive=False)
    props = device_props(device_name, platform_type, full_history=full_history, history_days=history_days)
    payload.devicePairingData.CopyFrom(
        login_pb2.ClientPayload.DevicePairingRegistrationData(
            eRegid=creds.registration_id.to_bytes(4, "big"),
            eKeytype=DJB,
            eIdent=creds.identity.public,
            eSkeyId=creds.signed_pre_key.id.to_bytes(3, "big"),
            eSkeyVal=creds.signed_pre_key.pair.public,
            eSkeySig=creds.signed_pre_key.signature,
            buildHash=build_hash(version),
            deviceProps=props,
        )
    )
    payload.pull = False
    return payload.SerializeToString()


def login(account: Account, version: Version, login_count: int) -> bytes:
    """The payload of a linked device. Passive: nothing is delivered until we say that we are active."""
    own = account.pn_jid
    payload = _common(version, passive=True)
    payload.username = int(own.user)
    payload.device = own.device
    payload.lc = login_count
    payload.pull = True
    # Our sessions are filed under hidden ids.
    payload.lidDbMigrated = True
    return payload.SerializeToString()


def device_props(
    name: str, platform_type: int, *, full_history: bool = False, history_days: int = 0
) -> bytes:
    """How the phone lists us and what history it prepares; read once, when the link is made."""
    first, second, third = DEVICE_VERSION
    history = login_pb2.DeviceProps.HistorySyncConfig(
        storageQuotaMb=HISTORY_QUOTA_MB,
        inlineInitialPayloadInE2EeMsg=True,
        supportCallLogHistory=True,
        supportBotUserAgentChatHistory=True,
        supportCagReactionsAndPolls=True,
        supportBizHostedMsg=True,
        supportRecentSyncChunkMessageCountTuning=True,
        supportHostedGroupMsg=True,
        supportFbidBotChatHistory=True,
        supportMessageAssociation=True,
        supportGroupHistory=True,
        thumbnailSyncDaysLimit=THUMBNAIL_DAYS,
        supportManusHistory=True,
        supportHatchHistory=True,
    )
    if history_days:
        history.fullSyncDaysLimit = history_days
    return login_pb2.DeviceProps(
        os=name,
        version=login_pb2.DeviceProps.AppVersion(primary=first, secondary=second, tertiary=third),
        platformType=platform_type,  # type: ignore[arg-type]
        requireFullSync=full_history,
        historySyncConfig=history,
    ).SerializeToString()


def _common(version: Version, *, passive: bool) -> login_pb2.ClientPayload:
    first, second, third = version
    return login_pb2.ClientPayload(
        passive=passive,
        userAgent=login_pb2.ClientPayload.UserAgent(
            platform=login_pb2.ClientPayload.UserAgent.WEB,
            appVersion=login_pb2.ClientPayload.UserAgent.AppVersion(
                primary=first, secondary=second, tertiary=third
            ),
            mcc="000",
            mnc="000",
            osVersion="0.1",
            manufacturer="",
            device="Desktop",
            osBuildNumber="0.1",
            # phoneId stays unset: a value that changes between logins ends the session.
            releaseChannel=login_pb2.ClientPayload.UserAgent.RELEASE,
            localeLanguageIso6391="en",
            localeCountryIso31661Alpha2="US",
        ),
        webInfo=login_pb2.ClientPayload.WebInfo(webSubPlatform=login_pb2.ClientPayload.WebInfo.WEB_BROWSER),
        connectType=login_pb2.ClientPayload.WIFI_UNKNOWN,
        connectReason=login_pb2.ClientPayload.USER_ACTIVATED,
    )
