"""moto's server, made as strict as AWS where moto is not. Run as a program, with the arguments of ``moto_server``.

- A function's permission is bound to the token that the caller must bring ("Using resource-based policies for Lambda");
  moto forgets the token.
- A published version's number is never given again ("Lambda function versions"); moto counts the versions there are.
"""

from typing import Any

from moto.awslambda.models import LambdaFunction, LambdaStorage
from moto.awslambda.policy import Policy
from moto.server import main

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


setattr(Policy, "decode_policy", _decode_with_token)  # noqa: B010  (a method of moto's, replaced)
setattr(LambdaStorage, "publish_version", _publish_counted)  # noqa: B010

if __name__ == "__main__":
    main()
