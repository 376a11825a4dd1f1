"""A certificate authority of one stack: the broker's certificate, and one for each of its users.

The files are PEM, below RUN_DIR, and readable by their owner alone. A user's certificate has the user's name
as its common name, which is what the broker takes for the log-in (SASL EXTERNAL).
"""

import ipaddress
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

BROKER = "broker"
AUTHORITY = "ca"

LIFETIME = timedelta(days=90)
AUTHORITY_LIFETIME = timedelta(days=3650)
# A stack is started far more often than once in two months, and each start renews what is due.
RENEWED_BEFORE = timedelta(days=30)
# Clocks of two machines differ, so a certificate counts from a little before it was made.
CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True)
class Pair:
    """Where a certificate and its key are."""

    certificate: Path
    key: Path

    @classmethod
    def of(cls, folder: Path, name: str) -> "Pair":
        return cls(folder / f"{name}.pem", folder / f"{name}.key")


@dataclass(frozen=True)
class Authority:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def make(cls, now: datetime) -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        name = named("gametriggers local stack")
        builder = (
            started(now, now + AUTHORITY_LIFETIME, key)
            .subject_name(name)
            .issuer_name(name)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage(key_cert_sign=True, crl_sign=True), critical=True)
        )
        return cls(builder.sign(key, hashes.SHA256()), key)

    @classmethod
    def load(cls, pair: Pair) -> "Authority":
        key = load_pem_private_key(pair.key.read_bytes(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return cls(x509.load_pem_x509_certificate(pair.certificate.read_bytes()), key)

    def issue(self, name: str, pair: Pair, *, until: datetime, since: datetime) -> None:
        """A certificate for the broker itself, or for the user of that name."""
        key = ec.generate_private_key(ec.SECP256R1())
        purpose = ExtendedKeyUsageOID.SERVER_AUTH if name == BROKER else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = (
            started(since, until, key)
            .subject_name(named(name))
            .issuer_name(self.certificate.subject)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        )
        if name == BROKER:
            builder = builder.add_extension(on_loopback(), critical=False)
        keep(pair, builder.sign(self.key, hashes.SHA256()), key)


def prepare(folder: Path, users: Iterable[str], now: datetime | None = None) -> None:
    """Makes what is missing or about to expire. A new authority makes everything anew."""
    now = now or datetime.now(UTC)
    folder.mkdir(exist_ok=True, mode=0o700)
    of_authority = Pair.of(folder, AUTHORITY)
    fresh = is_due(of_authority, now)
    if fresh:
        authority = Authority.make(now)
        keep(of_authority, authority.certificate, authority.key)
    else:
        authority = Authority.load(of_authority)
    for name in (BROKER, *users):
        pair = Pair.of(folder, name)
        if fresh or is_due(pair, now):
            authority.issue(name, pair, since=now, until=now + LIFETIME)


def is_due(pair: Pair, now: datetime) -> bool:
    if not pair.certificate.exists() or not pair.key.exists():
        return True
    certificate = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
    return certificate.not_valid_after_utc < now + RENEWED_BEFORE


def started(since: datetime, until: datetime, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since - CLOCK_SKEW)
        .not_valid_after(until)
    )


def named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def on_loopback() -> x509.SubjectAlternativeName:
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    return x509.SubjectAlternativeName([x509.DNSName("localhost"), address])


def usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def keep(pair: Pair, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    write_private(pair.key, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    write_private(pair.certificate, certificate.public_bytes(Encoding.PEM))


def write_private(path: Path, content: bytes) -> None:
    """The mode is part of the write, so that there is no moment at which others may read it."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
