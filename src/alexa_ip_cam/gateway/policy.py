"""What the configuration says about viewers' sessions."""

from dataclasses import dataclass, replace

from alexa_ip_cam.gateway.config import Config
from alexa_ip_cam.gateway.timeline import History
from alexa_ip_cam.gateway.viewer import ViewerSettings

_FIRE_OS = ("stagefright", "fire os")


def is_fire_os(user_agent: str) -> bool:
    """Whether the player of an Echo or Fire TV names itself like this."""
    return any(pattern in user_agent.lower() for pattern in _FIRE_OS)


@dataclass(frozen=True, slots=True)
class Policy:
    """How sessions are held.

    Attributes:
        session_seconds: the time-out that is announced.
        public_port: the port of URLs that name none.
        history: how players with a start buffer are started.
        squeezed_user_agents: parts of the names of players without one.
        default_squeezed: whether players of unknown name are taken for such.
    """

    session_seconds: float
    public_port: int
    history: ViewerSettings
    squeezed_user_agents: tuple[str, ...]
    default_squeezed: bool

    @classmethod
    def of(cls, config: Config) -> "Policy":
        """The policy in a configuration."""
        history = History(config.history_seconds, config.history_floor_seconds, config.history_cap_seconds)
        limits = config.limits
        return cls(
            session_seconds=limits.session_seconds,
            public_port=config.public_port,
            history=ViewerSettings(
                squeezed=False,
                history=history,
                queue_seconds=limits.queue_seconds,
                queue_bytes=limits.queue_bytes,
            ),
            squeezed_user_agents=config.squeezed_user_agents,
            default_squeezed=config.default_start == "squeezed",
        )

    def viewer_settings(self, user_agent: str) -> ViewerSettings:
        """How a player that names itself like this is started."""
        name = user_agent.lower()
        known = any(pattern.lower() in name for pattern in self.squeezed_user_agents)
        squeezed = not is_fire_os(user_agent) and (known or self.default_squeezed)
        return replace(self.history, squeezed=squeezed)
