"""``make bench``: run the benchmarks on one appliance and write ``build/bench/<name>.json`` for each.

Names on the command line choose; without any, all run but ``hour`` and ``soak``. docs/benchmarks.md tells what
each measures.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
import traceback
from pathlib import Path

from benchmarks.figures import Figures
from home import Home

BUILD = Path(__file__).resolve().parent.parent / "build" / "bench"
# In the order of what an owner notices first.
NAMES = (
    "first-picture",
    "echo-model",
    "players",
    "audio-video-only",
    "slow-viewers",
    "recovery",
    "renewal",
    "load",
    "capacity",
    "hostile",
    "skill",
    "events",
    "recordings",
)
WITHOUT_HOME = ("skill", "events", "recordings", "soak")  # or with one of their own
ONLY_WHEN_NAMED = ("hour", "soak")


def main() -> int:
    """Run what was asked for; 1 when a target was missed or a benchmark broke down."""
    parser = argparse.ArgumentParser(prog="make bench ONLY=", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(NAMES + ONLY_WHEN_NAMED))
    names = parser.parse_args().names or list(NAMES)
    unknown = [name for name in names if name not in NAMES + ONLY_WHEN_NAMED]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are: {', '.join(NAMES + ONLY_WHEN_NAMED)}")
    BUILD.mkdir(parents=True, exist_ok=True)
    failed = sum(_misses(name, None) for name in names if name in WITHOUT_HOME)
    names = [name for name in names if name not in WITHOUT_HOME]
    if names:
        with Home("bench", BUILD / "home") as home:
            print("building the appliance", flush=True)
            home.site()
            failed += sum(_misses(name, home) for name in names)
    return 1 if failed else 0


def _misses(name: str, home: Home | None) -> int:
    """How many targets a benchmark misses; one if it broke down."""
    print(f"\n{name}", flush=True)
    begun = time.monotonic()
    try:
        return len(_one(name, home).missed())
    except Exception:  # noqa: BLE001 - the others are worth having although this one broke down
        traceback.print_exc()
        return 1
    finally:
        print(f"  {time.monotonic() - begun:.0f} s", flush=True)


def _one(name: str, home: Home | None) -> Figures:
    """Run one benchmark, keep its figures and show them."""
    run = importlib.import_module("benchmarks." + name.replace("-", "_")).run
    figures: Figures = run() if home is None else run(home)
    (BUILD / f"{name}.json").write_text(json.dumps(figures.as_dict(), indent=2) + "\n", encoding="utf-8")
    print(figures.table(), flush=True)
    return figures


if __name__ == "__main__":
    sys.exit(main())
