"""One machine for all tests of the outer roles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from home.playbook import Recap
from machine.edge.alarms import Alarms
from machine.edge.bench import FILM, Edge


@dataclass(frozen=True)
class Built:
    """The edge and its first runs."""

    edge: Edge
    check: Recap
    first: Recap


# In check mode on the bare machine. The other roles go through that as parts of a whole home (machine/test_runs.py),
# which has no haproxy, and tells nobody of alarms.
CHECKED = ("alarm", "haproxy")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    with Edge(tmp_path_factory.mktemp("edge")) as edge:
        check = edge.play("--check", "--diff", roles=CHECKED)
        first = edge.play("--diff")
        edge.stand_in(**edge.camera_ports)
        for path in ("clips/garage/film.mp4", "clips/garage/other.mp4", "clips/garage/notes.txt"):
            edge.appliance.write(f"/srv/alexa-ip-cam/{path}", FILM)
        edge.appliance.write("/srv/alexa-ip-cam/snapshots/garage.jpg", b"\xff\xd8picture")
        edge.appliance.write("/srv/alexa-ip-cam/secret.mp4", b"not to be seen")
        edge.appliance.run(["ln", "-s", "/srv/alexa-ip-cam/secret.mp4", "/srv/alexa-ip-cam/clips/link.mp4"])
        yield Built(edge, check, first)


@pytest.fixture
def edge(built: Built) -> Edge:
    return built.edge


@pytest.fixture(scope="session")
def listening(built: Built) -> Alarms:
    return Alarms(built.edge)


@pytest.fixture
def alarms(listening: Alarms) -> Alarms:
    """Nothing is raised, and nobody remembers what was told: one that comes back within an hour would wait."""
    listening.forget()
    return listening
