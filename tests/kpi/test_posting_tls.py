"""Notices go over TLS to whoever can prove to be the one they are meant for, and to nobody else."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpcore2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kernel import clock
from kernel.jobs import MOST_ATTEMPTS
from kernel.work import Ground
from tests.factories import World, build_world
from tests.kpi.test_posting import Ear, carry_out, hooked, posts, told

LASTS = timedelta(days=1)


@dataclass(frozen=True)
class Authority:
    """Whoever vouches for servers, and may be trusted or not."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def made(cls) -> "Authority":
        key, name = ec.generate_private_key(ec.SECP256R1()), _named("An authority of tests")
        builder = _certificate(name, name, key).add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        return cls(key, builder.sign(key, hashes.SHA256()))

    def trusted(self) -> ssl.SSLContext:
        """What a machine has that trusts this authority alone."""
        return ssl.create_default_context(cadata=self.certificate.public_bytes(serialization.Encoding.PEM).decode())

    def serving(self, folder: Path, host: str, *, lasts: timedelta = LASTS) -> ssl.SSLContext:
        """What a server has that may say that it is this host."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        builder = _certificate(_named(host), self.certificate.subject, key, lasts).add_extension(names, False)
        path = folder / "server.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(path)
        return context


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, lasts: timedelta = LASTS
) -> x509.CertificateBuilder:
    now = clock.now()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 2 * LASTS)
        .not_valid_after(now + lasts)
    )


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch) -> Authority:
    """The one authority that this machine trusts: for what is asked as the product asks."""
    made = Authority.made()
    monkeypatch.setattr(httpcore2, "default_ssl_context", lambda **_: made.trusted())
    return made


@asynccontextmanager
async def listening(ear: Ear, context: ssl.SSLContext) -> AsyncIterator[str]:
    """Where the ear is, by the name of this machine."""
    listener = await asyncio.start_server(ear.hear, "127.0.0.1", 0, ssl=context)
    ear.port = listener.sockets[0].getsockname()[1]
    async with listener:
        yield f"https://localhost:{ear.port}/notices"


async def posted(ground: Ground, world: World, url: str) -> tuple[str, int, str | None]:
    """What became of a notice to there: its state, the attempts, and what went wrong last."""
    await hooked(ground, world, url)
    await told(ground, world)
    [job] = await posts(ground, world)
    await carry_out(ground, job)
    [job] = await posts(ground, world)
    return job.state, job.attempts, job.last_error


async def test_who_is_vouched_for_by_the_right_authority_is_posted_to(
    ground: Ground, world: World, authority: Authority, tmp_path: Path
) -> None:
    ear = Ear()
    async with listening(ear, authority.serving(tmp_path, "localhost")) as url:
        state, *_ = await posted(ground, world, url)

    [(headers, _)] = ear.heard
    assert state == "done"
    assert headers["host"] == f"localhost:{ear.port}"


async def test_who_is_vouched_for_by_a_stranger_hears_nothing_and_is_tried_again(
    ground: Ground, world: World, authority: Authority, tmp_path: Path
) -> None:
    ear = Ear()
    async with listening(ear, Authority.made().serving(tmp_path, "localhost")) as url:
        assert await posted(ground, world, url) == ("waiting", 1, "NotPosted")

    assert ear.heard == []


async def test_who_has_a_certificate_of_another_name_or_an_old_one_hears_nothing(
    ground: Ground, world: World, authority: Authority, tmp_path: Path
) -> None:
    for number, context in enumerate(
        (
            authority.serving(tmp_path, "127.0.0.1.example.com"),
            authority.serving(tmp_path, "localhost", lasts=-LASTS),
        )
    ):
        ear, brand = Ear(), world if number == 0 else await build_world(ground, "other")
        async with listening(ear, context) as url:
            assert await posted(ground, brand, url) == ("waiting", 1, "NotPosted")
        assert ear.heard == []


async def test_the_machines_own_authorities_trust_nobody_else(ground: Ground, world: World, tmp_path: Path) -> None:
    ear = Ear()
    async with listening(ear, Authority.made().serving(tmp_path, "localhost")) as url:
        assert await posted(ground, world, url) == ("waiting", 1, "NotPosted")

    assert ear.heard == []


async def test_after_so_many_attempts_it_is_given_up(
    ground: Ground, world: World, authority: Authority, tmp_path: Path
) -> None:
    ear = Ear()
    async with listening(ear, Authority.made().serving(tmp_path, "localhost")) as url:
        await posted(ground, world, url)
        for number in range(1, MOST_ATTEMPTS):
            [job] = await posts(ground, world)
            with clock.stopped_at(clock.now() + timedelta(hours=number)):
                await carry_out(ground, job)

    [job] = await posts(ground, world)
    assert (job.state, job.attempts, job.last_error) == ("failed", MOST_ATTEMPTS, "NotPosted")
    assert ear.heard == []


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
async def test_whoever_sends_it_elsewhere_is_not_followed(
    ground: Ground, world: World, authority: Authority, tmp_path: Path, status: str
) -> None:
    private, context = Ear(), authority.serving(tmp_path, "localhost")
    async with listening(private, context) as elsewhere:
        ear = Ear(f"HTTP/1.1 {status}\r\nLocation: {elsewhere}\r\nContent-Length: 0\r\n\r\n")
        async with listening(ear, context) as url:
            assert await posted(ground, world, url) == ("waiting", 1, "NotPosted")

    assert (len(ear.heard), private.heard) == (1, [])
