"""moto's server, with a function's permissions as AWS keeps them: bound to the token that the caller must bring.

Run as a program, with the arguments of ``moto_server``. moto itself forgets the token, and writes a service of Alexa's
as no policy of AWS has it ("Using resource-based policies for Lambda").
"""

from typing import Any

from moto.awslambda.policy import Policy
from moto.server import main

_decode = Policy.decode_policy


def _decode_with_token(self: Policy, request: dict[str, Any]) -> Policy:
    token = request.get("EventSourceToken")
    policy: Policy = _decode(self, request)
    for statement in policy.statements:
        if isinstance(statement.get("Principal"), str):
            statement["Principal"] = {"Service": statement["Principal"]}
        if token:
            condition = statement.setdefault("Condition", {}).setdefault("StringEquals", {})
            condition["lambda:EventSourceToken"] = token
    return policy


setattr(Policy, "decode_policy", _decode_with_token)  # noqa: B010  (a method of moto's, replaced)

if __name__ == "__main__":
    main()
