"""How many compilers run at once: as many as there are cores, if there is memory for them."""

from __future__ import annotations

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from static.project import ROLES, load


@pytest.mark.parametrize(
    ("cores", "megabytes", "jobs"),
    [(4, 1800, 4), (4, 900, 2), (1, 3800, 1), (4, 430, 1), (4, 200, 1)],
)
def test_a_compiler_for_each_400_mb_and_never_none(cores: int, megabytes: int, jobs: int) -> None:
    facts = {"processor_vcpus": cores, "memtotal_mb": megabytes}
    templar = Templar(loader=DataLoader(), variables={"ansible_facts": facts})
    text = load(ROLES / "live555/vars/main.yml")["__live555_jobs"]
    assert int(templar.template(trust_as_template(text))) == jobs
