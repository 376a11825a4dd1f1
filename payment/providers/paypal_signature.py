"""PayPal's webhook signature, verified here and not by asking PayPal.

RSA over `transmission id|time|our webhook id|CRC-32 of the body`, under a certificate that the webhook names.
That is fetched from PayPal's own API alone, has to lead to an authority that we trust, and to be the one of
PayPal's messages: https://developer.paypal.com/api/rest/webhooks/rest/
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import certifi
import httpx
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from chassis.times import parse_rfc3339
from payment.domain.errors import BadSignature, ProviderUnavailable

ALGORITHM = "SHA256withRSA"
PLACE = "/v1/notifications/certs/"

# PayPal tries for three days; what is older was recorded and is played again.
OLDEST = timedelta(days=4)
CLOCK_SKEW = timedelta(minutes=5)

LARGEST_CERTIFICATE = 64 * 1024
MOST_KEPT = 16

Authorities = Callable[[], list[x509.Certificate]]


def authorities_in(file: str) -> Authorities:
    """Read when they are needed; without a file, those that browsers trust."""

    def read() -> list[x509.Certificate]:
        with open(file or certifi.where(), "rb") as opened:
            return x509.load_pem_x509_certificates(opened.read())

    return read


def places_of(api_url: str) -> tuple[str, ...]:
    """Where certificates of this API lie; PayPal names its hosts with and without "-m"."""
    return tuple(dict.fromkeys((api_url + PLACE, api_url.replace("//api-m.", "//api.") + PLACE)))


def subject_of(api_url: str) -> str:
    """The name in the certificate that PayPal signs messages with. Live and test ones differ."""
    host = urlsplit(api_url).hostname or ""
    within = "sandbox.paypal.com" if host.endswith(".sandbox.paypal.com") else "paypal.com"
    return f"messageverificationcerts.{within}"


class Certificates:
    """Public keys by the address of their certificate, once its chain was checked."""

    def __init__(
        self,
        places: Sequence[str],
        subject: str,
        authorities: Authorities,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._places, self._subject, self._authorities = places, subject, authorities
        self._client = httpx.Client(timeout=httpx.Timeout(2.5, connect=1.0), transport=transport)
        self._kept: dict[str, tuple[RSAPublicKey, datetime]] = {}

    def key_at(self, url: str, now: datetime) -> RSAPublicKey:
        """BadSignature for an address or a certificate that is not PayPal's."""
        kept = self._kept.get(url)
        if kept is not None and now < kept[1]:
            return kept[0]
        self._check_place(url)
        certificate = self._checked(self._fetch(url), now)
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey):
            raise BadSignature("the certificate's key is not an RSA key")
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[url] = (key, certificate.not_valid_after_utc)
        return key

    def _check_place(self, url: str) -> None:
        """One name below a place that we know: no other host or path, nothing to be read in two ways."""
        place = next((place for place in self._places if url.startswith(place)), None)
        name = "" if place is None else url[len(place) :]
        if not name.replace("-", "").isalnum() or not name.isascii() or len(name) > 100:
            raise BadSignature("the certificate does not lie with PayPal")

    def _fetch(self, url: str) -> bytes:
        try:
            with self._client.stream("GET", url) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise ProviderUnavailable(f"the certificate was answered with {answer.status_code}")
                content = b""
                for chunk in answer.iter_bytes():
                    content += chunk
                    if len(content) > LARGEST_CERTIFICATE:
                        raise BadSignature("the certificate is too large")
        except httpx.HTTPError as error:
            raise ProviderUnavailable(type(error).__name__) from error
        return content

    def _checked(self, content: bytes, now: datetime) -> x509.Certificate:
        try:
            chain = x509.load_pem_x509_certificates(content)
            policy = PolicyBuilder().store(Store(self._authorities())).time(now.astimezone(UTC))
            policy.build_server_verifier(x509.DNSName(self._subject)).verify(chain[0], chain[1:])
        except (ValueError, VerificationError) as error:
            raise BadSignature("the certificate is not one that PayPal signs with") from error
        return chain[0]


def check_transmission(
    headers: Mapping[str, str], body: str, webhook_id: str, certificates: Certificates, now: datetime
) -> None:
    """What can be refused without a certificate is refused before one is fetched."""
    if headers.get("paypal-auth-algo") != ALGORITHM:
        raise BadSignature("the signature is of another kind")
    at = headers.get("paypal-transmission-time", "")
    check_age(at, now)
    signature = decoded(headers.get("paypal-transmission-sig", ""))
    key = certificates.key_at(headers.get("paypal-cert-url", ""), now)
    message = f"{headers.get('paypal-transmission-id', '')}|{at}|{webhook_id}|{zlib.crc32(body.encode())}"
    try:
        key.verify(signature, message.encode(), PKCS1v15(), SHA256())
    except InvalidSignature as error:
        raise BadSignature() from error


def check_age(at: str, now: datetime) -> None:
    try:
        sent = parse_rfc3339(at)
    except ValueError as error:
        raise BadSignature("there is no time of transmission") from error
    if not now - OLDEST <= sent <= now + CLOCK_SKEW:
        raise BadSignature("the signature is too old")


def decoded(signature: str) -> bytes:
    try:
        return base64.b64decode(signature, validate=True)
    except ValueError as error:
        raise BadSignature("the signature is not base64") from error
