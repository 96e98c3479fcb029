"""Places and people: locations, live locations, contact cards."""

from __future__ import annotations

from typing import Any

import msgspec

from protocol.content.keys import Fields, pick
from protocol.content.outgoing import BuildError, Options, builds, has_context, put_context
from protocol.content.registry import Inner, reads
from protocol.content.wrappers import Peeled
from protocol.pb.e2e_pb2 import ContactMessage, Message


def location_fields(place: Any) -> Fields:
    return pick(
        place,
        latitude="degreesLatitude",
        longitude="degreesLongitude",
        name="name",
        address="address",
        url="url",
        accuracy="accuracyInMeters",
    )


@reads("locationMessage")
def location(place: Any, whole: Peeled, inner: Inner) -> Fields:
    out: Fields = {"type": "location", "location": location_fields(place)}
    if place.comment:
        out["caption"] = place.comment
    return out


@reads("liveLocationMessage")
def live_location(place: Any, whole: Peeled, inner: Inner) -> Fields:
    where = pick(
        place,
        latitude="degreesLatitude",
        longitude="degreesLongitude",
        accuracy="accuracyInMeters",
        speed="speedInMps",
        bearing="degreesClockwiseFromMagneticNorth",
        sequence="sequenceNumber",
    )
    return {"type": "liveLocation", "location": where} | pick(place, caption="caption")


@reads("contactMessage")
def contact(card: Any, whole: Peeled, inner: Inner) -> Fields:
    return {"type": "contact", "contacts": [_card(card)]}


@reads("contactsArrayMessage")
def contacts(cards: Any, whole: Peeled, inner: Inner) -> Fields:
    return {"type": "contact", "contacts": [_card(card) for card in cards.contacts]}


def _card(card: Any) -> Fields:
    return pick(card, name="displayName", vcard="vcard")


class Place(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A point on the map. With `live` it is the start of a live location; companions send no updates of it."""

    latitude: float
    longitude: float
    name: str = ""
    address: str = ""
    url: str = ""
    accuracy_m: int = 0
    live: bool = False
    caption: str = ""


class Card(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A contact card: a name and a phone, or a finished vCard."""

    name: str = ""
    phone: str = ""
    organization: str = ""
    vcard: str = ""


@builds("location")
def build_location(place: Place, options: Options) -> Message:
    if not -90 <= place.latitude <= 90:
        raise BuildError("location.latitude", "must lie between -90 and 90")
    if not -180 <= place.longitude <= 180:
        raise BuildError("location.longitude", "must lie between -180 and 180")
    message = Message()
    part: Any = message.liveLocationMessage if place.live else message.locationMessage
    part.degreesLatitude = place.latitude
    part.degreesLongitude = place.longitude
    if place.accuracy_m:
        part.accuracyInMeters = place.accuracy_m
    texts = (
        {"caption": place.caption}
        if place.live
        else {"name": place.name, "address": place.address, "url": place.url, "comment": place.caption}
    )
    for name, value in texts.items():
        if value:
            setattr(part, name, value)
    if has_context(options):
        put_context(part.contextInfo, options)
    return message


@builds("contacts")
def build_contacts(cards: list[Card], options: Options) -> Message:
    if not cards:
        raise BuildError("contacts", "is empty; give at least one")
    message = Message()
    parts = [_contact(card, f"contacts[{index}]") for index, card in enumerate(cards)]
    if len(parts) == 1:
        message.contactMessage.CopyFrom(parts[0])
        if has_context(options):
            put_context(message.contactMessage.contextInfo, options)
        return message
    message.contactsArrayMessage.displayName = f"{len(parts)} contacts"
    message.contactsArrayMessage.contacts.extend(parts)
    if has_context(options):
        put_context(message.contactsArrayMessage.contextInfo, options)
    return message


def _contact(card: Card, path: str) -> ContactMessage:
    if card.vcard:
        name = card.name or next(
            (line[3:].strip() for line in card.vcard.splitlines() if line.upper().startswith("FN:")), ""
        )
        return ContactMessage(displayName=name, vcard=card.vcard)
    digits = "".join(c for c in card.phone if c.isdigit())
    if not card.name or not digits:
        raise BuildError(path, "needs name and phone, or a vcard")
    lines = ["BEGIN:VCARD", "VERSION:3.0", f"FN:{_escape(card.name)}"]
    if card.organization:
        lines.append(f"ORG:{_escape(card.organization)};")
    lines.append(f"TEL;type=CELL;type=VOICE;waid={digits}:+{digits}")
    return ContactMessage(displayName=card.name, vcard="\n".join([*lines, "END:VCARD"]))


def _escape(text: str) -> str:
    """VCard's own marks, and no way to smuggle in a line."""
    for mark in ("\\", ";", ","):
        text = text.replace(mark, "\\" + mark)
    return text.replace("\r", "").replace("\n", "\\n")
