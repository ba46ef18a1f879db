"""What may be called from here: R-41, FHA-04, decision 48, hazard H33. Real sockets; names are resolved by the test."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from time import monotonic

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cds_service.outbound.addresses import may_be_called
from cds_service.outbound.origins import allowed_url, is_below, origin_of, parse_url
from cds_service.outbound.reading import Unreadable, read_url
from cds_service.outbound.transport import guarded_client
from tests.security.kit import Reply, Stub

ANYTHING = (ip_network("0.0.0.0/0"), ip_network("::/0"))
HOSPITAL = (ip_network("10.20.0.0/16"), ip_network("fd12:3456::/32"))
INSIDE = (
    "127.0.0.1",
    "127.9.9.9",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "0.0.0.0",
    "192.0.2.1",
    "240.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fd00::1",
    "fec0::1",
    "fe80::1",
    "fe80::1%eth0",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
    "ff02::1",
    "224.0.0.1",
)
NEVER = (
    "169.254.169.254",
    "169.254.1.1",
    "fe80::1",
    "fe80::1%1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "fd00:ec2::254",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "0.0.0.0",
    "::",
    "224.0.0.1",
    "ff02::1",
)


@pytest.mark.parametrize("address", INSIDE)
def test_no_address_inside_is_called_unless_its_network_is_listed(address: str) -> None:
    assert not may_be_called(address, ())


@pytest.mark.parametrize("address", NEVER)
def test_link_local_metadata_and_group_addresses_are_never_called(address: str) -> None:
    assert not may_be_called(address, ANYTHING)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_called(address: str) -> None:
    assert may_be_called(address, ())


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("10.20.3.4", True),
        ("::ffff:10.20.3.4", True),
        ("10.21.3.4", False),
        ("fd12:3456::9", True),
        ("fd12:3457::9", False),
        ("127.0.0.1", False),
    ],
)
def test_listed_networks_are_called_and_no_others(address: str, allowed: bool) -> None:
    assert may_be_called(address, HOSPITAL) is allowed


@pytest.mark.parametrize("address", ["", "localhost", "2130706433", "0x7f000001", "127.1", "1.2.3.4.5", "[::1]"])
def test_what_is_no_address_is_not_called(address: str) -> None:
    assert not may_be_called(address, ANYTHING)


LISTED = ("https://fhir.example.org", "https://fhir.example.org:8443")
TRICKS = (
    "https://fhir.example.org@169.254.169.254/r4",
    "https://169.254.169.254\\@fhir.example.org/r4",
    "https://fhir.example.org:pw@evil.example.org/",
    "https://fhir.example.org.evil.example.org/",
    "https://evil.example.org/?https://fhir.example.org",
    "https://evil.example.org#@fhir.example.org",
    "https://fhir.example.org#x",
    "https://fhir.example.org%2f@evil.example.org/",
    "https://fhir.example.org%00.evil.example.org/",
    "https://fhir.example.org:443@evil.example.org/",
    "https://fhir.example.org:80/r4",
    "http://fhir.example.org/r4",
    "HTTPS://evil.example.org",
    "//fhir.example.org/r4",
    "fhir.example.org/r4",
    "ftp://fhir.example.org/r4",
    "file:///etc/passwd",
    "gopher://fhir.example.org",
    "https:///r4",
    "https://fhir.example.org /r4",
    "https://fhir.example.org\t/r4",
    "https://fhir.example.org\r\nHost: evil/r4",
    "https://fhir。example.org/r4",
    "https://ｆhir.example.org/r4",
    "https://fhir.example.org./r4",
    "https://[::1]/r4",
    "https://[::ffff:127.0.0.1]/r4",
    "https://2130706433/r4",
    "https://0x7f.0.0.1/r4",
    "https://0177.0.0.1/r4",
    "https://127.1/r4",
    "https://localhost/r4",
    "",
    "https://fhir.example.org/" + "a" * 9000,
)


@pytest.mark.parametrize("text", TRICKS)
def test_no_trick_passes_for_a_listed_origin(text: str) -> None:
    assert allowed_url(text, LISTED, plain_http=False) is None


@pytest.mark.parametrize(
    "text",
    [
        "https://fhir.example.org",
        "https://fhir.example.org/r4",
        "https://fhir.example.org:443/r4/",
        "https://FHIR.example.org/r4",
        "https://fhir.example.org:8443/r4",
    ],
)
def test_a_listed_origin_passes_in_every_spelling(text: str) -> None:
    url = allowed_url(text, LISTED, plain_http=False)
    assert url is not None and origin_of(url) in LISTED


@pytest.mark.parametrize(
    ("text", "below"),
    [
        ("https://a.example/r4/Condition?page=2", True),
        ("https://a.example/r4?page=2", True),
        ("https://a.example/r4/../admin", False),
        ("https://a.example/r4x/Condition", False),
        ("https://a.example/", False),
        ("https://a.example:8443/r4/Condition", False),
        ("http://a.example/r4/Condition", False),
        ("https://b.example/r4/Condition", False),
    ],
)
def test_what_lies_below_a_base(text: str, below: bool) -> None:
    base, url = parse_url("https://a.example/r4"), parse_url(text)
    assert base is not None and url is not None
    assert is_below(url, base) is below


def fetch(client: httpx.Client, url: str, *, seconds: float = 2.0, max_bytes: int = 1000) -> bytes:
    return read_url(client, httpx.URL(url), {}, deadline=monotonic() + seconds, max_bytes=max_bytes)


def test_a_name_that_leads_inside_is_not_connected_to(stub: Callable[..., Stub]) -> None:
    server = stub(lambda target: Reply(b"secret"))
    for inside in (["127.0.0.1"], ["::ffff:127.0.0.1"], ["::1", "127.0.0.1"], ["169.254.169.254"], [], ["nonsense"]):
        client = guarded_client((), lambda host, port, found=inside: found)
        with pytest.raises(Unreadable):
            fetch(client, f"http://fhir.example.org:{server.port}/")
    assert server.seen == []


def test_the_system_resolver_cannot_be_tricked_by_odd_spellings(stub: Callable[..., Stub]) -> None:
    server = stub(lambda target: Reply(b"secret"))
    client = guarded_client()
    for host in ("127.0.0.1", "localhost", "2130706433", "0x7f000001", "017700000001", "127.1", "[::1]", "0.0.0.0"):
        with pytest.raises(Unreadable):
            fetch(client, f"http://{host}:{server.port}/")
    assert server.seen == []


def test_a_name_that_moves_after_the_check_is_checked_where_it_is_connected_to(stub: Callable[..., Stub]) -> None:
    """DNS rebinding: the first answer is public, the next one inside. Every connection uses what was checked."""
    server = stub(lambda target: Reply(b"secret"))
    answers = iter([["203.0.113.0"], ["127.0.0.1"], ["127.0.0.1"]])
    client = guarded_client((), lambda host, port: next(answers))
    for _ in range(3):
        with pytest.raises(Unreadable):
            fetch(client, f"http://rebind.example.org:{server.port}/", seconds=0.3)
    assert server.seen == []


def test_a_listed_network_is_reached_under_the_servers_own_name(stub: Callable[..., Stub]) -> None:
    server = stub(lambda target: Reply(b"hello"))
    client = guarded_client((ip_network("127.0.0.0/8"),), lambda host, port: ["10.0.0.1", "127.0.0.1"])
    assert fetch(client, f"http://fhir.example.org:{server.port}/r4") == b"hello"
    assert server.seen[0][1]["host"] == f"fhir.example.org:{server.port}"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(status=302, headers={"Location": "/elsewhere"}), "status 302"),
        (Reply(status=307, headers={"Location": "http://169.254.169.254/"}), "status 307"),
        (Reply(status=500), "status 500"),
        (Reply(b"x" * 2000), "too large"),
        (Reply(b"x" * 2000, headers={"Content-Length": "99999999999999999999999"}), "Error|too large"),
        (Reply(b"x", headers={"Content-Encoding": "gzip"}), "compressed"),
        (Reply(b"x", wait=1.0), "Timeout"),
        (Reply(b"x", headers={"Content-Length": "500"}), "Error"),
    ],
)
def test_answers_that_are_not_taken(stub: Callable[..., Stub], reply: Reply, words: str) -> None:
    server = stub(lambda target: reply)
    client = guarded_client((ip_network("127.0.0.0/8"),))
    with pytest.raises(Unreadable, match=words):
        fetch(client, server.origin + "/a", seconds=0.4)
    assert server.targets == ["/a"]


def test_cookies_are_not_kept(stub: Callable[..., Stub]) -> None:
    server = stub(lambda target: Reply(b"x", headers={"Set-Cookie": "session=1; Path=/"}))
    client = guarded_client((ip_network("127.0.0.0/8"),))
    fetch(client, server.origin)
    fetch(client, server.origin)
    assert "cookie" not in server.seen[1][1]


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return pem, secret


def test_tls_checks_the_name_though_an_address_is_connected_to(stub: Callable[..., Stub], tmp_path: Path) -> None:
    pem, secret = certificate(tmp_path, "fhir.example.org")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem, secret)
    server = stub(lambda target: Reply(b"hello"), tls=tls)
    trust = ssl.create_default_context(cafile=str(pem))
    client = guarded_client((ip_network("127.0.0.0/8"),), lambda host, port: ["127.0.0.1"], trust)
    assert fetch(client, f"https://fhir.example.org:{server.port}/") == b"hello"
    with pytest.raises(Unreadable):
        fetch(client, f"https://evil.example.org:{server.port}/")
    assert len(server.seen) == 1
