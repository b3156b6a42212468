"""What to set where: for Axis cameras with their own words, for others in general ones.

An Axis camera takes most settings in the URL itself, behind a `?` and joined by `&` (VAPIX, video streaming over RTSP),
so that its other users are left alone; its page has the same under Video > Stream.
"""

from __future__ import annotations

from collections.abc import Mapping

_AXIS = {
    "codec": "add videocodec=h264 to its url",
    "profile": "add h264profile=main to its url",
    "level": "add resolution=1280x720&fps=30 to its url",
    "gop": "add videokeyframeinterval={pictures} to its url, and switch off dynamic GOP (Video > Stream > Zipstream)",
    "keyframe": "add compression=40 to its url, or a smaller resolution=",
    "bitrate": "add videomaxbitrate=4000 to its url (kbit/s), or a smaller resolution=",
    "fps-low": "add fps=15 to its url, and switch off dynamic FPS (Video > Stream > Zipstream)",
    "fps-high": "add fps=30 to its url",
    "size": "add resolution={wanted} to its url, or write width: {width} and height: {height} into the inventory",
    "no-sound": "switch sound on in the camera (Audio) and add audio=1 to its url, or write audio: none",
    "sound": "write audio: {audio} into the inventory, or add audio=0 to its url",
    "other-sound": "choose AAC or G.711 in the camera (Audio), or add audio=0 to its url and write audio: none",
    "path": "an Axis camera's url ends in /axis-media/media.amp",
}

_GENERAL = {
    "codec": "set the codec to H.264 (not H.264+, H.265 or MJPEG), or give the url of a second stream that is H.264",
    "profile": "set the H.264 profile to Main or Baseline",
    "level": "set 1280x720 and at most 30 pictures a second, or give the url of the smaller second stream",
    "gop": "set the keyframe distance (I frame interval, GOP) to {pictures}, and switch off smart codecs (H.264+)",
    "keyframe": "lower the quality or the maximum bitrate, or set a smaller picture",
    "bitrate": "limit the bitrate to 4000 kbit/s, or set a smaller picture",
    "fps-low": "set at least 15 pictures a second",
    "fps-high": "set 30 pictures a second or fewer",
    "size": "set the picture to {wanted}, or write width: {width} and height: {height} into the inventory",
    "no-sound": "switch sound on for this stream, or write audio: none into the inventory",
    "sound": "write audio: {audio} into the inventory, or switch sound off for this stream",
    "other-sound": "choose AAC or G.711 for this stream's sound, or switch it off and write audio: none",
    "path": "look the RTSP path of this model up in its manual",
}


def mend(camera: Mapping[str, object], key: str, **values: object) -> str:
    """The sentence for a key above; braces take ``values``."""
    maker = str(camera.get("manufacturer", "")).lower()
    return (_AXIS if maker.startswith("axis") else _GENERAL)[key].format(**values)
