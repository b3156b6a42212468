"""Alarms of programs that may not write on the board themselves: raised and cleared by its own program."""

import subprocess
from pathlib import Path

ALARM = Path("/usr/local/sbin/alexa-ip-cam-alarm")
_SECONDS = 30.0


def tell(key: str, text: str, program: Path = ALARM) -> None:
    """Raise the alarm ``key``, or clear it when there is no text. Without the role alarm nobody is to be told.

    Raises:
        OSError: the program did not do it; says why.
    """
    if not program.exists():
        return
    command = [str(program), "raise", key, "-"] if text else [str(program), "clear", key]
    try:
        done = subprocess.run(command, input=text.encode(), capture_output=True, check=False, timeout=_SECONDS, env={})
    except subprocess.TimeoutExpired as error:
        raise OSError(f"{program} {command[1]} {key} did not end within {_SECONDS:.0f} s") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise OSError(f"{program} {command[1]} {key} failed: {said}")
