"""A proxy that adds a token to whatever it passes on, for suites that know nothing of tokens."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@contextmanager
def authorized(url: str, token: str) -> Iterator[str]:
    """Its own address."""
    parts = urlsplit(url)

    class Adding(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            gateway = http.client.HTTPConnection(parts.hostname or "", parts.port)
            gateway.request(
                self.command,
                self.path,
                body,
                {**headers, "Authorization": f"Bearer {token}", "Connection": "close"},
            )
            answer = gateway.getresponse()
            content = answer.read()
            gateway.close()
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                    self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET = do_DELETE = do_OPTIONS = handle_any  # noqa: N815

        def handle(self) -> None:
            with suppress(ConnectionError):  # the suite ends connections as it likes
                super().handle()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Adding) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}{parts.path}"
        server.shutdown()
