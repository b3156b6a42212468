"""A private network on the host: a bridge with a free /24, and address translation to the outside."""

from __future__ import annotations

import ipaddress
import json
import secrets
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox.errors import SandboxError
from sandbox.host import require_host, tool
from sandbox.resources import Resource
from sandbox.runs import Run, clean, state_lock, switch_forwarding_on

# 10.64.0.0/10 is private space (RFC 1918) that home routers and container engines rarely hand out.
_RANGE = ipaddress.IPv4Network("10.64.0.0/10")
_PREFIX_LENGTH = 24


class Network:
    """A network for machines, made on entering and taken away on leaving.

    `name` is what messages call it; names need not be unique.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.bridge = f"aic-{secrets.token_hex(4)}"
        self._subnet: ipaddress.IPv4Network | None = None
        self._resources: list[Resource] = []
        self._run: Run | None = None

    @property
    def subnet(self) -> ipaddress.IPv4Network:
        """The network's addresses; raises SandboxError before the network is made."""
        if self._subnet is None:
            raise SandboxError(f"network {self.name} is not made yet: use it in a with statement")
        return self._subnet

    @property
    def host_address(self) -> str:
        """The host's address in this network, which is the machines' gateway."""
        return self.address(1)

    def address(self, number: int) -> str:
        """Return the address with this last octet (1 is the host's, 2 to 254 are for machines)."""
        if not 1 <= number <= 254:
            raise ValueError(f"number {number} is not from 1 to 254")
        return str(self.subnet[number])

    def __enter__(self) -> Self:
        require_host()
        try:
            clean()
        except SandboxError as error:  # no reason not to make new machines
            print(f"sandbox: {error}", file=sys.stderr)
        run = self._run = Run.current()
        try:
            with state_lock():
                self._subnet = free_subnet(_subnets_in_use())
                self._resources.append(run.add("link", self.bridge))
                tool(["ip", "link", "add", self.bridge, "type", "bridge"])
                tool(["ip", "address", "add", f"{self.host_address}/{_PREFIX_LENGTH}", "dev", self.bridge])
                self._resources += switch_forwarding_on(run)
            tool(["ip", "link", "set", self.bridge, "up"])
            # Ask for a booting machine's hardware address each 50 ms instead of each second.
            Path(f"/proc/sys/net/ipv4/neigh/{self.bridge}/retrans_time_ms").write_text("50")
            table = self.bridge.replace("-", "_")
            self._resources.append(run.add("table", table))
            tool(["nft", "-f", "-"], stdin=self._translation(table))
            for chain in dropping_chains(tool(["nft", "--json", "list", "chains"]).stdout):
                print(
                    f"sandbox: the host's firewall ({chain}) drops forwarded packets by default; machines reach "
                    f"the outside only if it accepts those of interface {self.bridge}",
                    file=sys.stderr,
                )
        except BaseException:
            self._take_away()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._take_away()

    def _take_away(self) -> None:
        if self._run is not None:
            self._run.take_away(self._resources)
        self._resources = []
        self._run = self._subnet = None

    def _translation(self, table: str) -> str:
        return (
            f"table ip {table} {{\n"
            "  chain outward {\n"
            "    type nat hook postrouting priority srcnat; policy accept;\n"
            f'    ip saddr {self.subnet} oifname != "{self.bridge}" masquerade\n'
            "  }\n"
            "}\n"
        )


def free_subnet(used: Iterable[ipaddress.IPv4Network]) -> ipaddress.IPv4Network:
    """Return the first /24 of the range that overlaps none of the networks in use."""
    taken = [network for network in used if network.prefixlen > 0]
    for subnet in _RANGE.subnets(new_prefix=_PREFIX_LENGTH):
        if not any(subnet.overlaps(network) for network in taken):
            return subnet
    raise SandboxError(f"every network of {_RANGE} is in use on this host: remove a route to one of them")


def dropping_chains(listing: str) -> list[str]:
    """Return the chains that drop forwarded IPv4 by policy, from the JSON of `nft list chains`."""
    chains = [item["chain"] for item in json.loads(listing)["nftables"] if "chain" in item]
    return [
        f"table {chain['family']} {chain['table']}, chain {chain['name']}"
        for chain in chains
        if chain["family"] in ("ip", "inet") and chain.get("hook") == "forward" and chain.get("policy") == "drop"
    ]


def _subnets_in_use() -> Iterator[ipaddress.IPv4Network]:
    for route in json.loads(tool(["ip", "-4", "-json", "route", "show", "table", "all"]).stdout):
        if route["dst"] != "default":
            yield ipaddress.IPv4Network(route["dst"], strict=False)
    for link in json.loads(tool(["ip", "-4", "-json", "address"]).stdout):
        for address in link["addr_info"]:
            yield ipaddress.IPv4Interface(f"{address['local']}/{address['prefixlen']}").network
