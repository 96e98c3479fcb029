"""Places and people: locations, live locations, contact cards."""

from __future__ import annotations

from typing import Any

from protocol.content.keys import Fields, pick
from protocol.content.registry import Inner, reads
from protocol.content.wrappers import Peeled


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
