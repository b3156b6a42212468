"""Alexa.SmartVision.SnapshotProvider: the picture in the app."""

from datetime import UTC, datetime, timedelta

from alexa_ip_cam.alexa.errors import InvalidDirectiveError
from alexa_ip_cam.alexa.messages import Directive, Message, response, timestamp

from .caller import Caller
from .urls import expiry_after, snapshot_url

URL_SECONDS = 600  # what Amazon recommends

_AGE = timedelta(seconds=10)  # the appliance takes a new picture that often


def get_snapshot(directive: Directive, caller: Caller) -> Message:
    """Answer GetSnapshot with the signed URL of the camera's newest picture ("…SnapshotProvider Interface 1.1" page).

    Alexa fetches it itself, with the account's token in the request; here the URL's signature is what opens it. The
    page's table of the answer's fields is not known to us in full: the form is that of a value with its time.

    Raises:
        NoSuchEndpointError: the endpoint is none of the caller's cameras.
        InvalidDirectiveError: its home offers no snapshots.
    """
    site, camera = caller.camera(directive)
    if not site.snapshots:
        raise InvalidDirectiveError("This camera was discovered without snapshots.")
    expiry = expiry_after(URL_SECONDS)
    payload = {
        "value": {
            "uri": snapshot_url(site, camera, expiry),
            "uriExpirationTime": timestamp(expiry),
            "authenticationType": "ACCESS_TOKEN",
        },
        "timeOfSample": timestamp(datetime.now(UTC)),
        "uncertaintyInMilliseconds": _AGE // timedelta(milliseconds=1),
    }
    return response(directive, "Alexa.SmartVision.SnapshotProvider", "Response", payload)
