"""Connections, HTTP and RPC, all on loopback."""

from tests.provocation.case import Table

case = Table()
CREDENTIALS = "token|credential|login|permission|access"
WAIT = "wait|retry|back-off|backoff|again"
UP = "running|port|address|started|proxy|url"


@case("network", severity="warning error", retryable=True, remedy=UP, needs="requests")
def requests_refused(world):
    import requests

    requests.get(f"http://127.0.0.1:{world.closed_port}", timeout=2)


@case("timeout", "network", severity="warning", retryable=True, remedy="timeout|slow|retry|again", needs="requests")
def requests_unanswered(world):
    import requests

    requests.get(f"{world.url}/silent", timeout=0.1)


def _requests(world, status):
    import requests

    requests.get(f"{world.url}/{status}", timeout=5).raise_for_status()


@case("network", "input_validation", remedy=CREDENTIALS, needs="requests")
def requests_unauthorized(world):
    _requests(world, 401)


@case("network", remedy=CREDENTIALS, needs="requests")
def requests_forbidden(world):
    _requests(world, 403)


@case("network", "model_loading", remedy="url|path|name|moved|spelling", needs="requests")
def requests_not_found(world):
    _requests(world, 404)


@case("network", severity="warning", retryable=True, remedy="rate|" + WAIT, needs="requests")
def requests_too_many(world):
    _requests(world, 429)


@case("network", severity="warning", retryable=True, remedy=WAIT + "|server", needs="requests")
def requests_internal_error(world):
    _requests(world, 500)


@case("network", severity="warning", retryable=True, remedy=WAIT, needs="requests")
def requests_unavailable(world):
    _requests(world, 503)


@case("timeout", "network", severity="warning", retryable=True, remedy="timeout|" + WAIT, needs="requests")
def requests_gateway_timeout(world):
    _requests(world, 504)


@case("input_validation", "data network", remedy="json|status|body|html|response", needs="requests")
def requests_garbage(world):
    import requests

    requests.get(f"{world.url}/garbage", timeout=5).json()


@case("input_validation", "network", remedy="http://|https://|scheme|url", needs="requests")
def requests_without_scheme(world):
    import requests

    requests.get("127.0.0.1/models", timeout=5)


@case("network", "input_validation", remedy="redirect|url|login", needs="requests")
def requests_going_round(world):
    import requests

    requests.get(f"{world.url}/loop", timeout=5)


@case("network", severity="warning", retryable=True, remedy="retry|again|resume", needs="requests")
def requests_cut_short(world):
    import requests

    requests.get(f"{world.url}/cut", timeout=5)


@case("network", severity="warning", retryable=True, remedy="retry|again|server", needs="requests")
def requests_hung_up_on(world):
    import requests

    requests.get(f"{world.url}/hangup", timeout=5)


@case("network", remedy="http|certificate|tls|proxy", needs="requests")
def requests_tls_to_a_plain_port(world):
    import requests

    requests.get(f"https://127.0.0.1:{world.port}", timeout=5)


@case("network", severity="warning error", retryable=True, remedy=UP, needs="httpx")
def httpx_refused(world):
    import httpx

    httpx.get(f"http://127.0.0.1:{world.closed_port}", trust_env=False)


@case("timeout", "network", severity="warning", retryable=True, remedy="timeout|slow|retry|again", needs="httpx")
def httpx_unanswered(world):
    import httpx

    httpx.get(f"{world.url}/silent", timeout=0.1, trust_env=False)


def _httpx(world, status):
    import httpx

    httpx.get(f"{world.url}/{status}", trust_env=False).raise_for_status()


@case("network", "model_loading", remedy="url|path|name|moved|spelling", needs="httpx")
def httpx_not_found(world):
    _httpx(world, 404)


@case("network", severity="warning", retryable=True, remedy="rate|" + WAIT, needs="httpx")
def httpx_too_many(world):
    _httpx(world, 429)


@case("network", severity="warning", retryable=True, remedy=WAIT, needs="httpx")
def httpx_unavailable(world):
    _httpx(world, 503)


@case("network", severity="warning", retryable=True, remedy="retry|again|server", needs="httpx")
def httpx_hung_up_on(world):
    import httpx

    httpx.get(f"{world.url}/hangup", trust_env=False)


