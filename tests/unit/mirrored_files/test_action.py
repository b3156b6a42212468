"""Templates become files in the places that they lie in, as Ansible runs it."""

from __future__ import annotations

import getpass
import grp
import os
import sys
from pathlib import Path

import pytest
import yaml

from home import PlaybookError, playbook

OWN = {"owner": getpass.getuser(), "group": grp.getgrgid(os.getegid()).gr_name}


def run(folder: Path, arguments: dict[str, object]) -> playbook.Recap:
    """A role with one template, in a play on this machine."""
    template = folder / "roles/box/templates" / str(folder)[1:] / "out/settings.j2"
    template.parent.mkdir(parents=True)
    template.write_text("{{ ansible_managed | comment }}\n{% if true %}\nnamed {{ box_name }}\n{% endif %}\n")
    tasks = folder / "roles/box/tasks/main.yml"
    tasks.parent.mkdir(parents=True)
    tasks.write_text(yaml.safe_dump([{"name": "Write", "mirrored_files": arguments}]))
    play = {"hosts": "localhost", "gather_facts": False, "vars": {"box_name": "Anna"}, "roles": ["box"]}
    book = folder / "play.yml"
    book.write_text(yaml.safe_dump([play]))
    inventory = folder / "hosts.yml"
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory.write_text(yaml.safe_dump({"all": {"hosts": {"localhost": host}}}))
    return playbook.run(inventory, playbook=str(book))


def test_a_template_becomes_the_file_in_its_place(tmp_path: Path) -> None:
    entry = {"path": f"{str(tmp_path)[1:]}/out/settings", "mode": "0600", **OWN}
    directory = {"path": str(tmp_path / "out"), **OWN}
    assert run(tmp_path, {"directories": [directory], "files": [entry]}).changed == 1
    written = tmp_path / "out/settings"
    assert written.read_text().splitlines()[-1] == "named Anna"
    assert written.read_text().startswith("#\n# Ansible managed")
    assert written.stat().st_mode & 0o777 == 0o600


def test_a_text_goes_as_it_is(tmp_path: Path) -> None:
    entry = {"path": str(tmp_path / "plain"), "text": '{"json": "{% raw %}{{ no variable }}{% endraw %}"}\n', **OWN}
    assert run(tmp_path, {"files": [entry]}).changed == 1
    assert (tmp_path / "plain").read_text() == '{"json": "{{ no variable }}"}\n'


def test_a_slash_in_front_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlaybookError) as caught:
        run(tmp_path, {"files": [str(tmp_path / "out/settings")]})
    assert "leave out the slash in front" in caught.value.recap.output
