"""What the scripted cameras of these tests show."""

import pytest
from ansible.module_utils.appliance.camera_audit import probing

from unit.camera_audit import clips


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> list[list[bytes]]:
    """Pictures that every Echo plays, as NAL units."""
    return clips.pictures(clips.encode(tmp_path_factory.mktemp("clips") / "main.h264"))


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look ends as soon as there is nothing more to learn."""
    monkeypatch.setattr(probing, "_LISTEN_LEAST_SECONDS", 0.0)
