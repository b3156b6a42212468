"""What an appliance's self-check is answered: marks of keys and cameras, which say nothing to others."""

import json
from typing import Any

from alexa_ip_cam.alexa.messages import Message
from alexa_ip_cam.self_check import QUESTION, cameras_mark, key_mark

from .discovery import endpoints
from .settings import Settings

_LONGEST = 253  # characters of a site's name or a nonce


def answer_check(event: dict[str, Any], settings: Settings) -> Message:
    """The answer for one site; `known` is false for a site of nobody, and for a question of another form."""
    question = event.get(QUESTION)
    asked = question if isinstance(question, dict) else {}
    name, nonce = asked.get("site"), asked.get("nonce")
    site = next((one for one in settings.sites if one.streams_name == name), None)
    if site is None or not isinstance(nonce, str) or not 0 < len(nonce) <= _LONGEST:
        return _told({"known": False})
    keys = {"streams": site.stream_key.hex(), "clips": site.clip_key, "media": site.media_key.hex()}
    marks = {purpose: key_mark(key, nonce) for purpose, key in keys.items()}
    return _told({"known": True, "keys": marks, "cameras": cameras_mark(endpoints(site))})


def _told(content: Message) -> Message:
    print(json.dumps({"directive": "self-check", "outcome": "ok" if content["known"] else "unknown site"}), flush=True)
    return {QUESTION: content}
