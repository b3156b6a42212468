from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox import SandboxError
from world.cameras import Camera
from world.clips import audio_arguments, video_arguments
from world.profiles import PROFILES, Profile

PASSWORD = "p4ss-w0rd"


def camera(profile: Profile) -> Camera:
    protected = profile.auth != "none"
    return Camera(
        id="front-porch",
        name="Front Porch",
        url="rtsp://10.64.0.2:8554/live",
        username="viewer" if protected else "",
        password=PASSWORD if protected else "",
        profile=profile,
        clip=Path("/cache/clips/video-1.h264"),
    )


def test_an_inventory_entry_has_what_the_design_names() -> None:
    assert camera(replace(PROFILES["front-porch"], audio="pcmu")).inventory() == {
        "id": "front-porch",
        "name": "Front Porch",
        "url": "rtsp://10.64.0.2:8554/live",
        "username": "viewer",
        "password": PASSWORD,
        "manufacturer": "Axis",
        "model": "P3245-V",
        "width": 1280,
        "height": 720,
        "audio": "g711",
    }


def test_an_open_camera_has_no_credentials_anywhere() -> None:
    opened = camera(replace(PROFILES["front-porch"], auth="none"))
    assert {"username", "password"}.isdisjoint(opened.inventory())
    assert opened.url_with_credentials() == opened.url


def test_the_password_is_in_the_settings_but_not_in_the_text_of_the_object() -> None:
    guarded = camera(PROFILES["front-porch"])
    assert PASSWORD not in repr(guarded)
    (content,) = guarded.process_files().values()
    assert json.loads(content)["password"] == PASSWORD
    assert json.loads(content)["port"] == guarded.port == 8554
    assert guarded.url_with_credentials() == f"rtsp://viewer:{PASSWORD}@10.64.0.2:8554/live"


@pytest.mark.parametrize(("camera_id", "profile"), PROFILES.items(), ids=list(PROFILES))
def test_the_encoder_is_asked_for_what_the_profile_says(camera_id: str, profile: Profile) -> None:
    arguments = video_arguments(profile)
    options = dict(zip(arguments[::2], arguments[1::2], strict=True))
    assert options["-frames:v"] == str(profile.gop * profile.gops), camera_id
    assert options["-profile:v"] == profile.h264_profile
    x264 = dict(option.split("=") for option in options["-x264-params"].split(":"))
    assert x264["keyint"] == x264["min-keyint"] == str(profile.gop)
    assert x264["slices"] == str(profile.slices)
    assert x264["open-gop"] == x264["scenecut"] == x264["bframes"] == "0"
    assert f"text='{profile.name}'" in options["-vf"]


def test_a_settable_rate_reaches_the_encoder() -> None:
    arguments = video_arguments(replace(PROFILES["front-porch"], bitrate_kbps=20_000))
    assert arguments[arguments.index("-b:v") + 1] == "20000k"


def test_a_name_that_could_change_the_filter_is_refused() -> None:
    with pytest.raises(SandboxError, match="only letters"):
        video_arguments(replace(PROFILES["front-porch"], name="x':textfile='/etc/hostname"))


def test_each_kind_of_sound_has_its_encoder() -> None:
    assert "pcm_mulaw" in audio_arguments("pcmu")
    assert "aac" in audio_arguments("aac")


def test_the_profiles_cover_the_kinds_of_camera_the_appliance_must_bear() -> None:
    profiles = PROFILES.values()
    assert {profile.auth for profile in profiles} >= {"basic", "digest"}
    assert {profile.audio for profile in profiles} >= {"none", "pcmu"}
    assert {profile.h264_profile for profile in profiles} == {"baseline", "main"}
    assert any(profile.slices > 1 for profile in profiles)
    assert any(profile.gop / profile.fps == 4 for profile in profiles)
    assert any(profile.keyframe_bytes == (350_000, 400_000) for profile in profiles)
