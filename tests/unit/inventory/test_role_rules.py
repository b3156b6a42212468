"""A role's variables against its specification: each problem named, none hidden, no value ever shown."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.appliance.camera_rules import Unresolved
from ansible.module_utils.appliance.role_rules import role_problems, stray_problems

OPTIONS: dict[str, dict[str, Any]] = {
    "certbot_email": {"type": "str", "required": True, "description": "Whom to write to."},
    "certbot_key_type": {"type": "str", "choices": ["rsa", "ecdsa"]},
    "certbot_rsa_key_size": {"type": "int"},
    "certbot_names": {"type": "list", "elements": "str"},
    "certbot_dns_credentials": {"type": "dict", "no_log": True},
    "certbot_no_log": {"type": "bool"},
}
RIGHT: dict[str, object] = {
    "certbot_email": "owner@example.com",
    "certbot_key_type": "rsa",
    "certbot_rsa_key_size": 4096,
    "certbot_names": ["cams.example.com"],
    "certbot_dns_credentials": {"token": "hunter2"},
    "certbot_no_log": True,
}


def test_right_variables_pass() -> None:
    assert role_problems("certbot", OPTIONS, RIGHT) == []
    assert role_problems("certbot", OPTIONS, {"certbot_email": "x"}) == []


def test_a_missing_variable_is_told() -> None:
    assert role_problems("certbot", OPTIONS, {}) == [
        "certbot_email is missing; set it in the inventory, see roles/certbot/README.md"
    ]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("certbot_key_type", "dsa", "certbot_key_type must be one of rsa, ecdsa;"),
        ("certbot_rsa_key_size", "hunter2", "certbot_rsa_key_size must be of the type int;"),
        ("certbot_names", {"hunter2": 1}, "certbot_names must be of the type list;"),
        ("certbot_dns_credentials", "hunter2", "certbot_dns_credentials must be of the type dict;"),
        ("certbot_email", None, "certbot_email is empty; fill it in"),
        ("certbot_no_log", "false", "certbot_no_log must be true or false without quotes;"),
        ("certbot_no_log", 0, "certbot_no_log must be true or false without quotes;"),
        ("certbot_email", Unresolved("'owner' is undefined"), "the variable owner, which is not defined"),
    ],
)
def test_wrong_variables_are_told_without_their_values(name: str, value: object, told: str) -> None:
    (problem,) = role_problems("certbot", OPTIONS, {**RIGHT, name: value})
    assert told in problem
    assert "hunter2" not in problem


def test_misspelt_and_left_over_variables_are_told() -> None:
    defined = ["certbot_emial", "certbot_zzz", "certbot_email", "certbots", "apache_listen", "__certbot_x"]
    assert stray_problems("certbot", OPTIONS, defined) == [
        "certbot_emial is no variable of the role certbot; did you mean certbot_email?",
        "certbot_zzz is no variable of the role certbot; remove it",
    ]
