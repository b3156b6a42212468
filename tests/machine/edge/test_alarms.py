"""The way of an alarm to the owner, by Debian's own mail programs and by a webhook."""

from __future__ import annotations

import json
import time

import pytest

from home.inventory import STREAMS_NAME
from machine.edge.alarms import Alarms
from machine.edge.bench import WEBHOOK_TOKEN, Edge
from machine.edge.conftest import Built

pytestmark = pytest.mark.machine

BOARD = "/var/lib/alexa-ip-cam-alarm"
WAYS = ["journal: told", "mail: told", "webhook: told"]


def try_all(edge: Edge) -> tuple[list[str], str]:
    """What the owner's test says: of the ways that were told, sorted, and of those that were not."""
    done = edge.appliance.run(["alexa-ip-cam-alarm", "test"], check=False, timeout=120)
    assert done.returncode == (1 if done.stderr else 0)
    return sorted(done.stdout.splitlines()), done.stderr


def test_a_test_reaches_the_owner_by_every_way(edge: Edge, alarms: Alarms) -> None:
    assert try_all(edge) == (WAYS, "")
    post = alarms.wait("this is only a test")
    assert post.title == f"{STREAMS_NAME}: test: this is only a test. Alarms of this appliance reach you."
    assert post.authorization == f"Bearer {WEBHOOK_TOKEN}"
    mail = alarms.wait_for_mail("this is only a test")
    assert (mail.sender, mail.recipients) == ("<appliance@example.test>", ["<owner@example.test>"])
    head, _, body = mail.text.partition("\n\n")
    assert f"Subject: {STREAMS_NAME}: test: this is only a test." in head
    assert "From: appliance@example.test" in head.replace("<", "").replace(">", "")
    assert body.strip() == "test: this is only a test. Alarms of this appliance reach you."
    assert "test: this is only a test" in edge.appliance.journal("alexa-ip-cam-alarm.service")
    assert alarms.raised() == []


def test_a_mail_host_that_is_gone_is_told_by_the_test_and_the_alarm_comes_later(edge: Edge, alarms: Alarms) -> None:
    with alarms.no_mail_host():
        told, said = try_all(edge)
        assert told == [way for way in WAYS if "mail" not in way]
        assert said.startswith("mail: NOT told: /usr/sbin/sendmail took no mail (status ")
        assert "Connection refused" in said
        edge.appliance.run(["alexa-ip-cam-alarm", "raise", "events-parked", "four events wait for Amazon"])
        alarms.wait("four events wait for Amazon")
    # The timer's next run.
    edge.appliance.run(["systemctl", "start", "alexa-ip-cam-alarm.service"])
    assert "To: owner@example.test" in alarms.wait_for_mail("four events wait for Amazon").text


def test_a_mail_program_with_a_queue_takes_mails_when_the_role_has_seen_it(edge: Edge, alarms: Alarms) -> None:
    """Its queue belongs to a group, which the unit has to be in."""
    alarms.set_up("postfix")
    try:
        assert edge.play(roles=("alarm",)).changed > 0
        assert try_all(edge) == (WAYS, "")
        with alarms.no_mail_host():
            edge.appliance.run(["alexa-ip-cam-alarm", "raise", "events-grant", "Alexa takes no events"])
            queued = "until postqueue -p | grep -q 'Connection refused'; do sleep 0.2; done"
            edge.appliance.run(["timeout", "20", "sh", "-c", queued])
        edge.appliance.run(["postqueue", "-f"])
        assert alarms.wait_for_mail("Alexa takes no events").recipients == ["<owner@example.test>"]
    finally:
        alarms.set_up("msmtp-mta")


def test_a_gateway_that_has_not_run_for_an_hour_is_told(edge: Edge, alarms: Alarms) -> None:
    """There is none on this machine; what the watch remembers says since when."""
    memory = json.dumps({"gateway": time.time() - 3700}).encode()
    edge.appliance.write(f"{BOARD}/cameras.json", memory)
    edge.appliance.run(["systemctl", "start", "alexa-ip-cam-alarm-cameras.service"])
    assert "journalctl -u alexa-ip-cam-gateway" in alarms.wait("the gateway does not run").body
    edge.appliance.run(["rm", f"{BOARD}/cameras.json"])


def test_a_service_in_the_group_may_raise_alarms_and_another_may_not(edge: Edge, alarms: Alarms) -> None:
    """As the events' service will."""
    command = ["alexa-ip-cam-alarm", "raise", "events-parked", "three events wait for Amazon"]
    run = ["systemd-run", "--pipe", "--wait", "-q", "-p", "DynamicUser=yes", "-p", "ProtectSystem=strict"]
    assert edge.appliance.run([*run, *command], check=False).returncode == 1
    allowed = ["-p", "SupplementaryGroups=alexa-alarm", "-p", "ReadWritePaths=/var/lib/alexa-ip-cam-alarm"]
    edge.appliance.run([*run, *allowed, *command])
    alarms.wait("three events wait for Amazon")
    edge.appliance.run([*run, *allowed, "alexa-ip-cam-alarm", "clear", "events-parked"])
    assert "well again" in alarms.wait("three events wait for Amazon").body


def test_the_webhook_is_shown_to_nobody(edge: Edge, alarms: Alarms, built: Built) -> None:
    assert alarms.new() == []
    shown = "".join(recap.output for recap in (built.check, built.first))
    shown += edge.appliance.run(["journalctl", "--no-pager", "-o", "cat"]).stdout
    assert [secret for secret in (WEBHOOK_TOKEN, "secret-topic", "PRIVATE KEY") if secret in shown] == []
    found = edge.appliance.run(["grep", "-rl", WEBHOOK_TOKEN, "/etc", "/var/lib", "/run/systemd"], check=False).stdout
    assert found.split() == ["/etc/alexa-ip-cam/alarm-webhook.json"]
    assert edge.appliance.run(["stat", "-c", "%a %U", *found.split()]).stdout == "600 root\n"
