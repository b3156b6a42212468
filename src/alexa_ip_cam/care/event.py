"""The way of an event: disk, service, recordings, Apache, Alexa's permission, its event gateway, the queue."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alexa_ip_cam.care import judge_machine, machine
from alexa_ip_cam.care.settings import Settings
from alexa_ip_cam.care.steps import Outcome, Step, broken, good

_STATUS = Path("alexa-ip-cam-events/status.json")


class Event:
    """Goes the way of the events.

    Args:
        settings: of the self-check.
        before: what `progress` gave at the check before; empty at the first.
    """

    def __init__(self, settings: Settings, before: Mapping[str, Any]) -> None:
        self._settings, self._before = settings, before

    def steps(self) -> list[Step]:
        """The steps. What the service cannot work without comes before it; Alexa's only where there is a skill."""
        ours = [
            Step("disk", self._disk),
            Step("service", self._service),
            Step("recordings", lambda: recordings(self._status())),
            Step("clips", lambda: judge_machine.unit(machine.unit_state("apache2"), "apache-stopped")),
        ]
        alexas = [
            Step("permission", lambda: permission(self._status())),
            Step("alexa", lambda: alexa(self._status())),
            Step("queue", lambda: queue(self._status(), self._before)),
        ]
        return ours + alexas if self._settings.skill else ours

    def progress(self) -> dict[str, Any]:
        """What the next check needs to know of this one."""
        return progress(self._status())

    def _status(self) -> Mapping[str, Any]:
        return judge_machine.content(machine.kept(self._settings.run / _STATUS))

    def _disk(self) -> Outcome:
        settings = self._settings
        if not settings.clips.is_dir():
            return broken("clips-missing", path=settings.clips)
        outcome = judge_machine.disk(settings.var, machine.disk(settings.var))
        return outcome if outcome.key else judge_machine.disk(settings.clips, machine.disk(settings.clips))

    def _service(self) -> Outcome:
        unit = judge_machine.unit(machine.unit_state("alexa-ip-cam-events"), "events-stopped")
        return unit if unit.key else judge_machine.status(machine.kept(self._settings.run / _STATUS), "events-silent")


def recordings(status: Mapping[str, Any]) -> Outcome:
    """Whether the service, with its own rights, finds the recordings."""
    for camera, why in status.get("troubles", {}).items():
        return broken("recordings-unreadable", camera=camera, what=why)
    stages = ", ".join(f"{number} {stage}" for stage, number in status.get("recordings", {}).items() if number)
    return good(stages or "looked for")


def permission(status: Mapping[str, Any]) -> Outcome:
    """Whether Alexa's permission lives: the events service knows from its own tries."""
    halted = str(status.get("halted") or "")
    if "permission has ended" in halted or "deploy the skill again, then link it again" in halted:
        return broken("grant-dead", what=halted)
    if not status.get("linked"):
        return broken("not-linked")
    return good("linked")


# Amazon's codes ("Send Events to the Alexa Event Gateway"), which stand at the end of what the service says.
_DISABLED = ("SKILL_DISABLED_EXCEPTION", "SKILL_NEVER_ENABLED_EXCEPTION")
_DEAD = ("SKILL_NOT_FOUND_EXCEPTION", "ACCOUNT_NOT_FOUND_EXCEPTION", "INVALID_ACCESS_TOKEN_EXCEPTION")


def alexa(status: Mapping[str, Any]) -> Outcome:
    """Whether Alexa's event gateway takes what it is sent."""
    halted = str(status.get("halted") or "")
    if not halted:
        return good("takes events")
    if any(code in halted for code in _DISABLED):
        return broken("skill-disabled", what=halted)
    return broken("grant-dead" if any(code in halted for code in _DEAD) else "events-held", what=halted)


def queue(status: Mapping[str, Any], before: Mapping[str, Any]) -> Outcome:
    """Whether messages go out."""
    now = progress(status)
    if now["parked"]:
        return broken("messages-parked", number=now["parked"])
    if now["waiting"] and before.get("waiting") and before.get("told") == now["told"]:
        return broken("messages-stuck", number=now["waiting"])
    return good(f"{now['told']} told since the start" + (f", {now['waiting']} waiting" if now["waiting"] else ""))


def progress(status: Mapping[str, Any]) -> dict[str, Any]:
    """How many messages wait and are parked, and how many were told since the service's start."""
    counts = list(status.get("messages", {}).values())
    return {
        "waiting": sum(int(one["waiting"]) for one in counts),
        "parked": sum(int(one["parked"]) for one in counts),
        "told": int(status.get("counts", {}).get("told", 0)),
    }
