"""Rules that every task of every role keeps, read as data: no machine needed."""

from __future__ import annotations

import re
from pathlib import Path

import ansible.modules
import pytest

from static.project import KEYWORDS, ROOT, Task, files_below, task_files, tasks

LONGEST_FILE = 60  # lines: one concern, and readable on one screen

WRITES_FILES = {"assemble", "copy", "template"}
SHOWS_TEXT = WRITES_FILES | {"blockinfile", "lineinfile", "mirrored_files", "replace"}

# Also those that still work without a word, but are announced to go.
DEPRECATED = {"apt_key", "apt_repository", "include", "systemd", "yum"}

# Variables that Ansible itself sets, or that an inventory sets for it. All others named so are injected facts.
ANSIBLE_OWN = re.compile(
    r"ansible_(check_mode|managed|version|facts|host|user|port|connection|python_interpreter|playbook_python|config_file"
    r"|run_tags|skip_tags|play_hosts|play_name|role_name|parent_role_names|loop|loop_var|index_var|diff_mode|forks"
    r"|inventory_sources|verbosity|become\w*|ssh_\w+|search_path|failed_task|failed_result)"
)


def offenders(condition: object) -> list[str]:
    """The tasks for which a function says True, as text."""
    assert callable(condition)
    return [str(task) for task in tasks() if condition(task)]


def test_the_tasks_are_found() -> None:
    assert {task.role for task in tasks()} >= {"preflight", "gateway"}
    assert all(task.module or "block" in task.data for task in tasks())


def test_every_task_has_a_name() -> None:
    assert offenders(lambda task: not task.data.get("name")) == []


@pytest.mark.parametrize("path", task_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_task_files_are_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_FILE


def test_no_module_is_deprecated() -> None:
    folder = Path(ansible.modules.__file__ or "").parent

    def is_deprecated(task: Task) -> bool:
        source = folder / f"{task.short_module}.py"
        return task.short_module in DEPRECATED or (source.exists() and "\ndeprecated:" in source.read_text())

    assert offenders(is_deprecated) == []


def test_no_error_is_ignored() -> None:
    assert offenders(lambda task: "ignore_errors" in task.data) == []
    assert offenders(lambda task: task.data.get("failed_when") is False) == []


def test_files_are_written_with_a_mode() -> None:
    assert offenders(lambda task: task.short_module in WRITES_FILES and "mode" not in task.arguments) == []
    assert offenders(lambda task: not isinstance(task.arguments.get("mode", ""), str)) == []


def test_hidden_tasks_can_be_shown_for_debugging() -> None:
    """The switch is the role's own; a bare true would leave the owner with nothing to look at."""

    def is_bare(task: Task) -> bool:
        return "no_log" in task.data and task.data["no_log"] != f"{{{{ {task.role}_no_log }}}}"

    assert offenders(is_bare) == []


def test_what_is_hidden_is_not_shown_by_diff() -> None:
    def leaks(task: Task) -> bool:
        return bool(task.get("no_log")) and task.short_module in SHOWS_TEXT and task.get("diff") is not False

    assert offenders(leaks) == []


def test_files_that_others_may_not_read_are_hidden() -> None:
    def leaks(task: Task) -> bool:
        modes = [str(task.arguments.get("mode", ""))] if task.short_module in WRITES_FILES else []
        if task.short_module == "mirrored_files":
            modes += re.findall(r"'mode': '(\d+)'", str(task.arguments.get("files", "")))
        private = [mode for mode in modes if re.fullmatch(r"0?[0-7]{2}0", mode) and not mode.endswith("50")]
        return bool(private) and not task.get("no_log")

    assert offenders(leaks) == []


def test_secrets_leave_no_copies_behind() -> None:
    assert offenders(lambda task: task.get("no_log") and task.arguments.get("backup")) == []


def test_what_a_task_keeps_is_named_after_its_role() -> None:
    def strays(task: Task) -> bool:
        names = [task.data["register"]] if "register" in task.data else []
        names += list(task.data.get("vars", {}))
        names += [name for name in task.arguments if task.short_module == "set_fact" and name != "cacheable"]
        names += [task.data.get("loop_control", {}).get("loop_var", f"__{task.role}_")]
        # An included role's inputs are set by its own names.
        foreign = task.short_module in ("include_role", "import_role")
        return any(not name.startswith(f"__{task.role}_") for name in names) and not foreign

    assert offenders(strays) == []


def test_downloads_are_checked_against_a_hash() -> None:
    def is_unchecked(task: Task) -> bool:
        text = str(task.data.get(task.module, ""))
        return (
            (task.short_module == "get_url" and "checksum" not in task.arguments)
            or (task.short_module == "uri" and "dest" in task.arguments)
            or (task.short_module in ("unarchive", "apt") and re.search(r"['\"]https?://", text) is not None)
            or task.short_module in ("git", "pip")
            or (
                task.short_module in ("command", "shell", "raw")
                and (
                    re.search(r"\b(curl|wget|git)\b", text) is not None
                    or (re.search(r"\bpip3?\b", text) is not None and "--require-hashes" not in text)
                )
            )
        )

    assert offenders(is_unchecked) == []


def test_commands_that_only_read_run_in_check_mode_too() -> None:
    """``changed_when: false`` without it would leave what is registered without a result in check mode."""

    def is_skipped(task: Task) -> bool:
        reads = task.short_module in ("command", "shell") and task.data.get("changed_when") is False
        return reads and "register" in task.data and task.get("check_mode") is not False

    assert offenders(is_skipped) == []


@pytest.mark.parametrize(
    "path",
    files_below("roles", ".yml", ".j2") + files_below("playbooks", ".yml"),
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_facts_are_read_from_ansible_facts(path: Path) -> None:
    names = set(re.findall(r"(?<![\w.'\"])ansible_\w+", path.read_text()))
    assert [name for name in sorted(names) if not ANSIBLE_OWN.fullmatch(name)] == []
    assert "ansible_facts." not in path.read_text()


@pytest.mark.parametrize(
    "path",
    # JSON has no comments.
    [path for path in files_below("roles", ".j2") if not path.name.endswith(".json.j2")],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_templates_say_who_manages_the_file(path: Path) -> None:
    lines = path.read_text().splitlines()
    first = lines[1] if lines[0].startswith("#!") else lines[0]
    assert re.match(r"\{\{ ansible_managed \| comment(\(.*\))? \}\}", first)


def test_the_list_of_keywords_is_whole() -> None:
    """A new keyword of a task would otherwise be taken for a module."""
    from ansible.playbook.block import Block  # noqa: PLC0415  # slow, and only this test needs it
    from ansible.playbook.task import Task as AnsibleTask  # noqa: PLC0415

    known = set(AnsibleTask.fattributes) | set(Block.fattributes)
    assert known - {"async_val", "loop_with"} <= KEYWORDS | {"validate_argspec"}
