"""Looking for recordings: who is held up by whom, and what a failure in the middle leaves behind."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alexa_ip_cam.events.database import DatabaseError
from alexa_ip_cam.events.outbox import Outbox
from alexa_ip_cam.events.recording import AsksWhatIsKnown, Recording, Source
from alexa_ip_cam.events.scanning import Scanner
from alexa_ip_cam.events.sources import make_source

HOUR_AGO = datetime.now(UTC) - timedelta(hours=1)


def recording(camera: str, number: int) -> Recording:
    start = HOUR_AGO + timedelta(seconds=number)
    return Recording(camera, str(number), (Path("/r/x"),), start, start, "audio", complete=True)


class Shelf:
    """A source that hands out each recording once, as far as it knows."""

    def __init__(self, camera: str, numbers: Iterable[int]) -> None:
        self._camera = camera
        self._left = list(numbers)
        self.closed_files: list[Path] = []
        self.asked: Callable[[str], bool] | None = None

    def scan(self) -> Iterator[Recording]:
        while self._left:
            yield recording(self._camera, self._left.pop(0))

    def directories(self) -> Iterable[Path]:
        return [Path("/r") / self._camera]

    def unsettled(self) -> bool:
        return False

    def closed(self, path: Path) -> None:
        self.closed_files.append(path)

    def ask(self, known: Callable[[str], bool]) -> None:
        self.asked = known


class Hints:
    """A watcher that a test moves."""

    def __init__(self, closed: Callable[[str, Path], None]) -> None:
        self.tell_closed = closed
        self.watched: dict[str, list[Path]] = {}
        self._changed: set[str] = set()
        self._event = threading.Event()

    def watch(self, camera_id: str, directories: Iterable[Path]) -> None:
        self.watched[camera_id] = list(directories)

    def wait(self, seconds: float) -> set[str]:
        self._event.wait(seconds)
        self._event.clear()
        changed, self._changed = self._changed, set()
        return changed

    def change(self, camera_id: str) -> None:
        self._changed.add(camera_id)
        self._event.set()

    def wake(self) -> None:
        self._event.set()

    def close(self) -> None:
        pass


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    outbox = Outbox(tmp_path / "events.db", interfaces=[])
    yield outbox
    outbox.close()


class Rig:
    def __init__(self, outbox: Outbox, sources: dict[str, Callable[[], Source]], rescan: float = 60) -> None:
        self.outbox = outbox
        self.hints: Hints | None = None

        def watcher(closed: Callable[[str, Path], None]) -> Hints:
            self.hints = Hints(closed)
            return self.hints

        self.scanner = Scanner(outbox, sources, watcher, rescan)

    def found(self, camera: str) -> set[str]:
        return self.outbox.known_keys(camera)

    def wait(self, condition: Callable[[], object]) -> None:
        end = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.01)


def test_a_source_that_hangs_holds_up_nobody(outbox: Outbox) -> None:
    dead = threading.Event()

    class Dead(Shelf):
        def scan(self) -> Iterator[Recording]:
            dead.wait(20)
            return iter(())

    rig = Rig(outbox, {"dead": lambda: Dead("dead", []), "porch": lambda: Shelf("porch", range(5))})
    rig.scanner.start()
    rig.wait(lambda: len(rig.found("porch")) == 5)
    dead.set()
    rig.scanner.stop()


def test_a_hint_is_followed_at_once_and_a_closed_file_told(outbox: Outbox) -> None:
    shelf = Shelf("porch", [0])
    rig = Rig(outbox, {"porch": lambda: shelf})
    rig.scanner.start()
    rig.wait(lambda: rig.found("porch") == {"0"})
    assert rig.hints is not None
    rig.wait(lambda: rig.hints is not None and rig.hints.watched == {"porch": [Path("/r/porch")]})
    assert shelf.asked is not None
    assert shelf.asked("0")
    assert not shelf.asked("1")
    rig.hints.tell_closed("porch", Path("/r/porch/x"))
    assert shelf.closed_files == [Path("/r/porch/x")]
    shelf._left.append(1)
    rig.hints.change("porch")
    rig.wait(lambda: rig.found("porch") == {"0", "1"})
    rig.scanner.stop()


def test_without_hints_it_is_found_by_looking_again(outbox: Outbox) -> None:
    shelf = Shelf("porch", [])
    rig = Rig(outbox, {"porch": lambda: shelf}, rescan=0.1)
    rig.scanner.start()
    shelf._left.append(1)
    rig.wait(lambda: rig.found("porch") == {"1"})
    rig.scanner.stop()


@pytest.mark.parametrize("fault", [DatabaseError("the disk is full"), RuntimeError("a fault")])
def test_what_could_not_be_taken_down_is_looked_for_again(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    """The source believes to have handed it out; another one looks at everything."""
    monkeypatch.setattr("alexa_ip_cam.events.scanning._AFTER_TROUBLE_SECONDS", 0.05)
    failures = [fault] * 2
    real = outbox.found

    def found(one: Recording) -> bool:
        if one.key == "150" and failures:
            raise failures.pop()
        return real(one)

    monkeypatch.setattr(outbox, "found", found)
    rig = Rig(outbox, {"porch": lambda: Shelf("porch", range(250))})
    rig.scanner.start()
    rig.wait(lambda: len(rig.found("porch")) == 250)
    rig.wait(lambda: not rig.scanner.troubles())
    assert rig.scanner.alive()
    rig.scanner.stop()


def test_a_place_that_is_not_there_is_told_once(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("alexa_ip_cam.events.scanning._AFTER_TROUBLE_SECONDS", 0.05)

    class Missing(Shelf):
        def scan(self) -> Iterator[Recording]:
            raise FileNotFoundError(2, "No such file or directory", "/r/porch")

    rig = Rig(outbox, {"porch": lambda: Missing("porch", [])})
    rig.scanner.start()
    rig.wait(rig.scanner.troubles)
    time.sleep(0.3)
    assert "/r/porch" in rig.scanner.troubles()["porch"]
    assert caplog.text.count("cannot be looked for") == 1
    rig.scanner.stop()


def test_a_folder_full_of_known_files_is_not_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a start thousands of files lie there; asking the database is a thousand times cheaper than ffprobe."""
    looked: list[Path] = []

    def look_at(path: Path) -> tuple[int, int, int]:
        looked.append(path)
        return (1, 2, time.time_ns())

    monkeypatch.setattr("alexa_ip_cam.events.sources.directory.look_at", look_at)
    names = [f"Cam_01_{datetime.now(UTC) - timedelta(minutes=n):%Y%m%d%H%M%S}.mp4" for n in range(1, 6)]
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    source = make_source("porch", {"type": "directory", "layout": "reolink", "path": str(tmp_path), "timezone": "UTC"})
    assert isinstance(source, AsksWhatIsKnown)
    source.ask(lambda key: key != names[2])
    assert [one.key for one in source.scan()] == [names[2]]
    assert looked == [tmp_path / names[2]]
