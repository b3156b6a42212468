"""What the family sees: real connections through port 443, replayed through the model of the Echo's player.

Sessions begin at phases of the group of pictures that are spread evenly; the network pauses at random moments. The
direct path's sessions run at the same time, on LIVE555 instances of their own, because a viewer that takes nothing
makes LIVE555 hold all its viewers up, and the gateway is one of them.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

from benchmarks.direct import DirectCamera, direct
from benchmarks.echo_outcomes import (
    SETTLED_S,
    STOCK,
    delays,
    families,
    first_pictures,
    lost,
    rebuffers,
    slope,
)
from benchmarks.echo_sessions import Plan, Session, record
from benchmarks.figures import Figures, percentile
from benchmarks.streams import gateway_way
from home import Home
from simulators.echo.player import Outcome
from world import PROFILES

# Sessions of each camera, and the second at which its first one begins: no more at once than can be read well.
_PHASES = {"front-porch": (24, 0.0), "side-gate": (8, 75.0), "driveway": (8, 125.0)}
_PAUSES_S = (0.0, 1.0, 2.0, 2.5)
_LONG_PAUSE_S = 4.0
_PAUSE_AFTER_S = (6.0, 12.0)
_WATCH_S = 20.0
# The direct path may take 6.4 s to its first picture.
_DIRECT_WATCH_S = 12.0
_DIRECT_SETTLED_S = 8.0
_LATER_S = 75.0
_AFTER_LONG_PAUSE_S = 75.0
_LONG_ONES = 3
_DELAY_VIDEO_S = 4.6
_DELAY_AUDIO_S = 3.6


def run(home: Home) -> Figures:
    """Record everything, then replay it."""
    with direct(home, list(_PHASES)) as ways:
        plans = _long_plans(home) + _direct_paused_plans(ways["front-porch"])
        for camera_id, (count, begin) in _PHASES.items():
            plans += _gateway_plans(home, camera_id, count, begin)
            plans += _direct_plans(camera_id, ways[camera_id], count, begin)
        sessions = record(plans, address=home.appliance.address, roots_pem=home.roots_pem)
    return evaluate(sessions)


def starts(camera_id: str, count: int, begin: float) -> list[float]:
    """Moments in seconds, one in each of ``count`` equal parts of the group of pictures, a group after the other."""
    profile = PROFILES[camera_id]
    gop_s = profile.gop / profile.fps
    return [begin + number * gop_s * (1 + 1 / count) for number in range(count)]


def _gateway_plans(home: Home, camera_id: str, count: int, begin: float) -> list[Plan]:
    plans = []
    for number, start in enumerate(starts(camera_id, count, begin)):
        pause = _PAUSES_S[number % len(_PAUSES_S)]
        at = random.uniform(*_PAUSE_AFTER_S)  # noqa: S311 - no secret
        plans.append(Plan(f"gateway {camera_id}", gateway_way(home, camera_id), start, _WATCH_S, at, pause))
    return plans


def _direct_plans(camera_id: str, ways: DirectCamera, count: int, begin: float) -> list[Plan]:
    # A little later than the gateway's, so that both never connect in the same moment.
    moments = starts(camera_id, count, begin + 0.5)
    return [Plan(f"direct {camera_id}", ways.cold, start, _DIRECT_WATCH_S) for start in moments]


def _direct_paused_plans(ways: DirectCamera) -> list[Plan]:
    """One after the other, when the others of this camera are done."""
    plans = []
    for number, pause in enumerate(_PAUSES_S[1:]):
        at = random.uniform(*_PAUSE_AFTER_S)  # noqa: S311 - no secret
        begin = _LATER_S + number * (_WATCH_S + 2.0)
        plans.append(Plan("direct paused", ways.cold, begin, _WATCH_S, at, pause))
    return plans


def _long_plans(home: Home) -> list[Plan]:
    way = gateway_way(home, "front-porch")
    watch_s = _PAUSE_AFTER_S[1] + _LONG_PAUSE_S + _AFTER_LONG_PAUSE_S
    return [
        Plan(
            "gateway long pause",
            way,
            _LATER_S + 3.3 * number,
            watch_s,
            random.uniform(*_PAUSE_AFTER_S),  # noqa: S311 - no secret
            _LONG_PAUSE_S,
        )
        for number in range(_LONG_ONES)
    ]


def evaluate(sessions: list[Session]) -> Figures:
    """The figures of recorded sessions; the cameras beside the ancestor's have their id before each name."""
    figures = Figures()
    by_group: dict[str, list[Session]] = {}
    for session in sessions:
        by_group.setdefault(session.plan.group, []).append(session)
    for camera_id in _PHASES:
        prefix = "" if camera_id == "front-porch" else camera_id.replace("-", "_") + "_"
        _gateway_figures(figures, prefix, camera_id, by_group[f"gateway {camera_id}"])
        _direct_figures(figures, prefix, by_group[f"direct {camera_id}"])
    paused = _play(by_group["direct paused"])
    figures.add("direct_paused_rebuffers_7_1_per_session", rebuffers(paused["7_1"]) / len(paused["7_1"]))
    _long_pause_figures(figures, by_group["gateway long pause"])
    broken = [session for session in sessions if session.plan.group.startswith("gateway") and session.failed]
    for session in broken:
        print(f"  {session.plan.group}: {session.failed}")
    figures.add("gateway_sessions_broken", len(broken), "== 0")
    faults = [fault for session in sessions if session.plan.group.startswith("gateway") for fault in session.faults()]
    for reason in sorted({fault.reason for fault in faults})[:10]:
        print(f"  fault: {reason}")
    figures.add("gateway_faults", len(faults), "== 0")
    return figures


