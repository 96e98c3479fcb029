"""What shops say, and invitations."""

from tests.interop.kinds.shape import LINK, PICTURE, Kind, body, buffer
from tests.support.files import b64

_PRODUCT = {"productId": "p1", "title": "Cup", "currencyCode": "EUR", "priceAmount1000": "5000"}

KINDS = [
    Kind(
        "group invite",
        say={
            "group_invite": {
                "group": "120363000000000001@g.us",
                "code": "abcd",
                "name": "Cooks",
                "caption": "join us",
                "expires_at": "2027-01-01T00:00:00Z",
            }
        },
        seen={
            "groupInviteMessage": {
                "groupJid": "120363000000000001@g.us",
                "inviteCode": "abcd",
                "inviteExpiration": "1798761600",
                "groupName": "Cooks",
                "caption": "join us",
            }
        },
        # Its own words want a picture of the group, and fail without one.
        tell={
            "relay": {
                "groupInviteMessage": {
                    "groupJid": "120363000000000001@g.us",
                    "inviteCode": "abcd",
                    "inviteExpiration": 1798761600,
                    "groupName": "Cooks",
                    "caption": "join us",
                }
            }
        },
        heard=body(
            "group_invite",
            group_invite={
                "jid": "120363000000000001@g.us",
                "code": "abcd",
                "name": "Cooks",
                "expires_at": "2027-01-01T00:00:00.000Z",
            },
            caption="join us",
        ),
    ),
    Kind(
        "product",
        say={
            "product": {
                "id": "p1",
                "business": "+15550001",
                "title": "Cup",
                "currency": "EUR",
                "price_1000": 5000,
                "image": {"data": b64(PICTURE)},
                "text": "new",
                "footer": "today",
            }
        },
        seen={
            "productMessage": {
                "product": {
                    **_PRODUCT,
                    "productImage": {"mimetype": "image/png", "width": 3, "height": 2},
                    "productImageCount": 1,
                },
                "businessOwnerJid": "15550001@s.whatsapp.net",
                "body": "new",
                "footer": "today",
            }
        },
        tell={
            "product": {
                **_PRODUCT,
                "priceAmount1000": 5000,
                "productImage": buffer(PICTURE),
                "productImageCount": 1,
            },
            "businessOwnerJid": "15550001@s.whatsapp.net",
            "body": "new",
            "footer": "today",
        },
        heard=body(
            "product",
            text="new",
            product={
                "id": "p1",
                "title": "Cup",
                "currency": "EUR",
                "price1000": 5000,
                "business": "15550001@s.whatsapp.net",
            },
        ),
        file=PICTURE,
    ),
    Kind(
        "buttons",
        tell={
            "relay": {
                "buttonsMessage": {
                    "contentText": "Sure?",
                    "footerText": "think",
                    "headerType": 1,
                    "buttons": [
                        {"buttonId": "y", "buttonText": {"displayText": "Yes"}, "type": 1},
                        {"buttonId": "n", "buttonText": {"displayText": "No"}, "type": 1},
                    ],
                }
            }
        },
        heard=body(
            "buttons",
            text="Sure?",
            footer="think",
            buttons=[{"id": "y", "text": "Yes"}, {"id": "n", "text": "No"}],
        ),
    ),
    Kind(
        "list",
        tell={
            "relay": {
                "listMessage": {
                    "title": "Menu",
                    "description": "Pick one",
                    "buttonText": "Open",
                    "listType": 1,
                    "footerText": "today",
                    "sections": [
                        {
                            "title": "Hot",
                            "rows": [{"rowId": "r1", "title": "Soup", "description": "of the day"}],
                        }
                    ],
                }
            }
        },
        heard=body(
            "list",
            text="Pick one",
            title="Menu",
            footer="today",
            list={
                "button": "Open",
                "sections": [
                    {"title": "Hot", "rows": [{"id": "r1", "title": "Soup", "description": "of the day"}]}
                ],
            },
        ),
    ),
    Kind(
        "template",
        tell={
            "relay": {
                "templateMessage": {
                    "hydratedTemplate": {
                        "hydratedTitleText": "Hello",
                        "hydratedContentText": "Confirm?",
                        "hydratedFooterText": "bye",
                        "hydratedButtons": [
                            {"index": 0, "quickReplyButton": {"displayText": "Yes", "id": "y"}},
                            {"index": 1, "urlButton": {"displayText": "Site", "url": LINK}},
                        ],
                    }
                }
            }
        },
        heard=body(
            "template",
            text="Confirm?",
            title="Hello",
            footer="bye",
            buttons=[{"id": "y", "text": "Yes"}, {"text": "Site", "url": LINK}],
        ),
    ),
    Kind(
        "native flow",
        tell={
            "relay": {
                "interactiveMessage": {
                    "header": {"title": "Hello"},
                    "body": {"text": "Confirm?"},
                    "footer": {"text": "bye"},
                    "nativeFlowMessage": {"buttons": [{"name": "quick_reply", "buttonParamsJson": "{}"}]},
                }
            }
        },
        heard=body(
            "interactive",
            text="Confirm?",
            title="Hello",
            footer="bye",
            native_flow=[{"name": "quick_reply", "params": "{}"}],
        ),
    ),
]
