"""The URLs that Alexa and its devices are handed: signed, for one thing, for a limited time."""

from datetime import UTC, datetime, timedelta

from alexa_ip_cam.signing import sign_clip_uri, sign_stream

from .settings import Camera, Site


def expiry_after(seconds: int) -> datetime:
    """When a URL that is made now ends; whole seconds, as signatures have."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).replace(microsecond=0)


def stream_url(site: Site, camera: Camera, expiry: datetime) -> str:
    """The camera's live stream; without a signature where nothing on the appliance checks any."""
    host = site.remote_name if camera.host == "remote" else site.streams_name
    path = sign_stream(site.stream_key, camera.id, int(expiry.timestamp())) if site.sign_streams else camera.id
    # Alexa writes rtsp:// although the connection is TLS: port 443 says so.
    return f"rtsp://{host}:{site.port}/{path}"


def snapshot_url(site: Site, camera: Camera, expiry: datetime) -> str:
    """The camera's newest picture."""
    path = f"/snapshots/{camera.id}.jpg"
    return f"https://{site.clips_name}{path}?{sign_clip_uri(site.snapshot_key, path, expiry)}"


def clip_url(site: Site, path: str, expiry: datetime) -> str:
    """A recording; `path` from `media_id.clip_path`, which needs no percent-encoding."""
    return f"https://{site.clips_name}{path}?{sign_clip_uri(site.clip_key, path, expiry)}"
