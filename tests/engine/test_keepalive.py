from __future__ import annotations

from protocol.engine.keepalive import (
    ANSWER_SECONDS,
    DEAF_SECONDS,
    HEAL_SECONDS,
    QUIET_SECONDS,
    SPREAD_SECONDS,
    Due,
    Keepalive,
)


def test_a_ping_15_to_18_seconds_after_the_last_stanza():
    for byte in (0, 128, 255):
        alive = Keepalive(lambda n, b=byte: bytes((b,)) * n, 100.0)
        alive.heard(110.0, news=True)
        assert 110 + QUIET_SECONDS <= alive.deadline <= 110 + QUIET_SECONDS + SPREAD_SECONDS
        assert alive.due(alive.deadline - 0.01) is None
        assert alive.due(alive.deadline) is Due.PING
        # Said once; then the answer is awaited.
        assert alive.due(alive.deadline - 0.01) is None


def test_silence_after_a_ping_is_death_and_is_noticed_within_40_seconds():
    alive = Keepalive(lambda n: b"\xff" * n, 0.0)
    pinged = alive.deadline
    assert alive.due(pinged) is Due.PING
    assert alive.deadline == pinged + ANSWER_SECONDS < 40
    assert alive.due(alive.deadline) is Due.DEAD


def test_any_stanza_is_a_sign_of_life():
    alive = Keepalive(bytes, 0.0)
    alive.due(alive.deadline)
    alive.heard(20.0, news=True)
    assert alive.due(20.0 + ANSWER_SECONDS - 1) is None


def run(alive: Keepalive, until: float) -> list[tuple[float, Due]]:
    """Every ping is answered, and nothing else comes."""
    said = []
    while (now := alive.deadline) <= until:
        due = alive.due(now)
        if due is Due.PING:
            alive.heard(now + 0.1, news=False)
        elif due is not None:
            said.append((now, due))
            if due is Due.STILL_DEAF:
                break
    return said


def test_a_deaf_connection_is_asked_and_then_replaced():
    said = run(Keepalive(bytes, 0.0), 10_000)
    assert said == [(DEAF_SECONDS, Due.DEAF), (DEAF_SECONDS + HEAL_SECONDS, Due.STILL_DEAF)]


def test_news_heals_deafness():
    alive = Keepalive(bytes, 0.0)
    assert run(alive, DEAF_SECONDS) == [(DEAF_SECONDS, Due.DEAF)]
    alive.heard(DEAF_SECONDS + 1, news=True)
    assert run(alive, DEAF_SECONDS + HEAL_SECONDS + 10) == []
