"""What events tell where a content has no kind of its own: files above the words, and what nobody here understands."""

import base64

import pytest

from protocol.content import media_ref, tell, untold
from protocol.pb.e2e_pb2 import ImageMessage, Message

IMAGE = ImageMessage(
    mimetype="image/jpeg",
    mediaKey=bytes(32),
    fileSha256=b"\1" * 32,
    fileEncSha256=b"\2" * 32,
    fileLength=99,
    directPath="/v/x",
)


def buttons() -> Message:
    message = Message()
    message.buttonsMessage.contentText = "Sure?"
    message.buttonsMessage.imageMessage.CopyFrom(IMAGE)
    return message


def template() -> Message:
    message = Message()
    message.templateMessage.hydratedTemplate.hydratedContentText = "Sure?"
    message.templateMessage.hydratedTemplate.imageMessage.CopyFrom(IMAGE)
    return message


def interactive() -> Message:
    message = Message()
    message.interactiveMessage.body.text = "Sure?"
    message.interactiveMessage.header.imageMessage.CopyFrom(IMAGE)
    return message


@pytest.mark.parametrize("make", [buttons, template, interactive])
def test_a_picture_above_the_words_is_a_file_of_the_message(make) -> None:
    wrapped = Message()
    wrapped.ephemeralMessage.message.CopyFrom(make())
    shown = tell(wrapped)
    assert shown["body"]["text"] == "Sure?"
    assert shown["media"] == {"mimetype": "image/jpeg", "size": 99, "sha256": "01" * 32}
    assert media_ref(wrapped).direct_path == "/v/x"


def test_the_picture_of_a_product_is_its_file() -> None:
    message = Message()
    message.productMessage.product.productImage.CopyFrom(IMAGE)
    assert media_ref(message).kind == "image"


def test_an_unknown_kind_is_told_whole_and_without_secrets() -> None:
    """Field 4095 is from a later version."""
    future = Message.FromString(b"\xfa\xff\x01\x03new")
    future.messageContextInfo.messageSecret = b"s" * 32
    shown = tell(future)
    raw = base64.b64decode(shown["body"].pop("raw"))
    assert shown == {"body": {"kind": "unsupported", "fields": [4095]}}
    assert raw == b"\xfa\xff\x01\x03new"


def test_a_known_field_without_a_reader_is_told_whole() -> None:
    message = Message()
    message.stickerSyncRmrMessage.filehash.append("x")
    shown = tell(message)
    assert shown["body"]["field"] == "stickerSyncRmrMessage"
    assert Message.FromString(base64.b64decode(shown["body"]["raw"])) == message
    assert untold(message)["body"]["raw"] == shown["body"]["raw"]
