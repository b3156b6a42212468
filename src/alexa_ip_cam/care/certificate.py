"""The way of a certificate: on disk, served, as an Echo takes it, its life, its renewal."""

import time
from collections.abc import Callable, Sequence

from alexa_ip_cam.care import judge_machine, machine
from alexa_ip_cam.care.machine import Kept
from alexa_ip_cam.care.picture import tls
from alexa_ip_cam.care.settings import Settings
from alexa_ip_cam.care.steps import Outcome, Step, broken, good
from alexa_ip_cam.proof import on_disk, served
from alexa_ip_cam.proof.lifetime import Lifetime
from alexa_ip_cam.proof.on_disk import OnDisk
from alexa_ip_cam.proof.renewals import ALARM_FROM
from alexa_ip_cam.proof.served import Look
from alexa_ip_cam.proof.settings import Settings as Port


class Certificate:
    """Goes the way of the certificate; arguments as those of `picture.Picture`."""

    def __init__(self, settings: Settings, port: Port, clock: Callable[[], Outcome]) -> None:
        self._settings, self._port, self._clock = settings, port, clock

    def steps(self) -> list[Step]:
        """The steps; the clock first, because a wrong one makes everything else look wrong."""
        return [
            Step("clock", self._clock),
            Step("disk", lambda: disk(self._disk())),
            Step("stunnel", lambda: judge_machine.unit(machine.unit_state("stunnel@alexa-ip-cam"), "stunnel-stopped")),
            Step("served", self._served),
            Step("life", lambda: life(self._disk(), time.time())),
            Step("renewal", self._renewal),
        ]

    def _disk(self) -> OnDisk | None:
        return on_disk.read(self._port.lineage)

    def _served(self) -> Outcome:
        port, found = self._port, self._disk()
        looks = [served.look(port.address, port.port, name, port.roots) for name in port.names]
        return all_served(looks, found.leaf if found else b"", port)

    def _renewal(self) -> Outcome:
        return renewal(machine.unit_state("certbot.timer"), machine.kept(self._settings.renewals))


def disk(found: OnDisk | None) -> Outcome:
    """The certificate that certbot left."""
    if found is None:
        return broken("certificate-missing", what="no fullchain.pem")
    return good(f"up to {found.issuers[-1]}")


def all_served(looks: Sequence[Look], leaf: bytes, port: Port) -> Outcome:
    """Whether every name is served with the certificate on disk, and as an Echo takes it."""
    for look in looks:
        # Before what is wrong with it: an old one is wrong because it is old.
        if look.reached and look.leaf and look.leaf != leaf:
            return broken("certificate-old", name=look.name)
        refused = tls(look, port)
        if refused.key:
            return refused
    return good(f"as on disk, and as an Echo takes it: {', '.join(look.name for look in looks)}")


def life(found: OnDisk | None, now: float) -> Outcome:
    """Whether it is renewed in time."""
    if found is None:
        return broken("certificate-missing", what="no fullchain.pem")
    lifetime: Lifetime = found.lifetime
    if lifetime.is_late(now):
        return broken("certificate-late", days=f"{lifetime.days_left(now):.1f}")
    return good(f"{lifetime.days_left(now):.1f} days left")


def renewal(timer: str, kept: Kept) -> Outcome:
    """Whether it will be renewed."""
    if timer != "active":
        return broken("renewal-off", state=timer)
    failures = int(judge_machine.content(kept).get("failures", 0))
    if failures >= ALARM_FROM:
        return broken("renewal-failed", times=failures)
    return good("the timer runs" + (f"; the last {failures} tries failed" if failures else ""))
