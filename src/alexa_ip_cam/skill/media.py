"""Alexa.MediaMetadata: recordings, by ids that say all there is to know of them.

Amazon withdrew the interface for new and changed skills on 2023-03-15; a home offers it only if its settings say so.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from alexa_ip_cam.alexa.endpoints import endpoint_id
from alexa_ip_cam.alexa.errors import InvalidDirectiveError
from alexa_ip_cam.alexa.messages import Directive, Message, response
from alexa_ip_cam.alexa.store import StoreError
from alexa_ip_cam.media_id import CAUSES, Media, clip_path, parse_media_id

from .caller import Caller
from .settings import Site
from .urls import clip_url, expiry_after

MAX_IDS = 300  # of one directive; no limit is published
URL_SECONDS = 600


def get_media_metadata(directive: Directive, caller: Caller) -> Message:
    """Answer GetMediaMetadata with times, cause and a freshly signed URL of each recording.

    After the "Alexa.MediaMetadata Interface" part of Amazon's published message schema. An id that is not ours, or not
    the caller's, is NOT_FOUND; a recording that the appliance has deleted is DELETED; where the store does not say
    whether it has been, INTERNAL_ERROR. The schema wants at least one recording even then; ours has none, and errors.

    Raises:
        InvalidDirectiveError: the list of ids is missing or malformed.
    """
    asked = _media_ids(directive.payload)
    found = {identity: place for identity in asked if (place := _find(identity, caller))}
    problems = dict.fromkeys((identity for identity in asked if identity not in found), "NOT_FOUND")
    problems.update(_gone(found, caller))
    expiry = expiry_after(URL_SECONDS)
    media = [_media(identity, *found[identity], expiry) for identity in asked if identity not in problems]
    payload: Message = {"scope": {"type": "BearerToken", "token": directive.token}, "media": media}
    if problems:
        payload["errors"] = [{"mediaId": identity, "status": status} for identity, status in problems.items()]
    return response(directive, "Alexa.MediaMetadata", "GetMediaMetadata.Response", payload)


def _media_ids(payload: Message) -> list[str]:
    filters = payload.get("filters")
    wanted = filters.get("mediaIds") if isinstance(filters, dict) else None
    if not isinstance(wanted, list) or not 1 <= len(wanted) <= MAX_IDS:
        raise InvalidDirectiveError(f"The payload needs filters with a list of 1 to {MAX_IDS} mediaIds.")
    # What is no id at all cannot be answered for: the answer repeats it.
    if not all(isinstance(one, str) and one.isascii() and one.isprintable() and 1 <= len(one) <= 256 for one in wanted):
        raise InvalidDirectiveError("A media id is 1 to 256 characters of text.")
    return list(dict.fromkeys(wanted))


def _find(identity: str, caller: Caller) -> tuple[Site, Media] | None:
    for site in caller.sites:
        if not site.media_metadata:
            continue
        try:
            media = parse_media_id(site.media_key, identity)
        except ValueError:
            continue
        if endpoint_id(site.streams_name, media.camera_id) in site.cameras:
            return site, media
    return None


def _gone(found: Mapping[str, tuple[Site, Media]], caller: Caller) -> dict[str, str]:
    problems: dict[str, str] = {}
    for site in caller.sites:
        here = [identity for identity, (place, _) in found.items() if place is site]
        if not here:
            continue
        try:
            problems.update(dict.fromkeys(sorted(caller.store(site).deleted(here)), "DELETED"))
        except StoreError:
            problems.update(dict.fromkeys(here, "INTERNAL_ERROR"))
    return problems


def _media(identity: str, site: Site, media: Media, expiry: datetime) -> Message:
    camera = site.cameras[endpoint_id(site.streams_name, media.camera_id)]
    end = media.start + media.length + timedelta(milliseconds=999)  # whole seconds, and no part of it cut off
    return {
        "id": identity,
        "cause": CAUSES[media.cause],
        "recording": {
            "startTime": _second(media.start),
            "endTime": _second(end),
            "videoCodec": "H264",
            "audioCodec": "AAC" if camera.audio == "AAC" else "NONE",  # MP4 carries no G.711
            "uri": {"value": clip_url(site, clip_path(media, identity), expiry), "expireTime": _second(expiry)},
        },
    }


def _second(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
