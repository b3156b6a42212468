"""Every fault that the self-check can name: what it means for the family, and what to do. Pure.

docs/troubleshooting.md has an entry for each; a test compares the keys.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Fault(NamedTuple):
    """`text` says what is wrong and what follows from it, `mend` what to do; both may have blanks to be filled."""

    text: str
    mend: str


_SITE = "Run site.yml"

FAULTS: Mapping[str, Fault] = {
    # --- any way
    "not-checked": Fault(
        "this could not be found out: {what}",
        f"{_SITE}; if it stays so, look at: journalctl -u alexa-ip-cam-check",
    ),
    "clock-wrong": Fault(
        "the clock is {seconds} seconds off: signed URLs and certificates are taken for expired, or for not yet valid",
        "Let the machine keep network time: timedatectl set-ntp true; then look at: timedatectl",
    ),
    # --- picture
    "camera": Fault("the camera: {what}", "{mend}"),
    "live555-stopped": Fault(
        "LIVE555 does not run for this camera ({state}), so that nobody fetches its pictures",
        "systemctl restart live555@{camera}; if it stays so, look at: journalctl -u live555@{camera}",
    ),
    "live555-silent": Fault(
        "LIVE555 runs but does not answer on port {port} ({what})",
        "systemctl restart live555@{camera}; if it stays so, look at: journalctl -u live555@{camera}",
    ),
    "gateway-stopped": Fault(
        "the gateway does not run ({state}), so that no camera can be shown",
        "systemctl restart alexa-ip-cam-gateway; if it stays so, look at: journalctl -u alexa-ip-cam-gateway",
    ),
    "gateway-silent": Fault(
        "the gateway runs but has not said for {age} how it is doing",
        "systemctl restart alexa-ip-cam-gateway, and look at: journalctl -u alexa-ip-cam-gateway",
    ),
    "gateway-camera-unknown": Fault("the gateway does not know this camera", f"{_SITE} with --tags gateway"),
    "gateway-no-stream": Fault(
        "the gateway gets no pictures from LIVE555: {problem}",
        "systemctl restart live555@{camera}; then look at: journalctl -u live555@{camera} -u alexa-ip-cam-gateway",
    ),
    "haproxy-stopped": Fault(
        "haproxy does not run ({state}), so that no camera can be shown",
        "systemctl restart haproxy; if it stays so, look at: journalctl -u haproxy",
    ),
    "stunnel-stopped": Fault(
        "stunnel does not run ({state}), so that no device can connect",
        "systemctl restart stunnel@alexa-ip-cam; if it stays so, look at: journalctl -u stunnel@alexa-ip-cam",
    ),
    "port-closed": Fault(
        "nothing answers on port {port} of {address} ({what}), although stunnel runs: a firewall, or another program",
        "Allow TCP port 443 in the machine's firewall: nft list ruleset; see who listens: ss -ltnp",
    ),
    "tls-refused": Fault(
        "an Echo cannot speak TLS 1.2 with port 443 ({what})",
        f"Look at: journalctl -u stunnel@alexa-ip-cam; {_SITE.lower()} with --tags stunnel",
    ),
    "stream-refused": Fault(
        "a URL that was signed with the appliance's own key is answered with {status} through port 443",
        f"{_SITE} with --tags gateway,stunnel; look at: journalctl -u alexa-ip-cam-gateway",
    ),
    "stream-broken": Fault(
        "the stream does not open through port 443: {what}",
        "Look at: journalctl -u alexa-ip-cam-gateway -u stunnel@alexa-ip-cam; then restart both",
    ),
    "stream-no-picture": Fault(
        "the stream opens through port 443, but no picture came within {seconds} seconds",
        "systemctl restart live555@{camera} alexa-ip-cam-gateway; if it stays so, restart the camera",
    ),
    "name-missing": Fault(
        "there is no address for {name} in DNS, so that no device finds the appliance",
        "Make an A record {name} with the appliance's address in your network, at your DNS host",
    ),
    "name-filtered": Fault(
        "your DNS host has {own} for {name}, but the resolver here leaves it out: the router's rebinding protection",
        "Allow {name} in the router's rebinding protection (also called DNS rebind or private domain), or use another"
        " resolver for the home",
    ),
    "name-public": Fault(
        "{name} leads to {addresses}, which is not in a home network; Echo devices would go to the internet for it",
        "Change the A record of {name} to the appliance's address in your network",
    ),
    "name-elsewhere": Fault(
        "{name} leads to {addresses}, which is not this machine",
        "Change the A record of {name} to the appliance's address, and give it a fixed one in the router",
    ),
    "name-ipv6": Fault(
        "{name} has the IPv6 address {addresses} too, on which the appliance does not listen; devices try it first",
        "Remove the AAAA record of {name}",
    ),
    # --- event
    "disk-full": Fault(
        "only {free} MB are free where {path} is: clips and the queue cannot be written",
        "Make room (df -h {path}; du -xh --max-depth=2 / shows what takes it), or lower events_keep_disk_percent",
    ),
    "disk-read-only": Fault(
        "the file system of {path} is read-only, which the kernel does to a damaged one",
        "Look at: dmesg; replace the disk or SD card if there are errors, and restart the machine",
    ),
    "clips-missing": Fault("the folder for clips, {path}, is missing", f"{_SITE} with --tags events"),
    "apache-stopped": Fault(
        "Apache does not run ({state}), so that no clip and no snapshot can be played",
        "systemctl restart apache2; if it stays so, look at: journalctl -u apache2",
    ),
    "events-stopped": Fault(
        "the events service does not run ({state}): no clips are made and Alexa hears of nothing",
        "systemctl restart alexa-ip-cam-events; if it stays so, look at: journalctl -u alexa-ip-cam-events",
    ),
    "events-silent": Fault(
        "the events service runs but has not said for {age} how it is doing",
        "systemctl restart alexa-ip-cam-events, and look at: journalctl -u alexa-ip-cam-events",
    ),
    "recordings-unreadable": Fault(
        "the recordings of {camera} cannot be looked for: {what}",
        "See that the folder is there, mounted, and readable: ls -ld on it; set the camera's recordings, or"
        " events_groups, and run site.yml",
    ),
    "messages-parked": Fault(
        "{number} messages for Alexa were put aside because Amazon does not take them",
        "alexa-ip-cam-events list shows them and why; alexa-ip-cam-events retry all sends them again",
    ),
    "messages-stuck": Fault(
        "{number} messages for Alexa wait, and none has gone out since the last check",
        "systemctl restart alexa-ip-cam-events, and look at: journalctl -u alexa-ip-cam-events",
    ),
    "not-linked": Fault(
        "the skill is not linked with an Amazon account, so that Alexa takes no events",
        "Alexa app: More, Skills & Games, Your Skills, Dev, your skill: enable it and link your account",
    ),
    "grant-dead": Fault(
        "Alexa's permission to send events is gone: {what}",
        "Alexa app: disable the skill, enable it again and link your account",
    ),
    "skill-disabled": Fault(
        "the skill is disabled in the Alexa app: {what}",
        "Alexa app: More, Skills & Games, Your Skills, Dev, your skill: enable it",
    ),
    "events-held": Fault(
        "Alexa takes no events just now: {what}",
        "It is tried again by itself. Look at: alexa-ip-cam-events; journalctl -u alexa-ip-cam-events",
    ),
    # --- certificate
    "certificate-missing": Fault("there is no certificate on disk ({what})", f"{_SITE} with --tags certbot"),
    "certificate-expired": Fault(
        "the certificate of {name} has expired, so that no Echo connects",
        "Look at: journalctl -u certbot; then systemctl start certbot",
    ),
    "certificate-not-yet": Fault(
        "the certificate of {name} is not valid yet", "The clock is wrong. Look at: timedatectl"
    ),
    "certificate-names": Fault(
        "the certificate that is served is not for {name}, so that no Echo connects", f"{_SITE} with --tags certbot"
    ),
    "certificate-chain": Fault(
        "the certificate of {name} does not lead to the root that Echo devices trust ({what})",
        "Set certbot_preferred_chain to a root that they trust and run site.yml; docs/certificates.md says more",
    ),
    "certificate-old": Fault(
        "{name} is served with another certificate than the one on disk: stunnel did not take the new one",
        "systemctl start alexa-ip-cam-proof, which gives it again; look at: journalctl -u stunnel@alexa-ip-cam",
    ),
    "certificate-late": Fault(
        "the certificate should have been renewed and expires in {days} days",
        "Look at: journalctl -u certbot; systemctl list-timers certbot.timer; then systemctl start certbot",
    ),
    "renewal-off": Fault(
        "certbot's timer does not run ({state}), so that the certificate will expire",
        "systemctl enable --now certbot.timer",
    ),
    "renewal-failed": Fault(
        "the certificate could not be renewed {times} times in a row; the one at hand is still served",
        "Look at: journalctl -u certbot; docs/certificates.md says what each message means",
    ),
    # --- skill
    "skill-not-deployed": Fault(
        "the appliance was not told where the skill's store is: the skill was never deployed for it",
        "Run skill.yml",
    ),
    "store-key-refused": Fault(
        "AWS refuses the appliance's access key ({what}): it was deleted or made anew",
        "Run skill.yml, which makes a key and hands it over",
    ),
    "store-unreachable": Fault(
        "the skill's store at AWS does not answer ({what})",
        "See that the machine reaches the internet; if the table is gone, run skill.yml",
    ),
    "grant-missing": Fault(
        "no account is linked with the skill",
        "Alexa app: More, Skills & Games, Your Skills, Dev, your skill: enable it and link your account",
    ),
    "function-refused": Fault(
        "AWS does not let the appliance ask the skill's function in {region} ({what})",
        "Run skill.yml, which allows it",
    ),
    "function-missing": Fault(
        "the skill's function in {region} is gone ({what}): Alexa answers that the device does not respond",
        "Run skill.yml",
    ),
    "function-throttled": Fault(
        "AWS throttles the skill's function in {region} ({what}): Alexa answers that the device does not respond",
        "In the AWS console under Lambda, see the account's limit of concurrent executions, and that the function"
        " reserves none or more than 0",
    ),
    "function-failed": Fault(
        "the skill's function in {region} fails: {what}",
        "Look at its log in CloudWatch, group /aws/lambda/alexa-ip-cam; run skill.yml",
    ),
    "function-unreachable": Fault(
        "the skill's function in {region} could not be asked: {what}", "See that the machine reaches the internet"
    ),
    "function-old": Fault(
        "the skill's function in {region} does not know the self-check: older code is deployed", "Run skill.yml"
    ),
    "function-other-site": Fault(
        "the skill's function in {region} does not know {name}: it was deployed from another inventory", "Run skill.yml"
    ),
    "directive-unverified": Fault(
        "the skill's function in {region} cannot find out at Login with Amazon who asks ({what}): Alexa answers that"
        " the device does not respond",
        "Wait an hour in case Amazon is down; then look at the function's log in CloudWatch, group"
        " /aws/lambda/alexa-ip-cam, and see whether there is a newer release of alexa-ip-cam",
    ),
    "directive-wrong": Fault(
        "the skill's function in {region} answers a stranger's directive with {what}, and not that it does not know the"
        " account",
        "Run skill.yml; if it stays so, disable the skill in the Alexa app and report it: somebody else might see your"
        " cameras",
    ),
    "keys-differ": Fault(
        "the skill in {region} signs {purposes} with another key than the appliance checks: devices are refused",
        "Run site.yml, which gives both the key of the inventory. If the inventory was copied, see that"
        " signing-key.txt came along",
    ),
    "cameras-differ": Fault(
        "the skill in {region} knows other cameras than the appliance, or other settings of them",
        "Run site.yml, then say: Alexa, discover devices",
    ),
}
