"""What can go wrong with a directive, in Alexa's terms: one class per error type.

Handlers raise these; `alexa_ip_cam.skill.dispatch` turns them into ErrorResponse messages. Types as in Amazon's
"Alexa.ErrorResponse Interface" page.
"""

from typing import ClassVar


class AlexaError(Exception):
    """A refusal that Alexa is told about. The message leaves the skill and must not hold secrets."""

    error_type: ClassVar[str]


class InternalError(AlexaError):
    """A fault of the skill itself."""

    error_type = "INTERNAL_ERROR"


class InvalidDirectiveError(AlexaError):
    """A directive this skill does not know, or one that is malformed."""

    error_type = "INVALID_DIRECTIVE"


class InvalidValueError(AlexaError):
    """A well-formed directive that asks for something the endpoint does not offer."""

    error_type = "INVALID_VALUE"


class NoSuchEndpointError(AlexaError):
    """An endpoint that is not, or no longer, in the inventory."""

    error_type = "NO_SUCH_ENDPOINT"
