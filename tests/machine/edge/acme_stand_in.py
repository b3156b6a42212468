"""Runs on the appliance in the ACME server's place: speaks TLS, and says the same to everybody."""

import http.server
import json
import ssl
import sys

PORT, STATUS = int(sys.argv[1]), int(sys.argv[2])


class Handler(http.server.BaseHTTPRequestHandler):
    """An ACME server in trouble."""

    def do_GET(self) -> None:
        problem = {"type": "urn:ietf:params:acme:error:rateLimited", "detail": "too many requests", "status": STATUS}
        body = json.dumps(problem).encode()
        self.send_response(STATUS)
        self.send_header("Content-Type", "application/problem+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_POST = do_GET  # noqa: N815 - the names that the base class looks for


server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/run/acme.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
