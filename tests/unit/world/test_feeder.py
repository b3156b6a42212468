from __future__ import annotations

import queue
import time
from dataclasses import dataclass
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from world.camera.feeder import Feeder, Push
from world.camera.schedule import Schedule, phase_ns

RATES = st.sampled_from([Fraction(30), Fraction(25), Fraction(50), Fraction(125, 8), Fraction(30000, 1001)])
TIMES = st.integers(min_value=1_500_000_000_000_000_000, max_value=2_500_000_000_000_000_000)


@given(RATES, TIMES)
def test_a_unit_is_the_newest_from_its_capture_to_the_next(rate: Fraction, now: int) -> None:
    schedule = Schedule(rate, phase_ns("front-porch"))
    number = schedule.number_at(now)
    assert schedule.due_ns(number) <= now < schedule.due_ns(number + 1)
    assert schedule.number_at(schedule.due_ns(number)) == number
    assert schedule.number_at(schedule.due_ns(number) - 1) == number - 1


def test_cameras_tick_out_of_step() -> None:
    interval = 1_000_000_000 // 30
    phases = {phase_ns(f"front-porch-{number}") % interval // 1_000_000 for number in range(1, 9)}
    assert len(phases) > 4, "at most a few of eight share a millisecond"


@dataclass(frozen=True)
class Ticks:
    rate: Fraction
    caps: str = ""
    payloader: str = ""

    def unit(self, number: int, unix_ns: int) -> bytes:
        return b"%d %d" % (number, unix_ns)


def test_units_come_in_order_at_their_time() -> None:
    got: queue.Queue[tuple[str, bytes, int]] = queue.Queue()
    slow, fast = Ticks(Fraction(40)), Ticks(Fraction(100))

    def push_as(name: str) -> Push:
        return lambda unit, age: got.put((name, unit, age))

    feeder = Feeder([(slow, push_as("slow")), (fast, push_as("fast"))], phase=123_456_789)
    feeder.start()
    seen: dict[str, list[tuple[int, int]]] = {"slow": [], "fast": []}
    for _ in range(42):
        name, unit, age = got.get(timeout=5)
        number, unix_ns = map(int, unit.split())
        assert age >= 0, "never before it is captured"
        assert abs(time.time_ns() - unix_ns) < 2_000_000_000
        seen[name].append((number, unix_ns))
    for name, rate in (("slow", 40), ("fast", 100)):
        first = seen[name][0][0]
        assert [number for number, _ in seen[name]] == list(range(first, first + len(seen[name])))
        assert all(Schedule(Fraction(rate), 123_456_789).number_at(at) == number for number, at in seen[name])
    assert len(seen["fast"]) > 2 * len(seen["slow"])


def test_what_is_overdue_by_more_than_a_second_is_left_out() -> None:
    got: queue.Queue[int] = queue.Queue()

    def push(unit: bytes, _age: int) -> None:
        got.put(int(unit.split()[0]))
        if got.qsize() == 1:
            time.sleep(1.2)  # as when the process is paused

    Feeder([(Ticks(Fraction(50)), push)], phase=0).start()
    first, second = got.get(timeout=5), got.get(timeout=5)
    assert second - first >= 50
