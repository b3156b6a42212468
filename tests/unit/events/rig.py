"""An outbox and a publisher between a recorder that the test plays and the simulated Amazon."""

import time
from collections.abc import Callable
from pathlib import Path

from alexa_ip_cam.alexa.event_gateway import EventGateway as Connection
from alexa_ip_cam.alexa.lwa import Client, exchange_code
from alexa_ip_cam.alexa.lwa import Tokens as LwaTokens
from alexa_ip_cam.events.config import INTERFACES
from alexa_ip_cam.events.messages import Site
from alexa_ip_cam.events.outbox import Outbox
from alexa_ip_cam.events.publisher import Publisher, Timing
from alexa_ip_cam.events.tokens import Tokens
from simulators.amazon.event_gateway import EventGateway
from simulators.amazon.lwa import Lwa
from simulators.events_service import BRISK, FileStore

CLIENT = Client("amzn1.application-oa2-client.skill", "a skill's secret")
SITE = Site("cams.example.com", "clips.example.com", "0" * 40, 600, {"a": "NONE", "b": "NONE"}, frozenset(INTERFACES))


class Rig:
    """An outbox, a publisher and Amazon's side."""

    def __init__(self, folder: Path, lwa: Lwa, gateway: EventGateway) -> None:
        self.lwa, self.gateway = lwa, gateway
        self.outbox = Outbox(folder / "events.db", interfaces=INTERFACES)
        self.store = FileStore(folder / "store.json")
        self.tokens = Tokens(folder / "tokens.json", self.store, url=lwa.url, patience=0.2)
        self.publisher: Publisher | None = None
        self.link()

    def link(self) -> None:
        tokens = exchange_code(self.lwa.new_code(CLIENT.client_id, "family"), CLIENT, url=self.lwa.url)
        self.store.link(LwaTokens(tokens.access_token, tokens.refresh_token, time.time() + 3600), CLIENT)

    def start(
        self, timing: Timing = BRISK, *, rate: float = 1000, timeout: float = 5, url: str = "", site: Site = SITE
    ) -> Publisher:
        gateways = dict.fromkeys(("NA", "EU", "FE"), url or self.gateway.url)
        self.publisher = Publisher(
            self.outbox,
            self.tokens,
            site,
            gateways=gateways,
            rate=rate,
            timing=timing,
            connect=lambda: Connection(timeout),
        )
        self.publisher.start()
        return self.publisher

    def stop(self) -> None:
        if self.publisher is not None:
            self.publisher.stop()

    def clip(self, number: int, camera: str = "a") -> None:
        self.outbox.queue.add(
            "media",
            camera,
            "MediaCreatedOrUpdated",
            {"start": number * 1000, "end": number * 1000 + 500, "cause": "motion"},
            happened=0,
            identity=f"{camera}_{number}",
        )

    def motion(self, value: str, camera: str = "a") -> None:
        self.outbox.set_state(camera, "detection", value, self.outbox.now() - 100)

    @property
    def told(self) -> list[str]:
        return [one.media_id or one.name for one in self.gateway.accepted]

    def wait(self, condition: Callable[[], object], seconds: float = 15) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"told {self.told}, waiting {self.outbox.queue.listed()}"
            time.sleep(0.01)

    def wait_empty(self) -> None:
        self.wait(lambda: not self.outbox.queue.listed(parked=False))
