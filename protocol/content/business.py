"""Buttons, lists, templates and their answers; products, orders, payments."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from protocol.content.keys import Fields, pick
from protocol.content.media import file_in, media_fields
from protocol.content.outgoing import Options, Uploaded, builds, has_context, put_context
from protocol.content.registry import Inner, reads
from protocol.content.wrappers import Peeled
from protocol.pb import e2e_pb2 as pb

#: Kinds of template button, in the order in which a button may hold them.
_BUTTONS: Final = ("quickReplyButton", "urlButton", "callButton")


@reads("buttonsMessage")
def buttons(message: Any, whole: Peeled, inner: Inner) -> Fields:
    out: Fields = {"type": "buttons"} | pick(message, text="contentText", footer="footerText", title="text")
    out["buttons"] = [{"id": b.buttonId, "text": b.buttonText.displayText} for b in message.buttons]
    return out | _above(message)


def _above(head: Any) -> Fields:
    """The picture, film or document above the words."""
    found = file_in(head)
    return {"media": media_fields(found[1])} if found is not None else {}


@reads("buttonsResponseMessage")
def buttons_reply(message: Any, whole: Peeled, inner: Inner) -> Fields:
    return {"type": "buttonsReply", "reply": pick(message, id="selectedButtonId", text="selectedDisplayText")}


@reads("listMessage")
def list_(message: Any, whole: Peeled, inner: Inner) -> Fields:
    sections = [
        pick(section, title="title")
        | {"rows": [pick(row, id="rowId", title="title", description="description") for row in section.rows]}
        for section in message.sections
    ]
    out: Fields = {"type": "list"} | pick(message, text="description", title="title", footer="footerText")
    return out | {"list": pick(message, button="buttonText") | {"sections": sections}}


@reads("listResponseMessage")
def list_reply(message: Any, whole: Peeled, inner: Inner) -> Fields:
    reply: Fields = {}
    if message.HasField("singleSelectReply"):
        reply["id"] = message.singleSelectReply.selectedRowId
    return {"type": "listReply", "reply": reply | pick(message, text="title", description="description")}


@reads("templateMessage")
def template(message: Any, whole: Peeled, inner: Inner) -> Fields:
    out: Fields = {"type": "template"}
    for field in ("hydratedTemplate", "hydratedFourRowTemplate"):
        if message.HasField(field):
            row = getattr(message, field)
            out |= pick(
                row, text="hydratedContentText", footer="hydratedFooterText", title="hydratedTitleText"
            )
            out["buttons"] = [_template_button(button) for button in row.hydratedButtons]
            out |= _above(row)
            break
    return out


def _template_button(button: Any) -> Fields:
    for kind in _BUTTONS:
        if button.HasField(kind):
            what = getattr(button, kind)
            known = what.DESCRIPTOR.fields_by_name
            names = {"id": "id", "text": "displayText", "url": "url", "phone": "phoneNumber"}
            return pick(what, **{ours: theirs for ours, theirs in names.items() if theirs in known})
    return {}


@reads("templateButtonReplyMessage")
def template_reply(message: Any, whole: Peeled, inner: Inner) -> Fields:
    reply = pick(message, id="selectedId", text="selectedDisplayText", index="selectedIndex")
    return {"type": "templateReply", "reply": reply}


@reads("interactiveMessage")
def interactive(message: Any, whole: Peeled, inner: Inner) -> Fields:
    out: Fields = {"type": "interactive"}
    if message.HasField("body"):
        out |= pick(message.body, text="text")
    if message.HasField("header"):
        out |= pick(message.header, title="title") | _above(message.header)
    if message.HasField("footer"):
        out |= pick(message.footer, footer="text")
    if message.HasField("nativeFlowMessage"):
        out["nativeFlow"] = [
            pick(button, name="name", params="buttonParamsJson")
            for button in message.nativeFlowMessage.buttons
        ]
    return out


@reads("interactiveResponseMessage")
def interactive_reply(message: Any, whole: Peeled, inner: Inner) -> Fields:
    reply: Fields = {}
    if message.HasField("body"):
        reply |= pick(message.body, text="text")
    if message.HasField("nativeFlowResponseMessage"):
        reply |= pick(message.nativeFlowResponseMessage, name="name", params="paramsJson")
    return {"type": "interactiveReply", "reply": reply}


@reads("productMessage")
def product(message: Any, whole: Peeled, inner: Inner) -> Fields:
    what = pick(
        message.product,
        id="productId",
        title="title",
        description="description",
        currency="currencyCode",
        price1000="priceAmount1000",
        retailerId="retailerId",
        url="url",
    ) | pick(message, business="businessOwnerJid")
    return {"type": "product", "product": what} | pick(message, text="body")


@reads("orderMessage")
def order(message: Any, whole: Peeled, inner: Inner) -> Fields:
    what = pick(
        message,
        id="orderId",
        items="itemCount",
        title="orderTitle",
        seller="sellerJid",
        token="token",
        total1000="totalAmount1000",
        currency="totalCurrencyCode",
    )
    if message.HasField("status"):
        what["status"] = pb.OrderMessage.OrderStatus.Name(message.status)
    return {"type": "order", "order": what} | pick(message, text="message")


@reads("requestPaymentMessage")
def payment_request(message: Any, whole: Peeled, inner: Inner) -> Fields:
    what = pick(message, currency="currencyCodeIso4217", amount1000="amount1000", **{"from": "requestFrom"})
    if message.HasField("noteMessage"):
        note = inner(message.noteMessage).get("text")
        if note:
            what["note"] = note
    return {"type": "paymentRequest", "payment": what}


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """A product of a catalogue; `business` owns it."""

    id: str
    business: str
    title: str = ""
    description: str = ""
    currency: str = ""
    price_1000: int = 0
    retailer_id: str = ""
    url: str = ""
    image: Uploaded | None = None
    text: str = ""
    footer: str = ""


@builds("product")
def build_product(product: Product, options: Options) -> pb.Message:
    """A product, as business accounts show it."""
    message = pb.Message()
    part = message.productMessage
    part.businessOwnerJid = product.business
    shown = part.product
    shown.productId = product.id
    texts = {
        "title": product.title,
        "description": product.description,
        "currencyCode": product.currency,
        "retailerId": product.retailer_id,
        "url": product.url,
    }
    for name, value in texts.items():
        if value:
            setattr(shown, name, value)
    if product.price_1000:
        shown.priceAmount1000 = product.price_1000
    if product.image is not None:
        shown.productImageCount = 1
        _image(shown.productImage, product.image)
    if product.text:
        part.body = product.text
    if product.footer:
        part.footer = product.footer
    if has_context(options):
        put_context(part.contextInfo, options)
    return message


def _image(part: pb.ImageMessage, media: Uploaded) -> None:
    part.mimetype, part.fileLength = media.mimetype, media.size
    part.fileSha256, part.fileEncSha256 = media.file_sha256, media.file_enc_sha256
    part.mediaKey, part.mediaKeyTimestamp = media.media_key, media.media_key_timestamp
    part.directPath, part.url = media.direct_path, media.url
    part.width, part.height = media.width, media.height
    if media.thumbnail:
        part.jpegThumbnail = media.thumbnail
