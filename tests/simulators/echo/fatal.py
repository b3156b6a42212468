"""The one error of the played Echo: something its player would not survive."""


class FatalCheck(Exception):  # noqa: N818 - it names the event in the player, which is no error of this code
    """The player stops here: it crashes, disconnects, or waits for ever.

    ``reason`` says what the server did, in words a report can show.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
