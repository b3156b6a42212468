"""From what was seen to what the page says: sentences and figures, no HTML. Pure, but for the time zone."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, NamedTuple

from alexa_ip_cam.alarm.cameras import is_asleep
from alexa_ip_cam.page.settings import Camera
from alexa_ip_cam.page.sources import Seen

GATEWAY_SECONDS = 60.0
EVENTS_SECONDS = 120.0
PROOF_SECONDS = 3 * 3600.0
CHECK_SECONDS = 26 * 3600.0
SNAPSHOT_SECONDS = 120.0
"""Older than this, a file no longer says how things are: its writer has stopped."""

_CAUSES = {
    "motion": "Motion",
    "audio": "Sound",
    "person": "Person",
    "app": "Asked for in an app",
    "voice": "Asked for by voice",
    "rule": "Rule",
}
_WAYS = {"picture": "Live picture", "event": "Recordings and events", "certificate": "Certificate", "skill": "Skill"}


class Line(NamedTuple):
    """One statement. `mood` is ``good``, ``bad``, ``unsure`` or ``plain``; `mend` says what to do."""

    mood: str
    title: str
    text: str
    mend: str = ""


class CameraView(NamedTuple):
    """A camera: `picture` is the path of its snapshot, empty when there is none that could be of today."""

    id: str
    name: str
    picture: str
    mood: str
    state: str
    facts: Sequence[tuple[str, str]]


class ClipView(NamedTuple):
    """A recording; `poster` is empty when there is no small picture of it (yet)."""

    url: str
    poster: str
    camera: str
    time: str
    moment: str
    length: str
    cause: str


class Day(NamedTuple):
    """A day's recordings, newest first."""

    title: str
    summary: str
    clips: Sequence[ClipView]


class View(NamedTuple):
    """The whole page."""

    cameras: Sequence[CameraView]
    alarms: Sequence[Line]
    days: Sequence[Day]
    queue: Sequence[Line]
    certificate: Sequence[Line]
    checks: Sequence[Line]


def view(
    seen: Seen,
    cameras: Sequence[Camera],
    posters: Collection[str],
    zone: tzinfo | None = None,
    *,
    gateway: bool = True,
) -> View:
    """What to show. `posters` are the media ids that have a small picture, `zone` the appliance's own by default.

    `gateway` is whether there is one; without it nobody knows how a camera is.
    """
    names = {camera.id: camera.name for camera in cameras}
    return View(
        cameras=[_camera(camera, seen) if gateway else _unwatched(camera) for camera in cameras],
        alarms=[Line("bad", f"Since {_when(alarm.since, zone)}", alarm.text) for alarm in seen.alarms],
        days=_days(seen, names, posters, zone),
        queue=_queue(seen),
        certificate=_certificate(seen, zone),
        checks=_checks(seen, names, zone),
    )


def _camera(camera: Camera, seen: Seen) -> CameraView:
    taken = seen.snapshots.get(camera.id)
    age = seen.now - taken if taken is not None else None
    picture = f"/live/{camera.id}.jpg" if taken is not None else ""
    facts: list[tuple[str, str]] = []
    if age is not None:
        facts.append(("Picture", "just now" if age < 45 else f"{_span(age)} old"))
    if not seen.gateway.is_fresh(GATEWAY_SECONDS):
        told = "The gateway does not run" if seen.gateway.age is not None else "The gateway has said nothing yet"
        told += ", so this may be an old picture." if picture else "."
        return CameraView(camera.id, camera.name, picture, "unsure", told, facts)
    cameras = seen.gateway.value.get("cameras")
    status = cameras.get(camera.id) if isinstance(cameras, dict) else None
    if not isinstance(status, dict):
        return CameraView(
            camera.id, camera.name, picture, "unsure", "The gateway does not know this camera yet.", facts
        )
    mood, state = _camera_state(status, age)
    if _number(status.get("frames_per_second")) and status.get("connected"):
        facts.append(("Frames", f"{status['frames_per_second']:.0f} per second"))
    viewers = _number(status.get("viewers"))
    facts.append(("Watching", "nobody" if not viewers else f"{viewers:.0f}"))
    first, worst = (_number(status.get(f"first_picture_{name}_seconds")) for name in ("p50", "max"))
    if first is not None and worst is not None:
        facts.append(("First picture", f"{_milliseconds(first)}, at most {_milliseconds(worst)}"))
    return CameraView(camera.id, camera.name, picture, mood, state, facts)