def _play(sessions: Iterable[Session]) -> dict[str, list[Outcome]]:
    """Outcomes by family, and under ``stock``."""
    found: dict[str, list[Outcome]] = {"stock": []}
    recorded = [session for session in sessions if session.recording is not None]
    for family, parameters in families().items():
        found[family] = []
        for session in recorded:
            outcomes = session.outcomes(parameters)
            found[family] += outcomes.values()
            found["stock"] += [outcome for name, outcome in outcomes.items() if name in STOCK]
    return found


def _gateway_figures(figures: Figures, prefix: str, camera_id: str, sessions: list[Session]) -> None:
    profile = PROFILES[camera_id]
    with_audio = profile.audio != "none"
    most = _DELAY_AUDIO_S + profile.gop / profile.fps if with_audio else _DELAY_VIDEO_S
    played = _play(sessions)
    first = first_pictures(played["stock"], never_s=_WATCH_S)
    figures.add(f"{prefix}gateway_first_picture_s_p50", percentile(first, 0.5), "<= 1.4")
    figures.add(f"{prefix}gateway_first_picture_s_max", max(first), "<= 1.4")
    for family in families():
        slowest = max(first_pictures(played[family], never_s=_WATCH_S))
        figures.add(f"{prefix}gateway_first_picture_s_max_{family}", slowest)
    figures.add(f"{prefix}rebuffers", rebuffers(played["7_1"]), "== 0")
    for family in ("fast_poll", "5_1"):
        figures.add(f"{prefix}rebuffers_{family}", rebuffers(played[family]))
    behind = delays(played["stock"])
    figures.add(f"{prefix}delay_s_p50", percentile(behind, 0.5), f"<= {most:.2f}")
    figures.add(f"{prefix}delay_s_max", max(behind), f"<= {most:.2f}")
    for family in families():
        figures.add(f"{prefix}delay_s_max_{family}", max(delays(played[family])))
    for reason, count in lost(played["stock"]).items():
        # With sound, the camera's own corrections of its clock make the player skip pictures now and then.
        figures.add(f"{prefix}gateway_{reason}", count, None if with_audio and reason == "late" else "== 0")


def _direct_figures(figures: Figures, prefix: str, sessions: list[Session]) -> None:
    played = _play(sessions)
    first = first_pictures(played["stock"], never_s=_DIRECT_WATCH_S)
    behind = delays(played["stock"], since_s=_DIRECT_SETTLED_S)
    figures.add(f"{prefix}direct_first_picture_s_p50", percentile(first, 0.5))
    figures.add(f"{prefix}direct_first_picture_s_max", max(first))
    figures.add(f"{prefix}direct_rebuffers_7_1_per_session", rebuffers(played["7_1"]) / len(played["7_1"]))
    figures.add(f"{prefix}direct_delay_s_p50", percentile(behind, 0.5))
    figures.add(f"{prefix}direct_delay_s_max", max(behind))
    for reason in ("late", "discarded"):
        figures.add(f"{prefix}direct_{reason}_per_session", lost(played["stock"])[reason] / len(played["stock"]))


def _long_pause_figures(figures: Figures, sessions: list[Session]) -> None:
    """How far behind before the pause, right after it, and a minute later."""
    before: list[float] = []
    after: list[float] = []
    later: list[float] = []
    slopes: list[float] = []
    for session in sessions:
        end = session.plan.pause_at_s + session.plan.pause_s
        outcomes = list(session.outcomes(STOCK).values())
        before += delays(outcomes, SETTLED_S, session.plan.pause_at_s)
        after += delays(outcomes, end + 3.0, end + 6.0)
        later += delays(outcomes, end + 60.0, end + 65.0)
        slopes += [slope([(at, delay) for at, delay in one.delays if end + 8 < at < end + 28]) for one in outcomes]
    figures.add("long_pause_delay_s_before", max(before))
    figures.add("long_pause_delay_s_after", max(after))
    figures.add("long_pause_delay_s_a_minute_later", max(later), f"<= {_DELAY_VIDEO_S}")
    figures.add("long_pause_slope_percent", -100 * percentile(slopes, 0.5))
