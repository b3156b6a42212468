"""Choosing addresses, and seeing a firewall that is in the way."""

from __future__ import annotations

import json
from ipaddress import IPv4Network

import pytest

from sandbox import Network, SandboxError
from sandbox.network import dropping_chains, free_subnet


def test_the_first_network_that_nobody_uses_is_taken() -> None:
    used = [IPv4Network("0.0.0.0/0"), IPv4Network("10.64.0.0/23"), IPv4Network("10.64.2.9/32")]
    assert free_subnet(used) == IPv4Network("10.64.3.0/24")


def test_a_range_in_use_as_a_whole_is_reported() -> None:
    with pytest.raises(SandboxError, match=r"10\.64\.0\.0/10"):
        free_subnet([IPv4Network("10.0.0.0/8")])


@pytest.mark.parametrize("number", [0, 255, -1])
def test_numbers_that_are_no_machines_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match="1 to 254"):
        Network("test").address(number)


def test_addresses_need_a_network_that_is_made() -> None:
    with pytest.raises(SandboxError, match="with statement"):
        Network("test").address(10)


def test_a_forward_chain_with_policy_drop_is_named() -> None:
    def chain(family: str, hook: str, policy: str) -> dict[str, dict[str, str]]:
        return {"chain": {"family": family, "table": "filter", "name": "C", "hook": hook, "policy": policy}}

    listing = {
        "nftables": [
            {"metainfo": {}},
            {"chain": {"family": "ip", "table": "filter", "name": "plain"}},
            chain("ip", "forward", "drop"),
            chain("ip6", "forward", "drop"),
            chain("inet", "forward", "accept"),
            chain("inet", "input", "drop"),
        ]
    }
    assert dropping_chains(json.dumps(listing)) == ["table ip filter, chain C"]
