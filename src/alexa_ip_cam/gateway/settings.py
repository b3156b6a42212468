"""The limits that bound memory, time and numbers."""

from dataclasses import dataclass

from alexa_ip_cam.service.checks import Setting, a_number, a_whole_number


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds the gateway. Seconds and bytes; docs/gateway.md has the reason for each figure."""

    max_connections: int
    max_viewers: int
    head_seconds: float
    before_play_seconds: float
    session_seconds: float
    stall_seconds: float
    queue_seconds: float
    queue_bytes: int
    send_buffer_bytes: int
    packet_bytes: int
    ring_seconds: float
    ring_bytes: int
    silence_seconds: float
    wake_seconds: float
    idle_seconds: float

    @staticmethod
    def settings() -> dict[str, Setting]:
        """The limits' names in the file, defaults and checks."""
        return {
            "max_connections": Setting(256, a_whole_number(2, 4096)),
            "max_viewers": Setting(64, a_whole_number(1, 2048)),
            "head_seconds": Setting(10.0, a_number(1, 120)),
            "before_play_seconds": Setting(20.0, a_number(1, 300)),
            "session_seconds": Setting(60.0, a_number(15, 3600)),
            "stall_seconds": Setting(10.0, a_number(1, 120)),
            "queue_seconds": Setting(3.5, a_number(0.5, 60)),
            "queue_bytes": Setting(16 << 20, a_whole_number(1 << 16, 1 << 28)),
            "send_buffer_bytes": Setting(64 << 10, a_whole_number(4096, 1 << 24)),
            "packet_bytes": Setting(8000, a_whole_number(200, 65000)),
            "ring_seconds": Setting(20.0, a_number(4, 120)),
            "ring_bytes": Setting(16 << 20, a_whole_number(1 << 18, 1 << 30)),
            "silence_seconds": Setting(4.5, a_number(1, 60)),
            "wake_seconds": Setting(4.5, a_number(0.5, 30)),
            "idle_seconds": Setting(60.0, a_number(1, 86400)),
        }
