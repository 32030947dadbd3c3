"""What the bridge answers without a gateway: what is wrong, whether anything was done, what to set."""

import json
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import anyio
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream

from services.cli.embedded import EmbeddedServer
from shared.settings import Settings
from tests import hostile
from tests.api.serving import serving as serving_api
from tests.mcp.clients import BRIDGES, CLIENTS, PYTHON_BRIDGE, Gateway
from tests.mcp.test_stdio import INITIALIZE
from tests.poll import best_of_three, in_time
from tests.target import Target

REMEDY = "Set RECURO_MCP_URL to the address of the gateway, as in http://127.0.0.1:8001/mcp."


class Strange(BaseHTTPRequestHandler):
    """Answers with the status, type and body that the last part of the path names."""

    ANSWERS: ClassVar = {
        "page": (200, "text/html", b"<h1>Welcome</h1>"),
        "page-404": (404, "text/html", b"<h1>Not found</h1>"),
        "page-403": (403, "text/html", b"<h1>Forbidden</h1>"),
        "no-post": (405, "text/plain", b""),
        "away": (301, "text/html", b""),
        "proxy": (502, "text/html", b"<h1>Bad Gateway</h1>"),
        "later": (
            404,
            "application/json",
            b'{"jsonrpc": "2.0", "id": 1, "error": {"code": -1, "message": "Later"}}',
        ),
        "json": (200, "application/json", b'{"status": "ok"}'),
        "empty": (200, "text/plain", b""),
    }
    hung = threading.Event()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        name = self.path.rpartition("/")[2]
        if name == "hang":
            self.hung.wait(20)
            return
        if name == "cut":
            self.connection.close()
            return
        status, kind, body = self.ANSWERS[name]
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("location", "https://elsewhere.example/mcp")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def strange() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Strange) as server:
        server.daemon_threads = True
        Strange.hung.clear()
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        Strange.hung.set()
        server.shutdown()


CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list-crons", "arguments": {}}}


Asking = Callable[[object], Awaitable[dict[str, Any]]]


@asynccontextmanager
async def bridged(bridge: Sequence[str], url: str, token: str = "any", **env: str) -> AsyncIterator[Asking]:
    """What gives the bridge a message, and returns the result that it answers."""
    environment = {**os.environ, "RECURO_MCP_URL": url, "RECURO_API_TOKEN": token, **env}
    async with await anyio.open_process(bridge, env=environment, stderr=None) as process:
        assert process.stdin
        assert process.stdout
        to, answers = process.stdin, BufferedByteReceiveStream(process.stdout)

        async def ask(message: object) -> dict[str, Any]:
            await to.send(json.dumps(message).encode() + b"\n")
            with anyio.fail_after(30):
                line = await answers.receive_until(b"\n", 100_000)
            return dict(json.loads(line)["result"])

        yield ask
        process.kill()


async def said(bridge: Sequence[str], url: str, token: str = "any", **env: str) -> str:
    """The text that an agent gets when the bridge calls a tool at that address."""
    async with bridged(bridge, url, token, **env) as ask:
        return refusal(await ask(CALL))


def refusal(result: Mapping[str, Any]) -> str:
    assert result["isError"]
    assert "structuredContent" not in result
    return str(result["content"][0]["text"])


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("page", f"answered 200 with a web page, which no gateway does. {REMEDY}"),
        ("page-404", f"answered 404: MCP is not served there. {REMEDY}"),
        ("page-403", f"answered 403 with a web page, which no gateway does. {REMEDY}"),
        ("no-post", f"answered 405: MCP is not served there. {REMEDY}"),
        ("away", "answered 301 and leads to https://elsewhere.example/mcp: set RECURO_MCP_URL to that."),
        ("proxy", "answered 502 '<h1>Bad Gateway</h1>'; is the gateway running?"),
        ("json", f'answered 200 with \'{{"status": "ok"}}\', which no gateway does. {REMEDY}'),
        ("empty", f"answered 200 with '', which no gateway does. {REMEDY}"),
    ],
)
async def test_an_answer_that_is_no_gateways_is_reported_with_the_remedy(
    bridge: Sequence[str], path: str, sentence: str
) -> None:
    with strange() as origin:
        text = await said(bridge, f"{origin}/{path}")

    assert f"{origin}/{path} {sentence}" in text


async def test_a_connection_that_ends_leaves_open_whether_the_call_was_done(bridge: Sequence[str]) -> None:
    with strange() as origin:
        text = await said(bridge, f"{origin}/cut")

    assert text.startswith(f"The Recuro gateway at {origin}/cut did not answer (")
    assert "). Outcome unknown: a tool that writes may have done so." in text


async def test_a_404_that_answers_the_call_is_passed_on(bridge: Sequence[str]) -> None:
    with strange() as origin:
        assert await said(bridge, f"{origin}/later") == "Later"


