"""The pace of sending, under a clock of our own."""

from waconnd.governor import CAP_SECONDS, LOCK_SECONDS, Governor


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def allowed(governor: Governor, *, new: bool) -> int:
    count = 0
    while governor.allow(new=new):
        count += 1
    return count


def test_a_minutes_worth_goes_at_once_then_the_pace_holds() -> None:
    time = Time()
    governor = Governor(lambda: 30, time)
    assert allowed(governor, new=False) == 30
    time.now += 10
    assert allowed(governor, new=False) == 5


def test_new_chats_have_a_smaller_bucket_of_their_own() -> None:
    governor = Governor(lambda: 30, Time())
    assert allowed(governor, new=True) == 6
    assert governor.allow(new=False)


def test_when_the_next_may_go_is_known() -> None:
    time = Time()
    governor = Governor(lambda: 60, time)
    allowed(governor, new=False)
    free_at = governor.level(new=False).free_at
    assert time.now < free_at <= time.now + 1.01
    time.now = free_at
    assert governor.allow(new=False)


def test_a_limit_of_whatsapp_stops_new_chats_alone_until_it_ends() -> None:
    time = Time()
    governor = Governor(lambda: 30, time)
    assert governor.refused(500) is None
    assert governor.refused(463) == ("time_lock", time.now + LOCK_SECONDS)
    assert not governor.allow(new=True)
    assert governor.allow(new=False)
    assert governor.refused(475) == ("message_cap", time.now + CAP_SECONDS)
    time.now += LOCK_SECONDS + 1
    assert not governor.allow(new=True)
    time.now += CAP_SECONDS
    assert governor.allow(new=True)


def test_a_clock_that_stands_still_gives_nothing_for_free() -> None:
    governor = Governor(lambda: 30, Time())
    allowed(governor, new=False)
    assert not any(governor.allow(new=False) for _ in range(100))
