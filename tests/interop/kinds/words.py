"""Words, places, people, polls, appointments; and what may stand beside any content."""

from protocol.pb.e2e_pb2 import Message
from tests.interop.kinds.shape import LINK, THUMB, Kind, body, buffer, date
from tests.support.files import b64

VCARD = "BEGIN:VCARD\nVERSION:3.0\nFN:Bea\nTEL;type=CELL;type=VOICE;waid=15550001:+15550001\nEND:VCARD"
OTHER = VCARD.replace("Bea", "Dan").replace("15550001", "15550002")
_PLACE = {"latitude": 4.598056, "longitude": -74.075833}
_DEGREES = {"degreesLatitude": 4.598056, "degreesLongitude": -74.075833}
_STYLED = "*bold* _italic_ ñandú 👩🏽‍🚀 \u200fשלום"

KINDS = [
    Kind(
        "text",
        say={"text": _STYLED},
        seen={"conversation": _STYLED},
        tell={"text": _STYLED},
        heard=body("text", text=_STYLED),
    ),
    Kind(
        "link preview",
        say={
            "text": f"see {LINK} please",
            "link_preview": {"url": LINK, "title": "Menu", "description": "of today", "thumbnail": THUMB},
        },
        seen={
            "extendedTextMessage": {
                "text": f"see {LINK} please",
                "matchedText": LINK,
                "title": "Menu",
                "description": "of today",
                "jpegThumbnail": THUMB,
            }
        },
        tell={
            "text": f"see {LINK} please",
            "linkPreview": {
                "matched-text": LINK,
                "title": "Menu",
                "description": "of today",
                "jpegThumbnail": buffer(THUMB),
            },
        },
        heard=body(
            "text",
            text=f"see {LINK} please",
            link_preview={"url": LINK, "title": "Menu", "description": "of today", "thumbnail": THUMB},
        ),
    ),
    Kind(
        "location",
        say={"location": {**_PLACE, "name": "Plaza", "address": "Carrera 7", "url": LINK, "accuracy_m": 9}},
        seen={
            "locationMessage": {
                **_DEGREES,
                "name": "Plaza",
                "address": "Carrera 7",
                "url": LINK,
                "accuracyInMeters": 9,
            }
        },
        tell={
            "location": {
                **_DEGREES,
                "name": "Plaza",
                "address": "Carrera 7",
                "url": LINK,
                "accuracyInMeters": 9,
            }
        },
        heard=body(
            "location",
            location={**_PLACE, "name": "Plaza", "address": "Carrera 7", "url": LINK, "accuracy": 9},
        ),
    ),
    Kind(
        "live location",
        say={"location": {**_PLACE, "live": True, "accuracy_m": 9}},
        seen={"liveLocationMessage": {**_DEGREES, "accuracyInMeters": 9}},
        tell={
            "relay": {
                "liveLocationMessage": {
                    **_DEGREES,
                    "accuracyInMeters": 9,
                    "speedInMps": 1.5,
                    "caption": "on my way",
                    "sequenceNumber": 3,
                }
            }
        },
        heard=body(
            "live_location",
            location={**_PLACE, "accuracy": 9, "speed": 1.5, "sequence": 3},
            caption="on my way",
        ),
    ),
    Kind(
        "contact",
        say={"contacts": [{"name": "Bea", "phone": "+15550001"}]},
        seen={"contactMessage": {"displayName": "Bea", "vcard": VCARD}},
        tell={"contacts": {"displayName": "Bea", "contacts": [{"displayName": "Bea", "vcard": VCARD}]}},
        heard=body("contact", contacts=[{"name": "Bea", "vcard": VCARD}]),
    ),
    Kind(
        "several contacts",
        say={"contacts": [{"name": "Bea", "vcard": VCARD}, {"name": "Dan", "vcard": OTHER}]},
        seen={
            "contactsArrayMessage": {
                "displayName": "2 contacts",
                "contacts": [{"displayName": "Bea", "vcard": VCARD}, {"displayName": "Dan", "vcard": OTHER}],
            }
        },
        tell={
            "contacts": {
                "displayName": "2 contacts",
                "contacts": [{"displayName": "Bea", "vcard": VCARD}, {"displayName": "Dan", "vcard": OTHER}],
            }
        },
        heard=body("contact", contacts=[{"name": "Bea", "vcard": VCARD}, {"name": "Dan", "vcard": OTHER}]),
    ),
    Kind(
        "poll with one answer",
        say={"poll": {"name": "When?", "options": ["Mon", "Tue"]}},
        seen={
            "pollCreationMessageV3": {
                "name": "When?",
                "options": [{"optionName": "Mon"}, {"optionName": "Tue"}],
                "selectableOptionsCount": 1,
            }
        },
        tell={"poll": {"name": "When?", "values": ["Mon", "Tue"], "selectableCount": 1}},
        heard=body(
            "poll", poll={"name": "When?", "options": ["Mon", "Tue"], "selectable_count": 1, "version": 3}
        ),
    ),
    Kind(
        "poll with many answers",
        say={"poll": {"name": "Which?", "options": ["a", "b", "c"], "multiple_answers": True}},
        seen={
            "pollCreationMessage": {
                "name": "Which?",
                "options": [{"optionName": "a"}, {"optionName": "b"}, {"optionName": "c"}],
                "selectableOptionsCount": 0,
            }
        },
        tell={"poll": {"name": "Which?", "values": ["a", "b", "c"], "selectableCount": 2}},
        heard=body(
            "poll", poll={"name": "Which?", "options": ["a", "b", "c"], "selectable_count": 2, "version": 1}
        ),
    ),
    Kind(
        "event",
        say={
            "event": {
                "name": "Dinner",
                "description": "with all",
                "start_at": "2027-01-01T19:00:00Z",
                "end_at": "2027-01-01T22:00:00Z",
                "location": {**_PLACE, "name": "Plaza"},
                "extra_guests_allowed": True,
            }
        },
        seen={
            "eventMessage": {
                "isCanceled": False,
                "name": "Dinner",
                "description": "with all",
                "startTime": "1798830000",
                "endTime": "1798840800",
                "location": {**_DEGREES, "name": "Plaza"},
                "extraGuestsAllowed": True,
            }
        },
        tell={
            "event": {
                "name": "Dinner",
                "description": "with all",
                "startDate": date("2027-01-01T19:00:00Z"),
                "endDate": date("2027-01-01T22:00:00Z"),
                "location": {**_DEGREES, "name": "Plaza"},
                "extraGuestsAllowed": True,
            }
        },
        heard=body(
            "event",
            event={
                "name": "Dinner",
                "description": "with all",
                "start_at": "2027-01-01T19:00:00.000Z",
                "end_at": "2027-01-01T22:00:00.000Z",
                "location": {**_PLACE, "name": "Plaza"},
                "extra_guests_allowed": True,
                "canceled": False,
            },
        ),
    ),
    Kind(
        "raw",
        say={"raw": b64(Message(conversation="raw words").SerializeToString())},
        seen={"conversation": "raw words"},
        tell={"relay": {"conversation": "raw words"}},
        heard=body("text", text="raw words"),
    ),
    Kind(
        "marked as forwarded",
        say={"text": "passed on", "forwarded": 3},
        seen={
            "extendedTextMessage": {
                "text": "passed on",
                "contextInfo": {"forwardingScore": 3, "isForwarded": True},
            }
        },
        tell={"text": "passed on", "contextInfo": {"forwardingScore": 3, "isForwarded": True}},
        heard=body("text", text="passed on", forwarded={"score": 3}),
    ),
    Kind(
        "disappearing",
        say={"text": "gone tomorrow", "ttl_s": 86400},
        seen={"extendedTextMessage": {"text": "gone tomorrow", "contextInfo": {"expiration": 86400}}},
        tell={"text": "gone tomorrow"},
        options={"ephemeralExpiration": 86400},
        heard=body("text", text="gone tomorrow") | {"ephemeral": {"ttl_s": 86400}},
    ),
    Kind(
        "everybody mentioned",
        say={"text": "hello @all", "mention_all": True},
        seen={"extendedTextMessage": {"text": "hello @all", "contextInfo": {"nonJidMentions": 1}}},
        tell={"text": "hello @all", "mentionAll": True},
        heard=body("text", text="hello @all") | {"mention_all": True},
        only="group",
    ),
    Kind(
        "a kind that nobody knows yet",
        tell={"relay": {"stickerSyncRmrMessage": {"filehash": ["x"], "rmrSource": "y"}}},
        heard=body("unsupported", field="stickerSyncRmrMessage", raw="+gIGCgF4EgF5"),
    ),
]
