"""docs/troubleshooting.md has an entry for each fault of the self-check, in its own words, and its commands exist."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from alexa_ip_cam.alarm import cameras
from alexa_ip_cam.care.faults import FAULTS
from alexa_ip_cam.events import alarms
from static.project import ROOT, files

SETTINGS = (ROOT / "docs/camera-settings.md").read_text()
TEXT = (ROOT / "docs/troubleshooting.md").read_text()
ENTRIES = {match[1]: match[2] for match in re.finditer(r"^### (\S+)\n\n((?:- .*\n?)+)", TEXT, re.MULTILINE)}

# Of Debian's base system, or of packages that our roles install.
DEBIAN = {
    "cat", "df", "dmesg", "du", "getent", "journalctl", "ls", "nft", "ss", "systemctl", "timedatectl",
}  # fmt: skip
OURS = {
    "alexa-ip-cam": {"check", "follow"},
    "alexa-ip-cam-alarm": {"list"},
    "alexa-ip-cam-events": {"list", "retry", "status"},
    "ansible-playbook": {"-i"},
}


def shown(text: str) -> str:
    """A text of the check with its blanks as the document has them."""
    return re.sub(r"\{(\w+)\}", r"<\1>", text)


def test_each_fault_has_an_entry_and_no_other() -> None:
    assert sorted(ENTRIES) == sorted(FAULTS)


def test_an_entry_says_what_the_check_says() -> None:
    for key, fault in FAULTS.items():
        lines = ENTRIES[key].splitlines()
        assert [line.partition(":")[0] for line in lines] == ["- You see", "- Look", "- It means", "- Do"], key
        assert lines[2] == f"- It means: {shown(fault.text)}."
        assert lines[3] == f"- Do: {shown(fault.mend)}."


def commands() -> list[list[str]]:
    looked = [match for entry in ENTRIES.values() for match in re.findall(r"^- Look: `(.+)`$", entry, re.MULTILINE)]
    assert len(looked) == len(ENTRIES)
    return [command.split() for command in [*looked, *re.findall(r"^    (\S.*)$", TEXT, re.MULTILINE)]]


def test_every_command_is_there() -> None:
    installed = {path.name.removesuffix(".j2") for path in files() if path.parent.name in ("bin", "sbin")}
    for words in commands():
        name = words[0]
        if name in OURS:
            assert len(words) == 1 or words[1] in OURS[name], words
            assert name in installed or name == "ansible-playbook"
        else:
            assert name in DEBIAN, words


def test_our_commands_know_their_verbs() -> None:
    sources = {
        "alexa-ip-cam": "src/alexa_ip_cam/care/__main__.py",
        "alexa-ip-cam-alarm": "src/alexa_ip_cam/alarm/__main__.py",
        "alexa-ip-cam-events": "src/alexa_ip_cam/events/command.py",
    }
    for name, source in sources.items():
        text = (ROOT / source).read_text()
        assert [verb for verb in sorted(OURS[name]) if f'"{verb}"' not in text] == [], name


def test_every_unit_named_is_ours_or_debians() -> None:
    units = {path.name.removesuffix(".j2") for path in files() if path.name.endswith((".service.j2", ".timer.j2"))}
    known = {unit.rpartition(".")[0] for unit in units} | {"apache2", "certbot", "haproxy", "stunnel@alexa-ip-cam"}
    text = TEXT.replace("live555@front-porch", "live555@").replace("live555@<camera>", "live555@")
    named = set(re.findall(r"(?:-u|systemctl restart|status|systemctl start|--now) ([a-z][\w@-]*)", text))
    assert named > {"alexa-ip-cam-gateway", "certbot"}
    assert sorted(named - known) == []


def test_every_playbook_and_setting_is_there() -> None:
    playbooks = set(re.findall(r"\b([a-z-]+\.yml)\b", TEXT))
    assert sorted(playbooks - {path.name for path in files()}) == []
    defaults = "".join(path.read_text() for path in files() if path.match("roles/*/defaults/main.yml"))
    settings = set(re.findall(r"\b((?:certbot|events)_[a-z_]+)\b", TEXT))
    assert settings
    assert [name for name in sorted(settings) if name not in defaults] == []


def first_column(text: str, head: str) -> set[str]:
    """What stands in the first column of the table whose first head is given."""
    table = text.partition(f"\n| {head} |")[2].partition("\n\n")[0]
    return {row.split("|")[1].strip().strip("`") for row in table.splitlines()[2:]}


def test_each_alarm_has_a_row_and_no_other() -> None:
    proof = set(re.findall(r'tell\("(\w+)"', (ROOT / "src/alexa_ip_cam/proof/__main__.py").read_text()))
    assert proof == {"certificate", "renewal"}
    known = {*proof, cameras.GATEWAY, f"{cameras.CAMERA}<id>", alarms.GRANT, alarms.PARKED}
    assert first_column(TEXT, "alarm") == {*known, "check-<way>", "check-picture-<id>"}


def test_each_finding_of_the_audit_has_a_row_and_no_other() -> None:
    judging = (ROOT / "module_utils/appliance/camera_audit/judging.py").read_text()
    keys = set(re.findall(r'Finding\((?:level|"\w+"|[^(),]+), "([a-z-]+)"', judging))
    assert keys
    assert {row.split("`")[0] for row in first_column(SETTINGS, "finding")} == keys


def said_of_the_machine() -> Iterator[str]:
    """The sentences of preflight's rules for the machine, without what is filled in."""
    tree = ast.parse((ROOT / "module_utils/appliance/target_rules.py").read_text())
    for rule in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
        if not rule.name.endswith(("_problems", "_remarks")):
            continue
        for node in ast.walk(rule):
            told: list[ast.expr] = []
            if isinstance(node, ast.Return) and isinstance(node.value, ast.IfExp):
                told = [
                    one
                    for side in (node.value.body, node.value.orelse)
                    if isinstance(side, ast.List)
                    for one in side.elts
                ]
            elif isinstance(node, ast.Return) and isinstance(node.value, ast.List):
                told = node.value.elts
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "append":
                told = node.args
            yield from map(ast.unparse, told)


def test_each_sentence_about_the_machine_has_a_row_and_no_other() -> None:
    fragments = first_column(TEXT, "you read")
    sentences = list(said_of_the_machine())
    assert [one for one in sentences if sum(fragment in one for fragment in fragments) != 1] == []
    assert [one for one in fragments if not any(one in sentence for sentence in sentences)] == []
