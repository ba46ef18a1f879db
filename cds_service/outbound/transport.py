"""An HTTP client that resolves names itself, checks every address and connects to the checked one.

Checking at the moment of connecting leaves no gap for a name that changes its address in between (DNS rebinding). TLS
still verifies the certificate against the name.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpcore
import httpx

from cds_service.outbound.addresses import Network, Resolver, may_be_called, resolve

USER_AGENT = "cart-cds"
MAX_CONNECTIONS = 40
KEEP_SECONDS = 15.0


class _Guard(httpcore.NetworkBackend):
    """Connects to an address of the host that may be called; to none of the others."""

    def __init__(self, private_networks: Iterable[Network], resolver: Resolver) -> None:
        self._networks = tuple(private_networks)
        self._resolve = resolver
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            found = self._resolve(host, port)
        except (OSError, UnicodeError):
            raise httpcore.ConnectError("the name cannot be resolved") from None
        checked = [address for address in found if may_be_called(address, self._networks)]
        problem: Exception = httpcore.ConnectError("no address of the host may be called")
        for address in checked[:4]:
            try:
                return self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
        raise problem

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        raise httpcore.ConnectError("sockets of this machine are not called")


class GuardedTransport(httpx.BaseTransport):
    """httpx over the guard. Every failure is an ``httpx.TransportError`` that says its kind, never an address."""

    def __init__(
        self,
        private_networks: Iterable[Network] = (),
        resolver: Resolver | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl_context or httpx.create_ssl_context(),
            max_connections=MAX_CONNECTIONS,
            keepalive_expiry=KEEP_SECONDS,
            network_backend=_Guard(private_networks, resolver or resolve),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        url = request.url
        with _as_httpx(request):
            answer = self._pool.handle_request(
                httpcore.Request(
                    method=request.method,
                    url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_Stream(answer, request), extensions=answer.extensions
        )

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()


class _Stream(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response, request: httpx.Request) -> None:
        self._answer = answer
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx(self._request):
            yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


@contextmanager
def _as_httpx(request: httpx.Request) -> Iterator[None]:
    try:
        yield
    except httpcore.TimeoutException as error:
        raise httpx.TimeoutException(type(error).__name__, request=request) from None
    except (
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.ProxyError,
        httpcore.UnsupportedProtocol,
        httpcore.ConnectionNotAvailable,
        OSError,
    ) as error:
        raise httpx.TransportError(type(error).__name__, request=request) from None


def guarded_client(
    private_networks: Iterable[Network] = (),
    resolver: Resolver | None = None,
    ssl_context: ssl.SSLContext | None = None,
) -> httpx.Client:
    """A client without redirects, proxies, cookies or settings from the environment."""
    return httpx.Client(
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        transport=GuardedTransport(private_networks, resolver, ssl_context),
        follow_redirects=False,
        trust_env=False,
        headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
    )
