"""Each command that the documents tell people to type is run by a test, or stands here with the reason why not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from static.project import ROOT
from static.test_documents import DOCUMENTS, commands

PROGRAMS = re.compile(
    r"(?:[A-Z_]+=\S+ )?(?:adduser|alexa-ip-cam(?:-\w+)?|ansible-\w+|apt-get|cp|curl|git|journalctl|make"
    r"|(?:\.venv/bin/)?pip|python3? -m|systemctl) (?=\S)"
)
RUN_BY = {
    r"ansible-playbook -i inventory playbooks/site\.yml( --tags preflight)?": (
        "tests/machine/test_bad_input.py",
        '"--tags", "preflight"',
    ),
    r"ansible-playbook -i inventory playbooks/backup\.yml": ("tests/machine/test_years.py", 'play("backup")'),
    r"ansible-playbook -i inventory playbooks/restore\.yml --extra-vars backup_archive=\S+": (
        "tests/machine/test_years.py",
        'play("restore", "--extra-vars", f"backup_archive=',
    ),
    r"ansible-playbook -i inventory playbooks/remove\.yml": ("tests/machine/test_years.py", 'play("remove")'),
    r"ansible-playbook -i inventory playbooks/audit\.yml": (
        "tests/machine/test_camera_audit.py",
        'playbook="playbooks/audit.yml"',
    ),
    r"ansible-playbook -i inventory playbooks/check\.yml": (
        "tests/machine/test_faults.py",
        'playbook="playbooks/check.yml"',
    ),
    r"ansible-playbook -i inventory playbooks/remove-skill\.yml": (
        "tests/unit/deploy/test_playbook.py",
        "remove-skill",
    ),
    r"ansible-vault encrypt \S+": ("tests/machine/test_years.py", '"encrypt"'),
    r"python -m alexa_ip_cam\.ancestor.*": ("tests/unit/ancestor/test_ancestor.py", "main("),
    r"python -m alexa_ip_cam\.lambda_zip skill\.zip < settings\.json": (
        "tests/unit/skill/test_lambda_zip.py",
        '"-m", "alexa_ip_cam.lambda_zip"',
    ),
    r"python -m alexa_ip_cam\.login inventory": ("tests/unit/deploy/test_login.py", "main("),
    r"python3 -m alexa_ip_cam\.events \S+": ("tests/unit/events/test_service.py", '"alexa_ip_cam.events"'),
    r"python3 -m alexa_ip_cam\.gateway --config \S+( --check)?": (
        "tests/unit/gateway/test_program.py",
        '"alexa_ip_cam.gateway"',
    ),
    r"alexa-ip-cam check( --json)?": ("tests/machine/test_faults.py", '["alexa-ip-cam", "check", "--json"]'),
    r"alexa-ip-cam follow( \S+)?": ("tests/machine/test_faults.py", "alexa-ip-cam follow {identity}"),
    r"alexa-ip-cam-alarm test": ("tests/machine/edge/test_alarms.py", '"alexa-ip-cam-alarm", "test"'),
    r"apt-get install --no-install-recommends msmtp-mta": (
        "tests/machine/edge/alarms.py",
        '"install", "--no-install-recommends", program',
    ),
    r"systemctl disable --now msmtpd": ("tests/machine/edge/alarms.py", '"systemctl", "disable", "--now", "msmtpd"'),
    r"alexa-ip-cam-alarm list": ("tests/machine/test_events.py", '"alexa-ip-cam-alarm", "list"'),
    r"alexa-ip-cam-alarm (raise <?(KEY|key).*|clear <?(KEY|key)>?)": ("tests/unit/alarm/test_program.py", '"raise"'),
    r"alexa-ip-cam-events status": ("tests/machine/test_years.py", '"alexa-ip-cam-events", "status"'),
    r"alexa-ip-cam-events (list|retry|drop)": ("tests/machine/test_events.py", '"alexa-ip-cam-events", "list"'),
    r"alexa-ip-cam-event --camera \S+ --file \S+": ("tests/machine/test_events.py", '"alexa-ip-cam-event"'),
    r"systemctl start alexa-ip-cam-proof": (
        "tests/machine/test_years.py",
        '"systemctl", "start", "alexa-ip-cam-proof.service"',
    ),
}
"""What is told, and the test that runs it, by words of its text."""

NOT_RUN = {
    r"make (lint|unit|test|bench|demo)\b.*|BENCH_MINUTES=10 make bench ONLY=hour": "run by people, they run the tests",
    r"(apt-get install|apt-get update|git|cp|(\.venv/bin/)?pip|python3 -m venv) ?.*": (
        "the owner's own machine: a repository elsewhere, and its packages"
    ),
    r"(systemctl (status|list-timers)|journalctl -u) .*": "Debian's own, and only looks",
    r"apt-get --simulate": "named in a sentence",
    r"ansible-playbook --version": "Ansible's own, and only looks",
    r"curl --unix-socket /run/alexa-ip-cam-gateway/status\.sock http://localhost/status": (
        "tests/unit/gateway/test_program.py asks the same of the socket itself"
    ),
    r"adduser motion alexa-recorders": "Debian's own; tests/machine/test_events.py makes such a user with useradd",
}
"""What no test runs, and why."""


def told(path: Path) -> list[str]:
    lines = [re.split(r"\s{2,}|\s+#", part.strip())[0] for line in commands(path) for part in line.split("&&")]
    return [line for line in lines if PROGRAMS.match(line)]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_is_run_or_it_is_said_why_not(path: Path) -> None:
    known = [*RUN_BY, *NOT_RUN]
    assert [line for line in told(path) if not any(re.fullmatch(pattern, line) for pattern in known)] == []


def test_each_entry_is_told_somewhere_and_its_test_runs_it() -> None:
    lines = [line for path in DOCUMENTS for line in told(path)]
    idle = [entry for entry in [*RUN_BY, *NOT_RUN] if not any(re.fullmatch(entry, line) for line in lines)]
    assert idle == []
    assert [test for test, words in RUN_BY.values() if words not in (ROOT / test).read_text()] == []
