"""An Echo Show, as far as a camera stream can tell: its RTSP client and a model of the player behind it."""

from simulators.echo.fatal import FatalCheck
from simulators.echo.interleaved import Packet
from simulators.echo.recording import Recording, capture_clock
from simulators.echo.session import EchoSession
from simulators.echo.versions import ANDROID_5, ANDROID_7, ANDROID_9, ANDROID_11, VERSIONS, Version
from simulators.echo.watch import Watch, watch

__all__ = [
    "ANDROID_5",
    "ANDROID_7",
    "ANDROID_9",
    "ANDROID_11",
    "VERSIONS",
    "EchoSession",
    "FatalCheck",
    "Packet",
    "Recording",
    "Version",
    "Watch",
    "capture_clock",
    "watch",
]
