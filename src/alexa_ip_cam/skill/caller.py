"""What one directive is answered with: its owner's homes, and where their states and grants are kept."""

from collections.abc import Callable
from typing import NamedTuple

from alexa_ip_cam.alexa.errors import NoSuchEndpointError
from alexa_ip_cam.alexa.messages import Directive
from alexa_ip_cam.alexa.store import Store

from .settings import Camera, Settings, Site


class Caller(NamedTuple):
    """Whoever Alexa asks for. `sites` are theirs alone; `store` opens a site's store and may raise `StoreError`."""

    user_id: str
    sites: tuple[Site, ...]
    settings: Settings
    store: Callable[[Site], Store]

    def camera(self, directive: Directive) -> tuple[Site, Camera]:
        """The camera that a directive is for.

        Raises:
            NoSuchEndpointError: it is none of the caller's.
        """
        for site in self.sites:
            if camera := site.cameras.get(directive.endpoint_id or ""):
                return site, camera
        raise NoSuchEndpointError("This camera is not, or no longer, in the inventory.")
