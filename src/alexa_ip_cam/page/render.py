"""The page's HTML, from a template in which everything is escaped unless it says otherwise (and nothing does)."""

from datetime import UTC, datetime
from pathlib import Path

import jinja2

from alexa_ip_cam.page.view import View


class Renderer:
    """Holds the template, which is read once.

    Raises:
        OSError: it cannot be read.
    """

    def __init__(self, template: Path) -> None:
        environment = jinja2.Environment(
            autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        self._template = environment.from_string(template.read_text(encoding="utf-8"))

    def page(self, shown: View, now: float) -> str:
        """The page as it is at `now`, Unix seconds."""
        moment = datetime.fromtimestamp(now, UTC).astimezone()
        return self._template.render(view=shown, at=int(now), time=f"{moment:%H:%M:%S}")
