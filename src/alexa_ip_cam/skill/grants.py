"""Alexa.Authorization: the household's permission to be sent events."""

import os

from alexa_ip_cam.alexa import lwa
from alexa_ip_cam.alexa.errors import AcceptGrantFailedError
from alexa_ip_cam.alexa.messages import Directive, Message, response
from alexa_ip_cam.alexa.store import Region, StoreError

from .caller import Caller

REGIONS: dict[str, Region] = {"us-east-1": "NA", "eu-west-1": "EU", "us-west-2": "FE"}
"""Where a function may run that Alexa invokes, and the region of Alexa that it then serves."""

_PATIENCE_SECONDS = 2.0  # see `who`


def accept_grant(directive: Directive, caller: Caller) -> Message:
    """Exchange the code of an AcceptGrant at once, and keep the tokens ("Alexa.Authorization Interface" page).

    The grant goes to every home of the owner, and replaces the one before.

    Raises:
        AcceptGrantFailedError: the tokens are not safely stored, for whatever reason; its details say which.
    """
    grant = directive.payload.get("grant")
    code = grant.get("code") if isinstance(grant, dict) else None
    if not isinstance(grant, dict) or grant.get("type") != "OAuth2.AuthorizationCode" or not isinstance(code, str):
        raise AcceptGrantFailedError("The grant needs the type OAuth2.AuthorizationCode and a code.")
    client = caller.settings.messaging
    if client is None:
        raise AcceptGrantFailedError(
            "The skill cannot send events yet.",
            cause="it was deployed without its messaging credentials: run the deployment again, then disable and "
            "enable the skill in the Alexa app",
        )
    # The region decides which event gateway takes the events: that of the function that Alexa has chosen.
    region = REGIONS.get(os.environ.get("AWS_REGION", ""))
    if region is None:
        raise AcceptGrantFailedError("The skill runs in a region that Alexa does not know.")
    try:
        tokens = lwa.exchange_code(code, client, url=caller.settings.lwa_url, timeout=_PATIENCE_SECONDS)
    except lwa.LwaError as problem:
        raise AcceptGrantFailedError("The code could not be exchanged.", cause=str(problem)) from None
    try:
        for site in caller.sites:
            caller.store(site).put_grant(tokens, client, region)
    except StoreError as problem:
        raise AcceptGrantFailedError("The tokens could not be stored.", cause=str(problem)) from None
    return response(directive, "Alexa.Authorization", "AcceptGrant.Response", {})
