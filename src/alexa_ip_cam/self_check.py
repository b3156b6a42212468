"""What the appliance's self-check asks the skill, and how both sides compare keys and cameras without showing them.

The question is no directive and needs no account; it is asked by whoever AWS lets call the function. The answer holds
marks only: of a key one that changes with each question and says nothing of it, of the cameras a hash that only
somebody who knows them can make. Standard library only: the Lambda imports this.
"""

import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any, TypeGuard

QUESTION = "alexa-ip-cam-check"
"""The one key of the question, whose value has `site` (streams name) and `nonce`, and of the answer."""


def is_question(event: object) -> TypeGuard[dict[str, Any]]:
    """Whether a function was invoked with the question; nothing of Alexa's has its key."""
    return isinstance(event, dict) and list(event) == [QUESTION]


def key_mark(key_hex: str, nonce: str) -> str:
    """A mark of a key, given in hexadecimal: HMAC-SHA256 over the question's nonce."""
    return hmac.digest(bytes.fromhex(key_hex), f"{QUESTION} {nonce}".encode(), "sha256").hex()


def cameras_mark(endpoints: Sequence[Any]) -> str:
    """A mark of the cameras, as discovery lists them."""
    return hashlib.sha256(json.dumps(endpoints, sort_keys=True).encode()).hexdigest()
