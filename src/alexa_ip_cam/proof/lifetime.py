"""When a certificate is to be renewed, and when that is late: shares of its own life, never a number of days. Pure.

Public lifetimes go from 90 to 64 and 45 days, and there are some of 6 days.
"""

import math
from dataclasses import dataclass

DAY = 86_400.0
_SHORT_DAYS = 10


@dataclass(frozen=True)
class Lifetime:
    """From when to when a certificate is valid, in Unix seconds."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Its whole length."""
        return self.end - self.start

    @property
    def renewal_share(self) -> float:
        """What is left of its life when certbot begins to renew: a third, or half of a life below ten days.

        certbot does so by itself from version 4.1 on, unless the ACME server names a better time (RFC 9773).
        """
        return 1 / 2 if self.seconds < _SHORT_DAYS * DAY else 1 / 3

    @property
    def renew_hours_before_end(self) -> int:
        """The same in whole hours, rounded up, for older ones."""
        return math.ceil(self.seconds * self.renewal_share / 3600)

    def share_left(self, now: float) -> float:
        """What is left: 1 when new, 0 or less when expired."""
        return (self.end - now) / self.seconds

    def days_left(self, now: float) -> float:
        """The same in days."""
        return (self.end - now) / DAY

    def should_renew(self, now: float) -> bool:
        """Whether the time has come."""
        return self.share_left(now) < self.renewal_share

    def is_late(self, now: float) -> bool:
        """Whether half of the time for renewing has gone by in vain."""
        return self.share_left(now) < self.renewal_share / 2
