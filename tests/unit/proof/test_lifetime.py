"""Renewals over years of simulated time: planned by the certificate's own lifetime, and never a storm of requests."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from ansible.module_utils.appliance import certificate_rules

from alexa_ip_cam.proof import plan, renewals
from alexa_ip_cam.proof.lifetime import DAY, Lifetime

HALF_DAY = DAY / 2
WEEK = 7 * DAY


@pytest.mark.parametrize(("days", "before_end"), [(90, 30), (64, 64 / 3), (47, 47 / 3), (45, 15), (10, 10 / 3), (6, 3)])
def test_a_third_of_its_life_before_the_end_or_half_of_a_short_one(days: float, before_end: float) -> None:
    life = Lifetime(0.0, days * DAY)
    assert not life.should_renew((days - before_end) * DAY - 60)
    assert life.should_renew((days - before_end) * DAY + 60)
    assert not life.is_late((days - before_end / 2) * DAY - 60)
    assert life.is_late((days - before_end / 2) * DAY + 60)
    assert life.renew_hours_before_end == pytest.approx(before_end * 24, abs=1)


@pytest.mark.parametrize("days", [0.1, 6, 9.9, 10, 45, 64, 90, 398])
def test_the_role_and_the_proof_reckon_alike(days: float) -> None:
    start = dt.datetime(2027, 2, 10, tzinfo=dt.UTC)
    found = certificate_rules.Certificate(
        names=frozenset(),
        key_type="rsa",
        key_size=2048,
        issuers=("R",),
        not_before=start,
        not_after=start + dt.timedelta(days=days),
        serial="1",
        key_matches=True,
    )
    life = Lifetime(found.not_before.timestamp(), found.not_after.timestamp())
    for share in (0.9, 0.51, 0.49, 0.34, 0.32, 0.26, 0.24, 0.17, 0.16, 0.01, -0.1):
        now = life.end - share * life.seconds
        told = certificate_rules.overdue(found, dt.datetime.fromtimestamp(now, dt.UTC))
        assert (told is not None) == life.is_late(now)
    assert found.renewal_share == life.renewal_share


@dataclass
class Years:
    """certbot's timer twice a day, on the certificate at hand."""

    days: float
    works: Callable[[float], bool] = lambda _: True
    orders: list[float] = field(default_factory=list)
    renewed: list[float] = field(default_factory=list)
    least_left: float = 1.0
    alarms: list[float] = field(default_factory=list)

    def live(self, years: float) -> Years:
        now, failures = 0.0, 0
        life = Lifetime(0.0, self.days * DAY)
        while now < years * 365 * DAY:
            now += HALF_DAY
            # What the timer's certbot decides by: before version 4 the hours that the plan wrote.
            due = life.end - now < life.renew_hours_before_end * 3600
            assert due == life.should_renew(now) or abs(life.share_left(now) - life.renewal_share) < 0.01
            if due:
                self.orders.append(now)
                if self.works(now):
                    life, failures = Lifetime(now, now + self.days * DAY), 0
                    self.renewed.append(now)
                else:
                    failures += 1
                    if renewals.alarm(failures, "") is not None:
                        self.alarms.append(now)
            self.least_left = min(self.least_left, life.share_left(now))
        return self


def most_within(times: list[float], seconds: float) -> int:
    return max(sum(1 for other in times if 0 <= other - time < seconds) for time in times)


@pytest.mark.parametrize(("days", "a_year"), [(90, 6), (64, 8.5), (45, 12), (6, 104)])
def test_years_without_trouble(days: float, a_year: int) -> None:
    lived = Years(days).live(5)
    assert lived.orders == lived.renewed
    assert len(lived.renewed) / 5 == pytest.approx(a_year, rel=0.1)
    assert lived.least_left > 0.3
    # Let's Encrypt issues five certificates for the same names in a week.
    assert most_within(lived.renewed, WEEK) <= 3
    gaps = [later - earlier for earlier, later in itertools.pairwise(lived.renewed)]
    assert min(gaps) > days * DAY * 0.45


@pytest.mark.parametrize("days", [90, 45, 6])
def test_an_acme_server_that_is_down_for_two_days(days: float) -> None:
    """The timer goes on twice a day, the third failure alarms, and it recovers before the certificate ends."""
    first = Years(days).live(1).orders[0]
    lived = Years(days, works=lambda now: not first <= now < first + 2 * DAY).live(1)
    assert most_within(lived.orders, DAY) <= 2
    assert lived.orders[:3] == [first, first + HALF_DAY, first + DAY]
    assert lived.alarms == [first + DAY, first + 1.5 * DAY]
    assert lived.renewed[0] == first + 2 * DAY
    assert lived.least_left > 0


@pytest.mark.parametrize("days", [90, 45, 6])
def test_one_that_never_comes_back_is_asked_twice_a_day_and_no_more(days: float) -> None:
    lived = Years(days, works=lambda _: False).live(1)
    assert most_within(lived.orders, DAY) <= 2


def test_without_the_plan_an_old_certbot_would_storm() -> None:
    """Its 30 days before the end are always reached in a life of 6 days: an order at each run of the timer."""
    life, week = Lifetime(0.0, 6 * DAY), [HALF_DAY * number for number in range(14)]
    assert sum(1 for now in week if life.end - now < 30 * DAY) == 14
    assert sum(1 for now in week if life.end - now < life.renew_hours_before_end * 3600) <= 9


CONF = """\
# renew_before_expiry = 30 days
version = 2.1.0
archive_dir = /etc/letsencrypt/archive/alexa-ip-cam

[renewalparams]
server = https://acme.example/dir
"""


def test_the_plan_is_written_once_before_the_first_section() -> None:
    first = plan.planned(CONF, Lifetime(0.0, 45 * DAY), help_certbot=True)
    assert first.startswith("renew_before_expiry = 360 hours\nversion = 2.1.0\n")
    assert first.count("renew_before_expiry") == 1
    assert plan.planned(first, Lifetime(0.0, 45 * DAY), help_certbot=True) == first
    short = plan.planned(first, Lifetime(0.0, 6 * DAY), help_certbot=True)
    assert short.startswith("renew_before_expiry = 72 hours\n")


def test_a_newer_certbot_is_left_to_itself() -> None:
    """With a setting of ours it would not go by what the ACME server suggests (RFC 9773)."""
    planned = plan.planned(CONF, Lifetime(0.0, 45 * DAY), help_certbot=True)
    rest = plan.planned(planned, Lifetime(0.0, 45 * DAY), help_certbot=False)
    assert "renew_before_expiry" not in rest
    assert rest.startswith("version = 2.1.0\n")


@pytest.mark.parametrize(("version", "helped"), [("2.1.0", True), ("4.0.0", True), ("4.1.0", False), ("5.8.0", False)])
def test_versions_of_certbot(monkeypatch: pytest.MonkeyPatch, version: str, helped: bool) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda _: version)
    monkeypatch.delenv(plan.FROM_PIP, raising=False)
    assert plan.needs_help() is helped
    monkeypatch.setenv(plan.FROM_PIP, "1")
    assert plan.needs_help() is False
