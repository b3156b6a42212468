"""Two homes that share one skill, with their owners' accounts at Amazon, and Alexa talking to the skill in process."""

import copy
import json
from typing import Any

import pytest

from alexa_ip_cam.alexa.lwa import Client
from alexa_ip_cam.alexa.store import Store
from alexa_ip_cam.lambda_zip import settings_from_inventory
from alexa_ip_cam.skill import dispatch, grants, who
from alexa_ip_cam.skill.dispatch import Skill
from alexa_ip_cam.skill.settings import parse_settings
from simulators.amazon.alexa import Alexa
from simulators.amazon.aws import ACCESS_KEY, REGION, Aws
from simulators.amazon.lwa import Lwa

LINKING = "amzn1.application-oa2-client.linking"
MESSAGING = Client("amzn1.application-oa2-client.messaging", "the-messaging-secret")
FOREIGN = "amzn1.application-oa2-client.foreign"
OWNER, PARTNER = "amzn1.account.OWNER", "amzn1.account.PARTNER"
NEIGHBOUR, STRANGER = "amzn1.account.NEIGHBOUR", "amzn1.account.STRANGER"
NOBODY_LISTENS = "http://127.0.0.1:9"


def login() -> Lwa:
    """Login with Amazon, not started yet, which knows the skill's two clients and somebody else's."""
    lwa = Lwa()
    lwa.add_client(LINKING, "the linking secret")
    lwa.add_client(*MESSAGING)
    lwa.add_client(FOREIGN, "a foreign secret")
    return lwa


def inventory() -> dict[str, Any]:
    """The variables of the owner's home; everything that a camera can have is had by one of them."""

    def camera(camera_id: str, name: str, **rest: Any) -> dict[str, Any]:
        plain = {"manufacturer": "Axis", "model": "P3245-V", "width": 1280, "height": 720, "audio": "none"}
        address = {"url": "rtsp://192.0.2.20/media", "username": "viewer", "password": "hush-hush"}
        return {"id": camera_id, "name": name, **plain, **address, **rest}

    return {
        "cameras": [
            camera("front-porch", "Front Porch", doorbell=True),
            camera("back-yard", "Back Yard", audio="aac", width=1920, height=1080, host="remote"),
            camera("den", "The Den", audio="g711"),
        ],
        "appliance_streams_name": "cams.example.com",
        "appliance_remote_name": "away.example.com",
        "appliance_clips_name": "clips.example.com",
        "appliance_signing_key": "00112233445566778899aabbccddeeff" * 2,
        "skill_lwa_client_id": LINKING,
        "skill_owners": [OWNER, PARTNER],
        "skill_media_metadata": True,
    }


def neighbours() -> dict[str, Any]:
    """The variables of the neighbour's home, which is served by the same skill."""
    home = copy.deepcopy(inventory())
    del home["appliance_remote_name"]
    home.update(
        cameras=[{**home["cameras"][2], "id": "den", "name": "Studio"}, {**home["cameras"][2], "id": "garage"}],
        appliance_streams_name="cams.example.net",
        appliance_clips_name="clips.example.net",
        appliance_signing_key="ffeeddccbbaa99887766554433221100" * 2,
        skill_owners=[NEIGHBOUR],
    )
    home["cameras"][1]["name"] = "Garage"
    return home


def document_for(lwa: Lwa, *homes: dict[str, Any], store_url: str = NOBODY_LISTENS) -> dict[str, Any]:
    """The settings in the form of settings.json."""
    return settings_from_inventory(
        *homes,
        table="alexa-ip-cam",
        region=REGION,
        messaging=MESSAGING._asdict(),
        lwa_url=lwa.url,
        store_url=store_url,
    )


def with_store(document: dict[str, Any], aws: Aws, table: str) -> Store:
    """Let the settings lead to a real table; returns the owner's part of it, as the events service has it."""
    aws.make_table(table)
    document.update(store_url=aws.url, table=table)
    site = document["sites"][0]["streams_name"]
    return Store(table, site, region=REGION, endpoint_url=aws.url, access_key=ACCESS_KEY)


def let_run(change: pytest.MonkeyPatch) -> None:
    """What AWS gives a function; and more patience, for a machine that does other things, too."""
    for name, value in zip(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), ACCESS_KEY, strict=True):
        change.setenv(name, value)
    change.setenv("AWS_REGION", REGION)
    change.setattr(who, "_PATIENCE_SECONDS", 30)
    change.setattr(grants, "_PATIENCE_SECONDS", 30)
    change.setattr(dispatch, "_STORE_SECONDS", 30)


def talk(skill: Skill, token: str) -> Alexa:
    """Alexa, for an account with this token; all that passes is JSON."""

    def invoke(event: dict[str, Any]) -> dict[str, Any]:
        reply: dict[str, Any] = json.loads(json.dumps(skill.answer(json.loads(json.dumps(event)), "request-1")))
        return reply

    return Alexa(invoke, token)


def alexa_for(document: dict[str, Any], lwa: Lwa, user_id: str = OWNER) -> Alexa:
    """Alexa for one account, with a skill of its own."""
    return talk(Skill(parse_settings(document)), lwa.new_bearer(LINKING, user_id))
