"""What is read from Ansible's output."""

from __future__ import annotations

from home.playbook import times

OUTPUT = [
    ("PLAY [Check everything] *****\n", 0.0),
    ("\n", 0.0),
    ("TASK [Gathering Facts] ******\n", 1.0),
    ("ok: [box]\n", 3.0),
    ("TASK [gateway : Write [the] unit] ***\n", 4.0),
    ("  msg: TASK [none] of these\n", 5.0),
    ("PLAY [Set the appliance up] ***\n", 6.0),
    ("RUNNING HANDLER [gateway : Restart the gateway] ***\n", 7.5),
    ("PLAY RECAP ******\n", 9.0),
]


def test_a_task_lasts_until_the_next_heading() -> None:
    lines, moments = zip(*OUTPUT, strict=True)
    assert list(times(lines, moments)) == [
        ("Gathering Facts", 3.0),
        ("gateway : Write [the] unit", 2.0),
        ("gateway : Restart the gateway", 1.5),
    ]
