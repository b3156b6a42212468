"""From what was seen to what is wrong and how it is mended. Pure."""

from collections.abc import Sequence

from alexa_ip_cam.proof.served import Look

_OLD = (
    "the certificate on disk is not the one that is served: stunnel did not take it. Look at: journalctl -u"
    " stunnel@alexa-ip-cam, and run site.yml again"
)


def problems(looks: Sequence[Look], on_disk: bytes, now: float) -> list[str]:
    """One sentence or two for each thing that is wrong; empty when Echo devices take all names.

    Args:
        looks: what each name's connection showed.
        on_disk: the certificate that should be served, in DER; empty when there is none.
        now: Unix seconds.
    """
    if not on_disk:
        return ["there is no certificate on disk: run site.yml with --tags certbot"]
    found = []
    for look in looks:
        told = _refusal(look, fresh=look.leaf == on_disk)
        if told:
            found.append(f"{look.name}: {told}")
        elif look.leaf != on_disk:
            found.append(f"{look.name}: {_OLD}")
        elif look.lifetime is not None and look.lifetime.is_late(now):
            left = look.lifetime.days_left(now)
            found.append(
                f"{look.name}: the certificate is not renewed and expires in {left:.1f} days. Look at: journalctl -u"
                " certbot; systemctl list-timers certbot.timer"
            )
    return found


# The first that OpenSSL's words fit counts.
_REFUSALS = (
    ("has expired", "the certificate has expired, or the clock is wrong (timedatectl). Look at: journalctl -u certbot"),
    ("not yet valid", "the certificate is not yet valid: the clock is wrong. Look at: timedatectl"),
    ("mismatch", "the certificate is for other names: run site.yml"),
    ("TLS", "an Echo cannot speak with it. Look at: journalctl -u stunnel@alexa-ip-cam; run site.yml again"),
)
_OTHER_CHAIN = (
    "the chain does not lead to the root that Echo devices trust. The ACME server may have changed its chains: see"
    " which roots it offers, set certbot_preferred_chain to one that Echo devices trust, and run site.yml"
)


def _refusal(look: Look, *, fresh: bool) -> str:
    """Why an Echo refuses a name, and the mend; empty when it does not."""
    said = look.problem
    if not said:
        return ""
    if not look.reached:
        mend = "Look at: systemctl status stunnel@alexa-ip-cam; run site.yml again"
        return f"nothing answers on port 443 ({said}). {mend}"
    told = next((text for word, text in _REFUSALS if word in said), _OTHER_CHAIN)
    return f"{told} (OpenSSL: {said})" + ("" if fresh else f"; and {_OLD}")
