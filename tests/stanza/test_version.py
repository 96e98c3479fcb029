from __future__ import annotations

import pytest

from protocol.stanza import version


@pytest.mark.parametrize(
    "page",
    [
        '…{"client_revision":1045798079,"x":1}',
        r'self.__swData=JSON.parse("{\"dynamic_data\":{\"client_revision\":1045798079,\"a\":1}}")',
        '"client_revision": 1045798079',
    ],
)
def test_the_revision_is_found_in_both_pages(page):
    assert version.find(page) == (2, 3000, 1045798079)


def test_a_page_without_one():
    assert version.find("<html>Please log in to this hotel's network</html>") is None
    assert version.find('"client_revision":12345678901234567890') is None


def test_never_below_the_built_in():
    newer = (2, 3000, version.BUILT_IN[2] + 1)
    assert version.choose((2, 3000, 1), None) == version.BUILT_IN
    assert version.choose(newer, None, (2, 2000, 9)) == newer
    assert version.choose(None) == version.choose() == version.BUILT_IN


def test_text_and_back():
    assert version.parse(version.show(version.BUILT_IN)) == version.BUILT_IN
    for bad in ("", "2.3000", "2.3000.x", "2,3000,1", "2.3000.1.2"):
        with pytest.raises(ValueError, match="not a version"):
            version.parse(bad)


def test_age():
    day = version.REFETCH_SECONDS
    assert not version.is_stale(1000.0, 1000.0 + day - 1)
    assert version.is_stale(1000.0, 1000.0 + day)
    assert version.is_stale(5000.0, 1000.0), "a clock that went back"
