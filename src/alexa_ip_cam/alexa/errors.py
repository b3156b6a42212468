"""What can go wrong with a directive, in Alexa's terms: one class per error type.

Handlers raise these; `alexa_ip_cam.skill.dispatch` turns them into ErrorResponse messages. Types as in Amazon's
"Alexa.ErrorResponse Interface" and "Alexa.Authorization Interface" pages.
"""

from typing import ClassVar


class AlexaError(Exception):
    """A refusal that Alexa is told about. The message leaves the skill and must not hold secrets.

    `details` go to the function's own log beside it, and must not hold secrets either.
    """

    error_type: ClassVar[str]

    def __init__(self, message: str, **details: str) -> None:
        super().__init__(message)
        self.details = details


class AcceptGrantFailedError(AlexaError):
    """A grant could not be exchanged or stored."""

    error_type = "ACCEPT_GRANT_FAILED"


class ExpiredAuthorizationCredentialError(AlexaError):
    """The directive's bearer token has expired."""

    error_type = "EXPIRED_AUTHORIZATION_CREDENTIAL"


class InternalError(AlexaError):
    """A fault of the skill itself, or of what it depends on."""

    error_type = "INTERNAL_ERROR"


class InvalidAuthorizationCredentialError(AlexaError):
    """The directive's bearer token is none, or of somebody who may not use the skill."""

    error_type = "INVALID_AUTHORIZATION_CREDENTIAL"


class InvalidDirectiveError(AlexaError):
    """A directive this skill does not know, or one that is malformed."""

    error_type = "INVALID_DIRECTIVE"


class InvalidValueError(AlexaError):
    """A well-formed directive that asks for something the endpoint does not offer."""

    error_type = "INVALID_VALUE"


class NoSuchEndpointError(AlexaError):
    """An endpoint that is not, or no longer, in the inventory, or not the asker's."""

    error_type = "NO_SUCH_ENDPOINT"
