"""A recording's way through the outbox, and what Alexa is to be told on it."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alexa_ip_cam.events.config import INTERFACES
from alexa_ip_cam.events.database import Database, DatabaseError, insist
from alexa_ip_cam.events.outbox import FRESH_SECONDS, Job, Outbox
from alexa_ip_cam.events.queue import MAX_WAITING
from alexa_ip_cam.events.recording import Recording
from alexa_ip_cam.media_id import Media, media_id

KEY = bytes(32)


class Clock:
    def __init__(self) -> None:
        self.seconds = datetime(2026, 11, 22, 10, tzinfo=UTC).timestamp()

    def __call__(self) -> float:
        return self.seconds

    @property
    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outbox(tmp_path: Path, clock: Clock) -> Iterator[Outbox]:
    with_all = Outbox(tmp_path / "events.db", interfaces=INTERFACES, oldest=timedelta(days=30), clock=clock)
    yield with_all
    with_all.close()


def recording(
    start: datetime,
    *,
    camera: str = "porch",
    key: str | None = None,
    seconds: float | None = 10,
    cause: str = "motion",
    complete: bool = True,
    pressed: bool = False,
) -> Recording:
    end = start + timedelta(seconds=seconds) if seconds is not None and complete else None
    return Recording(camera, key or f"{start:%d%H%M%S}", (Path("/r/a.mkv"),), start, end, cause, complete, pressed)


def convert(outbox: Outbox) -> str:
    job = outbox.next_to_convert()
    assert job is not None
    return ready(outbox, job)


def ready(outbox: Outbox, job: Job) -> str:
    one = job.recording
    media = Media(one.camera_id, one.start, timedelta(seconds=10), one.cause)
    identity = media_id(KEY, media)
    outbox.clip_ready(job, media, identity, 1000)
    return identity


def waiting(outbox: Outbox) -> list[str]:
    return [" ".join([one.kind, str(one.body.get("value", ""))]).strip() for one in outbox.queue.listed(parked=False)]


def tell_all(outbox: Outbox) -> list[str]:
    kinds = waiting(outbox)
    for message in outbox.queue.listed(parked=False):
        outbox.told(message)
    return kinds


def test_found_once_converted_once_told_once(outbox: Outbox, clock: Clock) -> None:
    old = recording(clock.moment - timedelta(hours=1))
    assert not outbox.is_known("porch", old.key, complete=True)
    assert outbox.found(old)
    assert not outbox.found(old)
    assert outbox.is_known("porch", old.key, complete=True)
    assert outbox.is_known("porch", old.key, complete=False)
    assert not outbox.is_known("garden", old.key, complete=True)
    identity = convert(outbox)
    assert outbox.next_to_convert() is None
    (message,) = outbox.queue.listed()
    assert (message.kind, message.identity, message.camera_id) == ("MediaCreatedOrUpdated", identity, "porch")
    outbox.told(message)
    assert outbox.queue.listed() == []
    assert not outbox.found(old)
    assert outbox.next_to_convert() is None


def test_everything_is_still_there_after_a_start(outbox: Outbox, clock: Clock, tmp_path: Path) -> None:
    first, second = (recording(clock.moment - timedelta(hours=hours)) for hours in (2, 1))
    outbox.found(first)
    outbox.found(second)
    convert(outbox)
    before = outbox.queue.listed()
    outbox.close()
    again = Outbox(tmp_path / "events.db", interfaces=INTERFACES, clock=clock)
    assert again.queue.listed() == before
    assert again.queue.heads() == before
    assert not again.found(first)
    job = again.next_to_convert()
    assert job is not None
    assert job.recording == second
    again.close()


def test_motion_begins_with_the_recording_and_ends_with_it(outbox: Outbox, clock: Clock) -> None:
    began = clock.moment
    assert outbox.found(recording(began, complete=False))
    assert not outbox.found(recording(began, complete=False))
    assert outbox.next_to_convert() is None, "it is still being recorded"
    assert waiting(outbox) == ["ChangeReport DETECTED"]
    clock.seconds += 20
    assert not outbox.is_known("porch", recording(began).key, complete=True)
    assert outbox.found(recording(began, seconds=20))
    assert waiting(outbox) == ["ChangeReport DETECTED", "ChangeReport NOT_DETECTED"]
    detected, ended = outbox.queue.listed()
    assert detected.happened == began.timestamp() * 1000
    assert ended.happened == began.timestamp() * 1000 + 20_000
    assert outbox.next_to_convert() is not None


def test_motion_that_is_only_seen_when_it_is_over_is_told_as_both(outbox: Outbox, clock: Clock) -> None:
    outbox.found(recording(clock.moment - timedelta(seconds=12)))
    assert waiting(outbox) == ["ChangeReport DETECTED", "ChangeReport NOT_DETECTED"]


def test_motion_goes_on_while_another_recording_does(outbox: Outbox, clock: Clock) -> None:
    outbox.found(recording(clock.moment, key="a", complete=False))
    outbox.found(recording(clock.moment, key="b", complete=False))
    outbox.found(recording(clock.moment, key="a"))
    assert waiting(outbox) == ["ChangeReport DETECTED"]
    outbox.found(recording(clock.moment, key="b"))
    assert waiting(outbox) == ["ChangeReport DETECTED", "ChangeReport NOT_DETECTED"]


@pytest.mark.parametrize("cause", ["audio", "app", "voice", "rule"])
def test_only_motion_is_motion(outbox: Outbox, clock: Clock, cause: str) -> None:
    outbox.found(recording(clock.moment, cause=cause))
    assert waiting(outbox) == []


@pytest.mark.parametrize(
    ("ago", "is_news"),
    [(0, True), (FRESH_SECONDS - 1, True), (FRESH_SECONDS + 1, False), (86_400, False), (-7200, False)],
)
def test_old_motion_is_no_news(outbox: Outbox, clock: Clock, ago: float, is_news: bool) -> None:
    outbox.found(recording(clock.moment - timedelta(seconds=ago + 10)))
    assert bool(waiting(outbox)) is is_news


def test_no_time_of_a_message_is_yet_to_come(outbox: Outbox, clock: Clock) -> None:
    """A camera's clock may be ahead of ours."""
    outbox.found(recording(clock.moment + timedelta(seconds=90), pressed=True))
    assert len(outbox.queue.listed()) == 3
    assert all(one.happened <= outbox.now() for one in outbox.queue.listed())


