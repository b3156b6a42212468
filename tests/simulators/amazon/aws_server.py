"""moto's server, made as strict as AWS where moto is not. Run as a program, with the arguments of ``moto_server``.

- A function's permission is bound to the token that the caller must bring ("Using resource-based policies for Lambda");
  moto forgets the token.
- A function is run, by the real runtime client, where moto answers with a text of its own; and one whose concurrency is
  reserved to nothing is throttled ("Configuring reserved concurrency").
- A published version's number is never given again ("Lambda function versions"); moto counts the versions there are.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import LambdaBackend, LambdaFunction, LambdaStorage
from moto.awslambda.policy import Policy
from moto.server import main

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from simulators.amazon.lambda_runtime import LambdaError, LambdaRuntime

_decode, _publish = Policy.decode_policy, LambdaStorage.publish_version


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


def _publish_counted(self: LambdaStorage, name_or_arn: str, description: str = "") -> LambdaFunction | None:
    function = self.get_function_by_name_or_arn_forbid_qualifier(name_or_arn)
    there = list(self._functions[function.function_name]["versions"])
    version = _publish(self, name_or_arn, description)
    if version is not None and version not in there:
        counted: dict[str, int] = vars(self).setdefault("counted", {})
        counted[version.function_name] = counted.get(version.function_name, 0) + 1
        del self._arns[version.function_arn]
        version.set_version(counted[version.function_name])
        self._arns.update({one.function_arn: one for one in [*there, version]})
    return version


def _invoke(
    self: LambdaBackend, function_name: str, qualifier: str | None, body: Any, _headers: Any, response_headers: Any
) -> bytes:
    function = self.get_function(function_name, qualifier)
    whole = self.get_function(function.function_name, None)
    if whole.reserved_concurrency is not None and int(whole.reserved_concurrency) == 0:
        throttled = LambdaClientError("TooManyRequestsException", "Rate Exceeded.")
        throttled.code = 429
        raise throttled
    with tempfile.TemporaryDirectory(prefix="invoked-") as folder:
        archive = Path(folder, "function.zip")
        archive.write_bytes(function.code_bytes)
        try:
            with LambdaRuntime(archive) as runtime:
                answer = runtime.invoke(json.loads(body or "null"))
        except LambdaError as error:
            response_headers["x-amz-function-error"] = "Unhandled"
            answer = {"errorType": "Runtime.Error", "errorMessage": str(error)}
    return json.dumps(answer).encode()


setattr(LambdaBackend, "invoke", _invoke)  # noqa: B010
setattr(Policy, "decode_policy", _decode_with_token)  # noqa: B010  (a method of moto's, replaced)
setattr(LambdaStorage, "publish_version", _publish_counted)  # noqa: B010

if __name__ == "__main__":
    main()
