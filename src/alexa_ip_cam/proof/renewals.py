"""How renewals end: the third failure in a row is an alarm, in certbot's own words and with what to do."""

import re
from collections.abc import Sequence

ALARM_FROM = 3
"""certbot's timer tries twice a day, so passing trouble of a day is nobody's business."""

_WORDS = 600

# The first that fits counts: what certbot and its plugins say, and what to do.
_MENDS: Sequence[tuple[str, str]] = (
    (
        r"rateLimited|too many (?:certificates|requests|failed)|\b429\b",
        "The ACME server asks to wait. Nothing to do; do not run certbot by hand meanwhile.",
    ),
    (
        r"not yet valid|certificate has expired",
        "The machine's clock seems wrong. Look at: timedatectl; enable its network time.",
    ),
    (
        r"\bstunnel: ",
        "The new certificate is there but is not served. Mend what stunnel says, or run site.yml again.",
    ),
    (
        r"NOTAUTH|peer didn't (?:like|know)|REFUSED|\b40[13]\b|[Aa]ccess ?[Dd]enied|invalid (?:api )?(?:token|key)",
        (
            "The DNS host refuses the credentials: make new ones, set certbot_dns_credentials, run site.yml. If it has"
            " closed its API to small accounts, docs/certificates.md shows the ways out."
        ),
    ),
    (
        (
            r"Incorrect TXT|No TXT record|NXDOMAIN looking up TXT|error:(?:dns|unauthorized)"
            r"|During secondary validation|[Cc]hallenges have failed"
        ),
        (
            "The ACME server did not find the challenge in DNS: give it more time by certbot_dns_propagation_seconds,"
            " and look for a forgotten CNAME at _acme-challenge."
        ),
    ),
    (
        (
            r"NewConnectionError|[Nn]ame or service not known|[Nn]ame resolution|timed out|[Tt]imeout|serverInternal"
            r"|Connection (?:refused|reset)|No route|unreachable|\b50[0-9]\b"
        ),
        (
            "The ACME server or the DNS host cannot be reached. When that is not the appliance's own internet"
            " connection, wait."
        ),
    ),
    (
        r"has no attribute|plugin .* not|PluginSelection|does not appear to be installed",
        "certbot does not find its DNS plugin: run site.yml with --tags certbot.",
    ),
)
_OTHERWISE = "Look at: journalctl -u certbot; /var/log/letsencrypt/letsencrypt.log"


def mend(words: str) -> str:
    """What to do about a failed renewal, from what certbot said."""
    return next((text for pattern, text in _MENDS if re.search(pattern, words)), _OTHERWISE)


def words(journal: str, log: str) -> str:
    """certbot's own words, short: from the journal of its run, and the ACME server's errors from its log.

    certbot of Debian 12 prints "can't set attribute" where the log has the ACME server's error. Of challenges that
    fail every certbot prints no more than that they do.
    """
    errors = re.findall(r"^acme\.messages\.Error: (urn:.*)$", log, re.MULTILINE)
    challenges = re.findall(r"^\s+Domain: (\S+)\n\s+Type:\s+(\S+)\n\s+Detail: (.+)$", log, re.MULTILINE)
    noise = re.compile(r"^(?:- )+-?$|^Ask for help|^See the logfile|^All renewals failed|^\s*$|systemd|can't set attr")
    said = [line.strip() for line in journal.splitlines() if not noise.search(line)]
    told = " / ".join(dict.fromkeys([*said, *errors[-1:], *(": ".join(challenge) for challenge in challenges)]))
    return told if len(told) <= _WORDS else told[: _WORDS - 4] + " ..."


def last_run(log: str) -> str:
    """What certbot's last run logged; Debian has it append to what was there."""
    return log.rpartition("certbot version:")[2]


def alarm(failures: int, said: str) -> str | None:
    """The alarm's text after so many failures in a row; None while there is no alarm yet."""
    if failures < ALARM_FROM:
        return None
    return (
        f"the certificate could not be renewed, {failures} times in a row; the one at hand is served until it expires,"
        f" and the next try comes by itself. {mend(said)} certbot said: {said or 'nothing'}"
    )