def test_an_unfinished_recording_from_yesterday_is_no_motion_now(outbox: Outbox, clock: Clock) -> None:
    outbox.found(recording(clock.moment - timedelta(days=1), complete=False))
    assert waiting(outbox) == []


def test_motion_of_a_recording_that_nobody_finishes_ends_some_day(
    outbox: Outbox, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    outbox.found(recording(clock.moment, complete=False))
    outbox.give_up_waiting(900)
    now += 800
    outbox.found(recording(clock.moment, complete=False))
    now += 800
    outbox.give_up_waiting(900)
    assert waiting(outbox) == ["ChangeReport DETECTED"]
    now += 200
    outbox.give_up_waiting(900)
    assert waiting(outbox) == ["ChangeReport DETECTED", "ChangeReport NOT_DETECTED"]
    # It turns up after all.
    assert outbox.found(recording(clock.moment))
    assert outbox.next_to_convert() is not None


def test_a_doorbell_is_told_once_however_it_is_found(outbox: Outbox, clock: Clock) -> None:
    outbox.found(recording(clock.moment, complete=False, pressed=True))
    outbox.found(recording(clock.moment, pressed=True))
    assert [one.kind for one in outbox.queue.listed()].count("DoorbellPress") == 1


def test_a_press_that_is_known_at_the_end_only(outbox: Outbox, clock: Clock) -> None:
    outbox.found(recording(clock.moment, complete=False))
    outbox.found(recording(clock.moment, pressed=True))
    assert [one.kind for one in outbox.queue.listed()].count("DoorbellPress") == 1


def test_interfaces_that_are_off_are_not_told_but_the_state_is_kept(tmp_path: Path, clock: Clock) -> None:
    outbox = Outbox(tmp_path / "events.db", interfaces=[], clock=clock)
    outbox.found(recording(clock.moment, pressed=True))
    convert(outbox)
    assert outbox.queue.listed() == []
    assert [(state.property, state.value) for state in outbox.states.to_store()] == [("detection", "NOT_DETECTED")]
    outbox.close()


def test_clips_of_one_camera_are_made_one_by_one_in_the_order_of_their_start(outbox: Outbox, clock: Clock) -> None:
    hour = clock.moment - timedelta(hours=1)
    for minutes in (20, 0, 10):
        outbox.found(recording(hour + timedelta(minutes=minutes)))
    outbox.found(recording(hour + timedelta(minutes=5), camera="garden"))
    porch = outbox.next_to_convert()
    garden = outbox.next_to_convert()
    assert porch is not None
    assert garden is not None
    assert (porch.recording.start, garden.recording.camera_id) == (hour, "garden")
    assert outbox.next_to_convert() is None, "both cameras are at it"
    ready(outbox, porch)
    following = outbox.next_to_convert()
    assert following is not None
    assert following.recording.start == hour + timedelta(minutes=10)


def test_a_broken_recording_is_kept_and_blocks_nobody(outbox: Outbox, clock: Clock) -> None:
    hour = clock.moment - timedelta(hours=1)
    outbox.found(recording(hour, key="broken"))
    outbox.found(recording(hour + timedelta(minutes=1)))
    job = outbox.next_to_convert()
    assert job is not None
    outbox.clip_failed(job, "its video is H.265", permanent=True)
    convert(outbox)
    (failure,) = outbox.failures()
    assert (failure.key, failure.permanent, failure.reason) == ("broken", True, "its video is H.265")
    assert not outbox.found(recording(hour, key="broken"))
    assert outbox.stages()["failed"] == 1
    assert outbox.retry_clips() == 1
    again = outbox.next_to_convert()
    assert again is not None
    assert again.recording.key == "broken"


def test_a_passing_failure_keeps_the_order_at_first_and_holds_nobody_up_for_ever(outbox: Outbox, clock: Clock) -> None:
    hour = clock.moment - timedelta(hours=1)
    outbox.found(recording(hour, key="first"))
    outbox.found(recording(hour + timedelta(minutes=1), key="second"))
    order = []
    for _ in range(40):
        job = outbox.next_to_convert()
        if job is None:
            again = outbox.convert_again_at()
            assert again is not None
            assert again > outbox.now()
            clock.seconds = again / 1000
            continue
        order.append(job.recording.key)
        if job.recording.key == "second":
            break
        outbox.clip_failed(job, "the disk is full", permanent=False)
    assert order == ["first"] * 4 + ["second"]
    (failure,) = outbox.failures()
    assert not failure.permanent


def test_a_clock_put_back_holds_nothing_up(outbox: Outbox, clock: Clock) -> None:
    outbox.found(recording(clock.moment - timedelta(minutes=10)))
    job = outbox.next_to_convert()
    assert job is not None
    outbox.clip_failed(job, "busy", permanent=False)
    clock.seconds -= 365 * 86_400
    assert outbox.next_to_convert() is not None


def test_what_was_too_old_for_a_wrong_clock_is_taken_by_a_right_one(outbox: Outbox, clock: Clock) -> None:
    new = recording(clock.moment)
    clock.seconds += 400 * 86_400
    assert not outbox.found(new)
    assert outbox.is_known("porch", new.key, complete=True)
    assert outbox.next_to_convert() is None
    clock.seconds -= 400 * 86_400
    assert not outbox.is_known("porch", new.key, complete=True)
    assert outbox.known_keys("porch") == set()
    assert outbox.found(new)
    assert outbox.next_to_convert() is not None


def test_the_same_clip_under_another_key_is_told_once(outbox: Outbox, clock: Clock) -> None:
    """A recorder that renumbers its own, a database that was lost with the clips still there."""
    when = clock.moment - timedelta(hours=1)
    outbox.found(recording(when, key="a"))
    outbox.found(recording(when, key="b"))
    assert convert(outbox) == convert(outbox)
    assert waiting(outbox) == ["MediaCreatedOrUpdated"]
    assert outbox.next_to_convert() is None
    assert len(list(outbox.clips_by_age())) == 1


def test_keys_are_asked_for_by_their_beginning(outbox: Outbox, clock: Clock) -> None:
    for key in ("2026/a", "2026/b", "2027/a", "2026"):
        outbox.found(recording(clock.moment, key=key))
    outbox.found(recording(clock.moment, key="2026/c", complete=False))
    outbox.found(recording(clock.moment, key="2026/d", camera="garden"))
    assert outbox.known_keys("porch", prefix="2026/") == {"2026/a", "2026/b"}
    assert outbox.known_keys("porch") == {"2026/a", "2026/b", "2027/a", "2026"}


def test_deleting_a_clip_is_told_to_whoever_knows_of_it(outbox: Outbox, clock: Clock) -> None:
    outbox.found(recording(clock.moment - timedelta(hours=2), cause="audio"))
    outbox.found(recording(clock.moment - timedelta(hours=1), cause="audio"))
    told = convert(outbox)
    assert tell_all(outbox) == ["MediaCreatedOrUpdated"]
    convert(outbox)
    clips = list(outbox.clips_by_age())
    assert [clip.start for clip in clips] == sorted(clip.start for clip in clips)
    assert clips[0].identity == told
    assert clips[0].size == 1000
    for _ in range(2):
        outbox.deleted(told)
    assert waiting(outbox) == ["MediaCreatedOrUpdated", "MediaDeleted"]
    assert outbox.deletions() == [told]
    outbox.deletion_stored(told)
    assert outbox.deletions() == []
    outbox.deleted("unknown")
    assert len(list(outbox.clips_by_age())) == 1
    assert not outbox.found(recording(clock.moment - timedelta(hours=2), cause="audio")), "its recording is still known"


def test_a_clip_that_goes_before_it_was_told_is_not_told_any_more(outbox: Outbox, clock: Clock) -> None:
    outbox.found(recording(clock.moment - timedelta(hours=2)))
    outbox.deleted(convert(outbox))
    # A kill may have cut off the answer to the first: the deletion is told in any case.
    assert waiting(outbox) == ["MediaDeleted"]


def test_thousands_of_clips_are_walked_through_while_they_are_deleted(outbox: Outbox, clock: Clock) -> None:
    with outbox.batch():
        for number in range(1203):
            outbox.found(recording(clock.moment - timedelta(seconds=20_000 - number), key=str(number), cause="audio"))
            convert(outbox)
    seen = []
    for clip in outbox.clips_by_age():
        seen.append(clip.start)
        outbox.deleted(clip.identity)
    assert len(seen) == 1203
    assert seen == sorted(seen)
    assert list(outbox.clips_by_age()) == []


def test_devices_that_came_changed_or_went_are_told(outbox: Outbox) -> None:
    def device(name: str, friendly: str) -> dict[str, str]:
        return {"endpointId": name, "friendlyName": friendly}

    outbox.announce([device("a", "Porch"), device("b", "Garden")])
    outbox.announce([device("a", "Porch"), device("b", "Garden")])
    outbox.announce([device("a", "Front Porch"), device("c", "Drive")])
    told = [(one.kind, [item["endpointId"] for item in one.body["endpoints"]]) for one in outbox.queue.listed()]
    assert told == [("AddOrUpdateReport", ["a", "b"]), ("AddOrUpdateReport", ["a", "c"]), ("DeleteReport", ["b"])]


def test_hundreds_of_devices_take_several_messages(outbox: Outbox) -> None:
    outbox.announce([{"endpointId": f"e{number}"} for number in range(301)])
    assert [len(one.body["endpoints"]) for one in outbox.queue.listed()] == [300, 1]


def test_a_message_that_is_too_large_is_halved(outbox: Outbox) -> None:
    outbox.announce([{"endpointId": f"e{number}"} for number in range(5)])
    (message,) = outbox.queue.listed()
    outbox.queue.split(message)
    assert [len(one.body["endpoints"]) for one in outbox.queue.listed()] == [2, 3]


def test_the_queue_is_bounded_and_keeps_the_newest(outbox: Outbox) -> None:
    with outbox.batch():
        for number in range(MAX_WAITING + 200):
            outbox.queue.add("health", "porch", "ChangeReport", {"number": number}, happened=number)
        outbox.queue.add("motion", "porch", "ChangeReport", {}, happened=0)
    counts = outbox.queue.counts()
    assert MAX_WAITING <= counts["health"]["waiting"] <= MAX_WAITING + 64
    assert counts["motion"]["waiting"] == 1
    assert outbox.queue.listed()[-2].body == {"number": MAX_WAITING + 199}


def test_parked_messages_let_others_pass_and_come_back_when_asked(outbox: Outbox) -> None:
    for number in range(3):
        outbox.queue.add("media", "porch", "ChangeReport", {"number": number}, happened=number)
    (first,) = outbox.queue.heads()
    outbox.queue.park(first, "400 not good")
    (second,) = outbox.queue.heads()
    assert second.body == {"number": 1}
    (parked,) = outbox.queue.listed(parked=True)
    assert (parked.reason, parked.message_id) == ("400 not good", first.message_id)
    assert outbox.queue.retry([first.id, 999]) == 1
    (again,) = outbox.queue.heads()
    assert again.message_id == first.message_id
    assert outbox.queue.drop([first.id]) == 1
    assert outbox.queue.heads() == [second]


def test_a_full_disk_undoes_the_step_and_later_it_works(outbox: Outbox, clock: Clock, tmp_path: Path) -> None:
    with outbox.database.look() as sql:
        pages = sql.execute("PRAGMA page_count").fetchone()[0]
        sql.execute(f"PRAGMA max_page_count = {pages + 2}")
    found = 0

    def find_until_full() -> None:
        nonlocal found
        for number in range(1000):
            outbox.found(recording(clock.moment, key=f"{number}{'x' * 200}", cause="audio"))
            found += 1

    with pytest.raises(DatabaseError, match="full"):
        find_until_full()
    assert 0 < found < 1000
    with outbox.database.look() as sql:
        assert sql.execute("SELECT count(*) FROM recordings").fetchone()[0] == found
        sql.execute("PRAGMA max_page_count = 1000000")
    assert outbox.found(recording(clock.moment, key=f"{found}{'x' * 200}", cause="audio"))
    outbox.close()
    again = Outbox(tmp_path / "events.db", interfaces=INTERFACES, clock=clock)
    with again.database.look() as sql:
        assert sql.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    again.close()


def test_what_has_happened_is_written_down_as_soon_as_the_disk_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alexa_ip_cam.events.database._INSIST_SECONDS", 0.01)
    tries = []

    def step() -> None:
        tries.append(1)
        if len(tries) < 4:
            raise DatabaseError("full")

    assert insist(step, threading.Event())
    assert len(tries) == 4
    stopping = threading.Event()
    stopping.set()
    tries.clear()
    assert not insist(step, stopping)


def test_a_step_is_whole_or_not_at_all(outbox: Outbox, clock: Clock) -> None:
    def both() -> None:
        with outbox.batch():
            outbox.found(recording(clock.moment, key="a"))
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        both()
    assert not outbox.is_known("porch", "a", complete=True)
    assert waiting(outbox) == []
    assert outbox.found(recording(clock.moment, key="a"))


def test_what_another_program_changes_is_noticed(outbox: Outbox, tmp_path: Path) -> None:
    outbox.queue.add("media", "porch", "ChangeReport", {}, happened=0)
    (message,) = outbox.queue.heads()
    outbox.queue.park(message, "no")
    assert outbox.queue.heads() == []
    assert not outbox.database.changed_by_others()
    other = Outbox(tmp_path / "events.db", interfaces=INTERFACES)
    other.queue.retry([message.id])
    other.close()
    assert outbox.database.changed_by_others()
    assert not outbox.database.changed_by_others()
    outbox.queue.look_around()
    assert [one.id for one in outbox.queue.heads()] == [message.id]


@pytest.mark.parametrize("damage", ["not a database at all" * 100, ""])
def test_a_damaged_file_is_kept_and_a_new_one_begun(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "events.db"
    path.write_text(damage)
    Database(path).close()
    kept = list(tmp_path.glob("*.damaged-*"))
    assert len(kept) == bool(damage)
    assert ("is damaged" in caplog.text) == bool(damage)


def test_the_file_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    sql = sqlite3.connect(path)
    sql.execute("PRAGMA user_version = 99")
    sql.close()
    with pytest.raises(DatabaseError, match="another version"):
        Database(path)
    assert path.exists()


def test_no_place_for_the_file(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="cannot be opened"):
        Database(tmp_path / "missing" / "events.db")


def test_what_was_committed_survives_a_power_cut(outbox: Outbox) -> None:
    with outbox.database.look() as sql:
        assert sql.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert sql.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL


def test_looking_for_work_costs_nothing_however_much_is_known(outbox: Outbox) -> None:
    """Each question that is asked again and again goes through an index of its own."""
    with outbox.database.look() as sql:
        for query in (
            "SELECT min(camera) FROM recordings WHERE stage = 'found'",
            "SELECT * FROM recordings WHERE stage = 'found' AND camera = 'a' ORDER BY start LIMIT 5",
            "SELECT 1 FROM recordings WHERE stage = 'recording' AND camera = 'a'",
            "SELECT id, camera, key FROM recordings WHERE stage = 'recording'",
            "SELECT * FROM recordings WHERE stage = 'failed' ORDER BY id",
            "SELECT id FROM recordings WHERE stage = 'clip' AND start >= 1 AND (start, id) > (1, 1) ORDER BY start, id",
            "SELECT * FROM messages WHERE parked = 0 AND interface = 'a' AND camera = 'b' ORDER BY id LIMIT 1",
        ):
            plan = [row["detail"] for row in sql.execute(f"EXPLAIN QUERY PLAN {query}")]
            assert all("USING" in line and "INDEX" in line for line in plan), (query, plan)
            assert not [line for line in plan if "TEMP B-TREE" in line], (query, plan)