def _unwatched(camera: Camera) -> CameraView:
    told = "Live view goes without the gateway, which alone makes pictures for this page."
    return CameraView(camera.id, camera.name, "", "plain", told, [])


def _camera_state(status: Mapping[str, Any], age: float | None) -> tuple[str, str]:
    if not status.get("connected"):
        if is_asleep(status):
            return "plain", "Asleep until somebody watches."
        return "bad", f"No picture from the camera: {status.get('problem') or 'it has not answered yet'}."
    if age is None or age > SNAPSHOT_SECONDS:
        return "unsure", "Connected, but there is no new snapshot."
    return "good", "Connected."


def _queue(seen: Seen) -> list[Line]:
    if seen.events.age is None:
        return [Line("unsure", "Events", "The events service has said nothing yet, or is not set up.")]
    if not seen.events.is_fresh(EVENTS_SECONDS):
        mend = "on the appliance, look at: systemctl status alexa-ip-cam-events"
        return [Line("bad", "Events", f"The events service stopped {_span(seen.events.age)} ago.", mend)]
    status = seen.events.value
    lines = []
    if status.get("linked"):
        lines.append(Line("good", "Alexa", "Linked: events are told."))
    else:
        lines.append(Line("unsure", "Alexa", "Not linked, so nothing is told: link the skill in the Alexa app."))
    if status.get("linked") and status.get("halted"):
        lines.append(Line("bad", "Held back", f"Nothing is told for now: {status['halted']}"))
    messages = _objects(status.get("messages"))
    waiting = sum(int(_number(counts.get("waiting")) or 0) for counts in messages.values())
    parked = sum(int(_number(counts.get("parked")) or 0) for counts in messages.values())
    lines.append(Line("plain", "Waiting", _count(waiting, "message") if waiting else "Nothing waits to be told."))
    if parked:
        mend = "on the appliance, look at: alexa-ip-cam-events list"
        lines.append(Line("bad", "Parked", f"{_count(parked, 'message')} could not be told.", mend))
    recordings = status.get("recordings")
    failed = _number(recordings.get("failed")) if isinstance(recordings, dict) else None
    if failed:
        told = f"{_count(int(failed), 'recording')} could not be made into clips."
        lines.append(Line("unsure", "Without a clip", told, "on the appliance, look at: alexa-ip-cam-events list"))
    for title, key in (("Refused by Amazon", "refused"), ("Recordings not found", "troubles")):
        found = status.get(key)
        for name, why in found.items() if isinstance(found, dict) else ():
            lines.append(Line("bad", title, f"{name}: {why}"))
    return lines


def _certificate(seen: Seen, zone: tzinfo | None) -> list[Line]:
    proof = seen.proof.value
    if seen.proof.age is None or not isinstance(proof.get("ok"), bool):
        return [Line("unsure", "Proof", "The certificate has not been proved yet.")]
    days = _number(proof.get("days_left"))
    at = _number(proof.get("at")) or seen.now
    lines = []
    if days is not None:
        days -= max(0.0, seen.now - at) / 86_400
        left = "It has expired." if days <= 0 else f"{_count(int(days), 'day')} left."
        lines.append(Line("good" if proof["ok"] else "bad", "Certificate", left))
    problems = proof.get("problems")
    lines += [Line("bad", "Problem", str(problem)) for problem in (problems if isinstance(problems, list) else [])]
    late = not seen.proof.is_fresh(PROOF_SECONDS)
    told = f"Proved on port 443 on {_when(at, zone)}." if proof["ok"] else f"Looked at on {_when(at, zone)}."
    mend = "on the appliance, look at: systemctl list-timers alexa-ip-cam-proof.timer" if late else ""
    lines.append(Line("unsure" if late else "plain", "Last proof", told, mend))
    return lines


