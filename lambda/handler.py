"""The Lambda function's entry point: Lambda is told to call ``handler.handler``."""

from pathlib import Path
from typing import Any

from alexa_ip_cam.self_check import is_question
from alexa_ip_cam.skill.dispatch import Skill
from alexa_ip_cam.skill.settings import load_settings

_SKILL = Skill(load_settings(Path(__file__).with_name("settings.json")))


def handler(event: object, context: Any) -> dict[str, Any]:
    """Answer one directive of Alexa, or the question of an appliance's self-check."""
    if is_question(event):
        return _SKILL.answer_check(event)
    return _SKILL.answer(event, context.aws_request_id)
