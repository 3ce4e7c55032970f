"""Right and wrong passwords, and how often one may try."""

from __future__ import annotations

import threading

import pytest
from werkzeug.security import generate_password_hash

from pipeline.errors import UsageError
from pipeline.serving.passwords import PasswordCheck, hash_password, is_password_hash

PASSWORD = "correct hørse"
#: As few rounds as there can be: most of these tests are not about its strength.
QUICK = generate_password_hash(PASSWORD, "pbkdf2:sha256:1")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def check(clock: Clock) -> PasswordCheck:
    return PasswordCheck(QUICK, clock=clock)


def test_a_password_is_known_by_its_hash_which_does_not_show_it() -> None:
    text = hash_password(PASSWORD)
    assert text.startswith("scrypt:")
    assert PASSWORD not in text
    assert hash_password(PASSWORD) != text
    check = PasswordCheck(text)
    assert not check.check("wrong horse", "192.168.1.5").is_right
    assert [check.check(PASSWORD, "192.168.1.5").is_right for _ in range(2)] == [True, True]


def test_a_short_password_is_refused() -> None:
    with pytest.raises(UsageError, match="has 7 characters; use 8 or more"):
        hash_password("1234567")


@pytest.mark.parametrize("text", ["", "secret", "a$b$c", "scrypt:1:2$a$b", "pbkdf2:nothing:1$a$b", "md5$a$b", "$$"])
def test_what_is_no_hash_is_known_as_none(text: str) -> None:
    assert not is_password_hash(text)


def test_a_hash_is_known_as_one() -> None:
    assert is_password_hash(QUICK)


def test_a_right_password_costs_its_hash_only_once(check: PasswordCheck) -> None:
    assert check.check(PASSWORD, "a").is_right
    check._hash = "no hash, so that whatever computes it fails"
    assert check.check(PASSWORD, "another client").is_right
    assert not check.check("wrong", "a").is_right


def test_failures_are_slowed_down_more_and_more(check: PasswordCheck, clock: Clock) -> None:
    assert [check.check("wrong", "a").wait_seconds for _ in range(6)] == [0, 0, 0, 0, 0, 1]
    waits = []
    for _ in range(9):
        wait = check.check("wrong", "a").wait_seconds
        waits.append(wait)
        clock.now += wait
        assert check.check("wrong", "a").wait_seconds == 0
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_who_has_to_wait_is_not_even_told_that_a_password_is_right(check: PasswordCheck, clock: Clock) -> None:
    for _ in range(5):
        check.check("wrong", "a")
    assert not check.check(PASSWORD, "a").is_right
    assert check.check(PASSWORD, "b").is_right
    assert not check.check(PASSWORD, "a").is_right, "that b is in would let a guess as fast as it can"
    clock.now += 1
    assert check.check(PASSWORD, "a").is_right


def test_a_right_password_and_a_quarter_of_an_hour_end_the_wait(check: PasswordCheck, clock: Clock) -> None:
    for _ in range(7):
        check.check("wrong", "a")
        clock.now += 60
    clock.now += 901
    assert [check.check("wrong", "a").wait_seconds for _ in range(5)] == [0] * 5
    clock.now += 2
    assert check.check(PASSWORD, "a").is_right
    assert check._failures == {}


def test_the_addresses_of_one_ipv6_network_are_one_client(check: PasswordCheck) -> None:
    for number in range(5):
        check.check("wrong", f"2001:db8:1:2::{number}")
    assert check.check("wrong", "2001:db8:1:2:ffff::1").wait_seconds == 1
    assert check.check("wrong", "2001:db8:1:3::1").wait_seconds == 0
    assert check.check("wrong", "fe80::1%eth0").wait_seconds == 0


def test_clients_without_number_take_no_memory_without_end(check: PasswordCheck) -> None:
    for number in range(1100):
        check.check("wrong", f"10.0.{number // 256}.{number % 256}")
    assert len(check._failures) == 1000


def test_many_at_once_get_no_more_tries_than_one_after_the_other(check: PasswordCheck) -> None:
    looked_at = []

    def attempt() -> None:
        looked_at.append(check.check("wrong", "a").wait_seconds == 0)

    threads = [threading.Thread(target=attempt) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(looked_at) == 5
