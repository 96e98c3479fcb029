"""The pool of random bytes."""

import os

from waconnd.entropy import SIZE, Pool


def test_lengths_are_as_asked_and_nothing_comes_twice():
    pool = Pool()
    drawn = [pool(count) for count in (1, 4, 12, 32, SIZE, 33, SIZE + 1) * 40]
    assert [len(one) for one in drawn] == [1, 4, 12, 32, SIZE, 33, SIZE + 1] * 40
    long = [one for one in drawn if len(one) >= 12]
    assert len(set(long)) == len(long)


def test_what_was_given_is_wiped():
    pool = Pool()
    taken = pool(32)
    assert taken not in bytes(pool._bytes)
    assert bytes(pool._bytes[:32]) == bytes(32)


def test_a_child_draws_anew():
    pool = Pool()
    pool(4)
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.write(write, pool(32))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 32) != pool(32)
    os.close(read)
    os.close(write)