@case("input_validation", "network", remedy="http://|https://|scheme|url", needs="httpx")
def httpx_without_scheme(world):
    import httpx

    httpx.get("127.0.0.1/models", trust_env=False)


@case("network", severity="warning error", retryable=True, remedy=UP, needs="urllib3")
def urllib3_refused(world):
    import urllib3

    urllib3.PoolManager().request("GET", f"http://127.0.0.1:{world.closed_port}", retries=1)


@case("timeout", "network", severity="warning", retryable=True, remedy="timeout|slow|retry|again", needs="urllib3")
def urllib3_unanswered(world):
    import urllib3

    urllib3.PoolManager().request("GET", f"{world.url}/silent", timeout=0.1, retries=False)


@case("network", "input_validation", remedy="url|host|port", needs="urllib3")
def urllib3_with_a_broken_address(world):
    import urllib3

    urllib3.PoolManager().request("GET", "http://[::1/models")


@case("network", "model_loading", remedy=CREDENTIALS)
def urllib_forbidden(world):
    import urllib.request

    urllib.request.urlopen(f"{world.url}/403", timeout=5)


@case("network", severity="warning error", retryable=True, remedy=UP)
def urllib_refused(world):
    import urllib.request

    urllib.request.urlopen(f"http://127.0.0.1:{world.closed_port}", timeout=5)


@case("network", severity="warning", retryable=True, remedy="retry|again|resume|incomplete")
def http_client_cut_short(world):
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", world.port, timeout=5)
    connection.request("GET", "/cut")
    connection.getresponse().read()


@case("network", severity="warning error", retryable=True, remedy="dns|name|host|spelling")
def host_that_has_no_address(world):
    import socket

    socket.getaddrinfo("no such host", 80)


@case("network", severity="warning error", retryable=True, remedy=UP)
def socket_refused(world):
    import socket

    socket.create_connection(("127.0.0.1", world.closed_port), timeout=2)


@case("timeout", "network", severity="warning", retryable=True, remedy="timeout|slow|retry|again")
def socket_unanswered(world):
    import socket

    with socket.create_connection(("127.0.0.1", world.port), timeout=0.1) as connection:
        connection.recv(1)


@case("network", "system distributed", remedy="port")
def port_that_is_taken(world):
    import socket

    with socket.socket() as server:
        server.bind(("127.0.0.1", world.port))


@case("network", "system", remedy="certificate|pem|key|file")
def certificate_of_garbage(world):
    import ssl

    ssl.create_default_context().load_cert_chain(world.file("x.pem", b"garbage"))


@case("network", "system dependency", remedy="certificate|ca|pem|bundle")
def certificate_authorities_of_garbage(world):
    import ssl

    ssl.create_default_context(cafile=world.file("x.pem", b"garbage"))


def _rpc(port, timeout, **options):
    import grpc

    with grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.enable_http_proxy", 0)]) as channel:
        channel.unary_unary("/inference.Service/Infer")(b"", timeout=timeout, **options)


@case("network", "inference", severity="warning error", retryable=True, remedy=UP, needs="grpc")
def grpc_refused(world):
    _rpc(world.closed_port, 5)


@case("timeout", "network inference", severity="warning", retryable=True, remedy="timeout|deadline", needs="grpc")
def grpc_unanswered(world):
    _rpc(world.closed_port, 0.2, wait_for_ready=True)


@case("inference", "dependency network", remedy="version|method|service|server", needs="grpc")
def grpc_unimplemented(world):
    from concurrent import futures

    import grpc

    server = grpc.server(futures.ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        _rpc(port, 5)
    finally:
        server.stop(None)


@case("network", "timeout", severity="warning error", retryable=True, remedy=UP, needs="tenacity requests")
def tenacity_giving_up(world):
    import tenacity

    tenacity.retry(stop=tenacity.stop_after_attempt(2))(requests_refused)(world)


@case("network", severity="warning error", retryable=True, remedy=UP, needs="aiohttp")
def aiohttp_refused(world):
    import asyncio

    import aiohttp

    async def get():
        async with aiohttp.ClientSession() as session:
            await session.get(f"http://127.0.0.1:{world.closed_port}")

    asyncio.run(get())
