"""Whether DNS is ready for the challenges of an ACME server. Pure, but for the look-ups it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ansible.module_utils.appliance.dns_lookup import CNAME, NXDOMAIN, SOA, Answer, LookupFailed

Ask = Callable[[str, int], Answer]


def problems(names: Iterable[str], delegations: Mapping[str, str], *, own_hooks: bool, ask: Ask) -> list[str]:
    """One sentence for each thing that is missing in DNS, with what to do; empty when it is ready.

    Args:
        names: the names of the certificate.
        delegations: name to the name at another DNS host that its `_acme-challenge` points to.
        own_hooks: the owner's commands write the challenges, and may follow a CNAME.
        ask: looks a name's records of one type up; raises LookupFailed.
    """
    found = []
    for name in dict.fromkeys(name.removeprefix("*.").lower() for name in names):
        try:
            told = _delegated(name, delegations[name], ask) if name in delegations else _direct(name, own_hooks, ask)
        except LookupFailed as error:
            told = f"nobody tells what DNS has for {name} ({error}): look at the appliance's network and resolver"
        if told:
            found.append(told)
    return found


def _delegated(name: str, wanted: str, ask: Ask) -> str:
    challenge, wanted = f"_acme-challenge.{name}", wanted.rstrip(".").lower()
    points_to = ask(challenge, CNAME).cname
    if not points_to:
        return (
            f"DNS has no record {challenge} CNAME {wanted}: add it at the DNS host of {name}. (One just added may take"
            " some minutes to be seen.)"
        )
    if points_to != wanted:
        return f"the CNAME record of {challenge} leads to {points_to} and not to {wanted}: change it at the DNS host"
    if not _domain_exists(wanted, ask):
        return f"{challenge} leads to {wanted}, but no such domain exists: is it misspelt?"
    return ""


def _direct(name: str, own_hooks: bool, ask: Ask) -> str:
    challenge = f"_acme-challenge.{name}"
    points_to = ask(challenge, CNAME).cname
    if points_to and not own_hooks:
        return (
            f"{challenge} is a CNAME to {points_to}, so nobody would look where certbot writes: remove that record, or"
            f" name it in certbot_dns_delegations"
        )
    if not _domain_exists(name, ask):
        return f"no domain of {name} exists in DNS: is the name misspelt, or the domain not registered yet?"
    return ""


def _domain_exists(name: str, ask: Ask) -> bool:
    """False when the answer for a name comes from a top-level domain or the root, which know nothing of it."""
    answer = ask(name, SOA)
    return not (answer.code == NXDOMAIN and answer.zone.count(".") == 0)
