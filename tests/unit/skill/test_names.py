"""What a camera may be called."""

import pytest

from alexa_ip_cam.skill.names import friendly_name_problem


@pytest.mark.parametrize("name", ["Front Porch", "Camera 2", "Haustür", "玄関", "सामने का दरवाज़ा", "x" * 128])
def test_names_people_say_are_fine(name: str) -> None:
    assert friendly_name_problem(name) is None


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("", "has 0 characters; use 1 to 128"),
        ("x" * 129, "has 129 characters; use 1 to 128"),
        ("Front-Porch", "contains '-'"),
        ("Kid's Room!", "contains '!' \"'\""),
        ("Porch\n", "contains '\\n'"),
        ("Porch\u00a0West", "contains '\\xa0'"),
        (" Porch", "spaces at an end"),
        ("Porch ", "spaces at an end"),
        ("Front  Porch", "several in a row"),
        (" ", "spaces at an end"),
    ],
)
def test_other_names_are_refused_with_the_mend(name: str, part: str) -> None:
    problem = friendly_name_problem(name)
    assert problem is not None
    assert part in problem