def _checks(seen: Seen, names: Mapping[str, str], zone: tzinfo | None) -> list[Line]:
    if seen.check.age is None:
        return [
            Line(
                "unsure", "Self-check", "There has been no self-check yet.", "on the appliance, run: alexa-ip-cam check"
            )
        ]
    ways = seen.check.value.get("ways")
    lines = []
    for way in ways if isinstance(ways, list) else []:
        try:
            title = _WAYS.get(way["way"], str(way["way"]))
            title = f"{title}, {names.get(way['subject'], way['subject'])}" if way["subject"] else title
            broken = next((step for step in way["steps"] if step["state"] == "failed"), None)
            untried = next((step for step in way["steps"] if step["state"] == "untried"), None)
            if broken is None and untried is not None:
                lines.append(Line("unsure", title, f"Not tried: {untried['step']}. {untried['text']}".strip()))
            elif broken is None:
                lines.append(Line("good", title, f"All {len(way['steps'])} steps are well."))
            else:
                lines.append(Line("bad", title, f"{broken['step']}: {broken['text']}", str(broken["mend"])))
        except (KeyError, TypeError):
            lines.append(Line("unsure", "Self-check", "One result has a form that this page does not know."))
    if not lines:
        lines.append(Line("unsure", "Self-check", "The last self-check looked at nothing."))
    late = not seen.check.is_fresh(CHECK_SECONDS)
    told = f"{_when(seen.now - seen.check.age, zone)}{', which is long ago' if late else ''}."
    lines.append(
        Line(
            "unsure" if late else "plain",
            "Last check",
            told,
            "on the appliance, run: alexa-ip-cam check" if late else "",
        )
    )
    return lines


def _days(seen: Seen, names: Mapping[str, str], posters: Collection[str], zone: tzinfo | None) -> list[Day]:
    today = datetime.fromtimestamp(seen.now, UTC).astimezone(zone).date()
    groups: dict[date, list[ClipView]] = {}
    for clip in seen.clips:
        local = clip.start.astimezone(zone)
        shown = ClipView(
            url=f"/recordings/{clip.path}",
            poster=f"/posters/{clip.identity}.jpg" if clip.identity in posters else "",
            camera=names.get(clip.camera_id, clip.camera_id),
            time=f"{local:%H:%M:%S}",
            moment=clip.start.isoformat(timespec="seconds"),
            length=_length(clip.length),
            cause=_CAUSES.get(clip.cause, clip.cause),
        )
        groups.setdefault(local.date(), []).append(shown)
    return [Day(_day(day, today), _summary(clips), clips) for day, clips in sorted(groups.items(), reverse=True)]


def _day(day: date, today: date) -> str:
    if day == today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    return f"{day:%A, %d %B %Y}"


def _summary(clips: Sequence[ClipView]) -> str:
    """A day in one sentence, busiest camera first."""
    counts: dict[str, int] = {}
    for clip in clips:
        counts[clip.camera] = counts.get(clip.camera, 0) + 1
    busiest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    told = ", ".join(f"{name} {number}" for name, number in busiest)
    return f"{_count(len(clips), 'recording')}, the last at {clips[0].time[:5]}: {told}"


def _when(moment: float, zone: tzinfo | None) -> str:
    return f"{datetime.fromtimestamp(moment, UTC).astimezone(zone):%d %B, %H:%M}"


def _length(length: timedelta) -> str:
    seconds = max(1, round(length.total_seconds()))
    return f"{seconds} s" if seconds < 60 else f"{seconds // 60} min {seconds % 60} s"


def _span(seconds: float) -> str:
    for unit, size in (("day", 86_400.0), ("hour", 3_600.0), ("minute", 60.0)):
        if seconds >= size:
            return _count(int(seconds // size), unit)
    return _count(int(seconds), "second")


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _objects(value: object) -> dict[str, dict[str, Any]]:
    found = value if isinstance(value, dict) else {}
    return {str(key): item for key, item in found.items() if isinstance(item, dict)}