async def test_the_address_of_the_rest_api_is_reported_to_be_no_gateways(
    bridge: Sequence[str], server: EmbeddedServer
) -> None:
    with serving_api(Settings(redis_url=server.url, api_port=0)) as api:
        root, jobs = await said(bridge, f"{api}/mcp"), await said(bridge, f"{api}/api/jobs")

    assert root == f"{api}/mcp answered 404: MCP is not served there. {REMEDY}"
    assert jobs.startswith(f"{api}/api/jobs answered 401 with '")
    assert jobs.endswith(REMEDY)


@pytest.mark.parametrize("path", ["", "/", "/mpc", "/healthz"])
async def test_a_missing_or_wrong_path_is_reported(
    bridge: Sequence[str], gateway: Gateway, token: str, path: str
) -> None:
    text = await said(bridge, gateway.origin + path, token)

    assert text.endswith(f" answered 404: MCP is not served there. {REMEDY}")


async def test_tls_where_there_is_none_is_reported(bridge: Sequence[str], gateway: Gateway) -> None:
    text = await said(bridge, gateway.url.replace("http:", "https:"))

    assert "does not speak TLS" in text
    assert text.endswith("If it serves plain HTTP, write http:// there.")


async def test_a_certificate_is_reported_until_it_is_trusted(bridge: Sequence[str], tmp_path: Path) -> None:
    path = hostile.certificate(tmp_path, "localhost")
    with Target(tls=hostile.server_tls(path)) as target:
        url = f"https://localhost:{target.port}/mcp"
        unknown = await said(bridge, url)
        trusted = await said(bridge, url, SSL_CERT_FILE=str(path))

    assert unknown.startswith(f"The certificate of {url} (RECURO_MCP_URL) is not trusted: ")
    assert unknown.endswith("Set SSL_CERT_FILE to the CA that signed it.")
    assert trusted.startswith(f"{url} answered 200")


async def test_plain_http_where_tls_is_spoken_is_reported(bridge: Sequence[str]) -> None:
    alert = b"\x15\x03\x01\x00\x02\x02\x46\r\n"
    async with hostile.serving(hostile.saying(alert)) as place:
        text = await said(bridge, f"http://{place}/mcp")

    assert text.endswith("does not answer as HTTP. If it serves TLS, write https:// in RECURO_MCP_URL.")


async def test_an_unknown_host_is_reported(bridge: Sequence[str]) -> None:
    text = await said(bridge, "http://gateway.invalid:8001/mcp")

    assert text == (
        f"The host name of http://gateway.invalid:8001/mcp (RECURO_MCP_URL) is not known. Nothing was done. {REMEDY}"
    )


@best_of_three
async def test_a_gateway_that_is_away_is_reported_within_three_seconds(bridge: Sequence[str]) -> None:
    async with bridged(bridge, "http://127.0.0.1:9/mcp") as ask:
        await ask(INITIALIZE)  # runs: how long a start takes is the machine's affair
        began = anyio.current_time()
        text = refusal(await ask(CALL))
        took = anyio.current_time() - began

    in_time(took, 3, 2)
    assert text.endswith(f"cannot be reached. Nothing was done. Is it running? {REMEDY}")


HURRIED_PYTHON = PYTHON_BRIDGE[-1].replace(
    "from recuro",
    "from recuro_mcp import gateway; assert gateway.READ_SECONDS == 45; gateway.READ_SECONDS = 0.3; from recuro",
    1,
)
HURRIED_NODE = f"""
import {{ TIMES }} from "{(CLIENTS / "npm" / "gateway.mjs").as_uri()}";
if (TIMES.readMs !== 45_000) throw new Error("the bound of an answer");
TIMES.readMs = 300;
await import("{(CLIENTS / "npm" / "main.mjs").as_uri()}");
"""
HURRIED = {
    BRIDGES["python"]: (*PYTHON_BRIDGE[:-1], HURRIED_PYTHON),
    BRIDGES["node"]: ("node", "--input-type=module", "-e", HURRIED_NODE),
}


async def test_an_answer_that_does_not_come_is_given_up_before_hosts_do(bridge: tuple[str, ...]) -> None:
    with strange() as origin:
        text = await said(HURRIED[bridge], f"{origin}/hang")

    assert "did not answer within 0 s. Outcome unknown" in text


async def test_a_name_that_the_gateway_refuses_is_reported_with_the_setting(
    bridge: Sequence[str], server: EmbeddedServer, token: str
) -> None:
    gateway = Gateway(server.url, RECURO_MCP_HOST="0.0.0.0")
    await gateway.start()
    try:
        text = await said(bridge, f"http://127.0.0.2:{gateway.port}/mcp", token)
    finally:
        gateway.stop()

    assert text.startswith(f"This gateway does not answer to the name '127.0.0.2:{gateway.port}'")
    assert "RECURO_MCP_ALLOWED_HOSTS" in text


async def test_a_bad_token_is_reported_with_where_to_set_it(
    bridge: Sequence[str], gateway: Gateway, token: str
) -> None:
    text = await said(bridge, gateway.url, "wrong")

    assert text.startswith("Invalid authorization token. Set RECURO_API_TOKEN (or MCP_API_TOKEN) in the env")
    assert "header" not in text
