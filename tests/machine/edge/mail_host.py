"""Runs on the appliance in the place of the owner's mail host: takes every mail (RFC 5321) and keeps it in a file.

Arguments: the port on loopback, the file.
"""

import contextlib
import json
import socketserver
import sys
from pathlib import Path

PORT, KEPT = int(sys.argv[1]), Path(sys.argv[2])


class Handler(socketserver.StreamRequestHandler):
    """One client."""

    def handle(self) -> None:
        with contextlib.suppress(EOFError):
            self.talk()

    def talk(self) -> None:
        sender, to = "", list[str]()
        self.say("220 mail host")
        while True:
            line = self.line()
            verb = line[:4].upper()
            if verb == "MAIL":
                sender, to = line.partition(":")[2], []
            elif verb == "RCPT":
                to.append(line.partition(":")[2])
            elif verb == "DATA":
                self.say("354 go on")
                self.keep(sender, to)
            self.say("221 bye" if verb == "QUIT" else "250 well")
            if verb == "QUIT":
                return

    def keep(self, sender: str, to: list[str]) -> None:
        lines = iter(self.line, ".")
        mail = {"from": sender, "to": to, "text": "\n".join(line.removeprefix(".") for line in lines)}
        with KEPT.open("a") as stream:
            stream.write(json.dumps(mail) + "\n")

    def line(self) -> str:
        raw = self.rfile.readline()
        if not raw:
            raise EOFError
        return raw.decode().rstrip("\r\n")

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class Server(socketserver.ThreadingTCPServer):
    """The port."""

    allow_reuse_address = daemon_threads = True


Server(("127.0.0.1", PORT), Handler).serve_forever()
