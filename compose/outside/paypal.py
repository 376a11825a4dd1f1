"""A local server that speaks the part of PayPal's API that we use; shapes follow https://developer.paypal.com/api/rest.

The sandbox's process serves it on PAYPAL_PORT. It wants PAYPAL_CLIENT_ID and PAYPAL_CLIENT_SECRET, and signs
its webhooks to {PUBLIC_URL}/v1/webhooks/paypal for PAYPAL_WEBHOOK_ID under a certificate of its own, whose
authority it writes to PAYPAL_CA_FILE. Payers approve by themselves after `delay_seconds`, or at once at the
order's payer-action link. PUT /_control as in unreliable.py; besides:

    POST /_control/refunds          {capture, amount, reason}
    POST /_control/disputes         {capture, amount, reason}
    POST /_control/disputes/{id}    {"status": "won" | "lost"}     a lost one is told as a reversal, too
"""

from __future__ import annotations

import base64
import json
import secrets
import string
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import RLock
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from flask import Flask, Response, jsonify, request
from werkzeug.serving import BaseWSGIServer

from compose.certificates import named, usage
from compose.outside import unreliable
from compose.outside.unreliable import ApiError, Faults, Schedule, Webhooks, json_body

SIGNS_AS = "messageverificationcerts.paypal.com"
CERTIFICATE = "CERT-360caa42-fca2a594-a5cafa77"
TOKEN_SECONDS = 32_400
LIFETIME = timedelta(days=30)


class Signer:
    """A certificate for PayPal's messages, the authority behind it, and signatures under its key."""

    def __init__(self) -> None:
        authority = ec.generate_private_key(ec.SECP256R1())
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        issuer = named("PayPal's authority, of the local stack")
        identified = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key())
        self.authority = (
            certificate(issuer, issuer, authority.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage(key_cert_sign=True, crl_sign=True), critical=True)
            .sign(authority, SHA256())
        )
        self.certificate = (
            certificate(named(SIGNS_AS), issuer, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(SIGNS_AS)]), critical=False)
            .add_extension(identified, critical=False)
            .sign(authority, SHA256())
        )

    def sign(self, message: str) -> str:
        return base64.b64encode(self._key.sign(message.encode(), padding.PKCS1v15(), SHA256())).decode()


def certificate(subject: x509.Name, issuer: x509.Name, key: Any) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


@dataclass
class Merchant:
    """The platform's account: orders, captures, batches and disputes by id, and what moved, oldest first."""

    url: str
    webhooks: Webhooks
    schedule: Schedule
    faults: Faults = field(default_factory=Faults)
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    captures: dict[str, dict[str, Any]] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    disputes: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    movements: list[dict[str, Any]] = field(default_factory=list)
    lock: RLock = field(default_factory=RLock)

    def order(self, key: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The same PayPal-Request-Id gets the first order, whatever it asks for."""
        with self.lock:
            if key in self.answers:
                return self.orders[self.answers[key]]
            (unit,) = body["purchase_units"]
            number = new_id()
            made = {
                "id": number,
                "intent": body["intent"],
                "status": "PAYER_ACTION_REQUIRED",
                "purchase_units": [{"reference_id": "default", **unit}],
                "payment_source": {"paypal": {}},
                "links": [
                    {"rel": "self", "href": f"{self.url}/v2/checkout/orders/{number}", "method": "GET"},
                    {
                        "rel": "payer-action",
                        "href": f"{self.url}/checkoutnow?token={number}",
                        "method": "GET",
                    },
                ],
            }
            self.orders[number] = made
            self.answers[key] = number
            self.schedule.after(self.faults.behaviour.delay_seconds, lambda: self.approve(number))
            return made

    def approve(self, id: str) -> None:
        with self.lock:
            order = found_in(self.orders, id)
            if order["status"] == "PAYER_ACTION_REQUIRED":
                order["status"] = "APPROVED"
                self._tell("CHECKOUT.ORDER.APPROVED", "checkout-order", order)

    def capture(self, id: str) -> dict[str, Any]:
        with self.lock:
            order = found_in(self.orders, id)
            if order["status"] == "COMPLETED":
                return order
            if order["status"] != "APPROVED":
                raise ApiError(422, "UNPROCESSABLE_ENTITY", "Payer has not yet approved the Order")
            declined = self.faults.behaviour.fail_payments
            unit = order["purchase_units"][0]
            capture = {
                "id": new_id(),
                "status": "DECLINED" if declined else "COMPLETED",
                "amount": unit["amount"],
                "custom_id": unit["custom_id"],
                "final_capture": True,
                "supplementary_data": {"related_ids": {"order_id": id}},
            }
            unit["payments"] = {"captures": [capture]}
            order["status"] = "COMPLETED"
            self.captures[capture["id"]] = capture
            if not declined:
                self._move("T0006", capture["id"], capture["amount"], 1, custom_field=unit["custom_id"])
            self._tell(f"PAYMENT.CAPTURE.{'DENIED' if declined else 'COMPLETED'}", "capture", capture)
            return order

    def pay_out(self, body: Mapping[str, Any]) -> dict[str, Any]:
        with self.lock:
            name = body["sender_batch_header"]["sender_batch_id"]
            if name in self.batches:
                link = (
                    f"{self.url}/v1/payments/payouts/{self.batches[name]['batch_header']['payout_batch_id']}"
                )
                links = [{"rel": "self", "href": link, "method": "GET"}]
                raise ApiError(400, "USER_BUSINESS_ERROR", "User business error.", links=links)
            (item,) = body["items"]
            number = new_id()
            header = {
                "payout_batch_id": number,
                "batch_status": "PENDING",
                "sender_batch_header": body["sender_batch_header"],
                "amount": item["amount"],
            }
            entry = {
                "payout_item_id": new_id(),
                "transaction_status": "PENDING",
                "payout_batch_id": number,
                "sender_batch_id": name,
                "payout_item": item,
            }
            batch = {"batch_header": header, "items": [entry]}
            self.batches[name] = self.batches[number] = batch
            self.schedule.after(self.faults.behaviour.delay_seconds, lambda: self._paid(batch))
            return {"batch_header": header}

    def refund(self, code: str, event: str, body: Mapping[str, Any]) -> dict[str, Any]:
        with self.lock:
            capture = found_in(self.captures, str(body.get("capture")))
            amount = self._amount(capture, body)
            refund = {
                "id": new_id(),
                "amount": amount,
                "custom_id": capture["custom_id"],
                "note_to_payer": body.get("reason", "Defective product"),
                "status": "COMPLETED",
                "links": [
                    {"rel": "up", "href": f"{self.url}/v2/payments/captures/{capture['id']}", "method": "GET"}
                ],
            }
            self._move(code, refund["id"], amount, -1, paypal_reference_id=capture["id"])
            self._tell(event, "refund", refund)
            return refund

    def dispute(self, body: Mapping[str, Any]) -> dict[str, Any]:
        with self.lock:
            capture = found_in(self.captures, str(body.get("capture")))
            dispute = {
                "dispute_id": f"PP-D-{secrets.randbelow(10**6):06}",
                "disputed_transactions": [{"seller_transaction_id": capture["id"]}],
                "reason": body.get("reason", "MERCHANDISE_OR_SERVICE_NOT_RECEIVED"),
                "dispute_amount": self._amount(capture, body),
                "status": "OPEN",
            }
            self.disputes[dispute["dispute_id"]] = dispute
            self._hold(dispute, -1)
            self._tell("CUSTOMER.DISPUTE.CREATED", "dispute", dispute)
            return {"id": dispute["dispute_id"], **dispute}

    def close(self, id: str, status: str) -> dict[str, Any]:
        with self.lock:
            dispute = found_in(self.disputes, id)
            won = status == "won"
            outcome = "RESOLVED_SELLER_FAVOUR" if won else "RESOLVED_BUYER_FAVOUR"
            dispute.update(status="RESOLVED", dispute_outcome={"outcome_code": outcome})
            self._hold(dispute, 1)
            self._tell("CUSTOMER.DISPUTE.RESOLVED", "dispute", dispute)
            if not won:
                capture = dispute["disputed_transactions"][0]["seller_transaction_id"]
                taken = {"capture": capture, "value": dispute["dispute_amount"]["value"]}
                self.refund("T1106", "PAYMENT.CAPTURE.REVERSED", {**taken, "reason": "buyer's favour"})
            return dispute

    def _hold(self, dispute: Mapping[str, Any], sign: int) -> None:
        """A case takes the money as a chargeback does, and its end gives it back."""
        capture = dispute["disputed_transactions"][0]["seller_transaction_id"]
        code = "T1201" if sign < 0 else "T1202"
        self._move(code, new_id(), dispute["dispute_amount"], sign, paypal_reference_id=capture)

    def _amount(self, capture: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, str]:
        """`amount` in hundredths, as the other stand-ins take it."""
        value = f"{body['amount'] / 100:.2f}" if "amount" in body else capture["amount"]["value"]
        return {**capture["amount"], "value": body.get("value", value)}

    def _paid(self, batch: dict[str, Any]) -> None:
        with self.lock:
            (item,) = batch["items"]
            failed = self.faults.behaviour.fail_payouts
            item["transaction_status"] = "FAILED" if failed else "SUCCESS"
            batch["batch_header"]["batch_status"] = "SUCCESS"
            if failed:
                item["errors"] = {"name": "RECEIVER_UNREGISTERED", "message": "Receiver is unregistered"}
            else:
                amount = item["payout_item"]["amount"]
                told = {"currency_code": amount["currency"], "value": amount["value"]}
                self._move("T0001", new_id(), told, -1, custom_field=item["payout_item"]["sender_item_id"])
            event = f"PAYMENT.PAYOUTS-ITEM.{'FAILED' if failed else 'SUCCEEDED'}"
            self._tell(event, "payouts_item", item)

    def _move(self, code: str, id: str, amount: Mapping[str, str], sign: int, **more: str) -> None:
        value = amount["value"] if sign > 0 else f"-{amount['value']}"
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")
        info = {
            "transaction_id": id,
            "transaction_event_code": code,
            "transaction_initiation_date": at,
            "transaction_amount": {"currency_code": amount["currency_code"], "value": value},
            "transaction_status": "S",
            **more,
        }
        self.movements.append(info)

    def _tell(self, type: str, resource_type: str, resource: Mapping[str, Any]) -> None:
        event = {
            "id": f"WH-{new_id()}-{new_id()}",
            "event_version": "1.0",
            "create_time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "resource_type": resource_type,
            "event_type": type,
            "summary": type,
            "resource": resource,
        }
        self.webhooks.send(json.dumps(event, separators=(",", ":")), self.faults.behaviour)


def new_id() -> str:
    """As PayPal's: 17 capital letters and digits."""
    return "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(17))


def found_in(objects: Mapping[str, dict[str, Any]], id: str) -> dict[str, Any]:
    if id not in objects:
        raise ApiError(404, "RESOURCE_NOT_FOUND", "The specified resource does not exist.")
    return objects[id]


def create_app(merchant: Merchant, client: tuple[str, str], signer: Signer) -> Flask:
    tokens: dict[str, float] = {}

    def admit() -> None:
        if request.path.startswith("/v1/notifications/certs/"):
            return
        if request.path == "/v1/oauth2/token":
            given = request.authorization
            if given is None or (given.username, given.password) != client:
                raise ApiError(401, "invalid_client", "Client Authentication failed")
            return
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if tokens.get(token, 0) < time.monotonic():
            raise ApiError(401, "invalid_token", "Token signature verification failed")

    def error_body(error: ApiError) -> dict[str, Any]:
        return {"name": error.type, "message": error.message, **error.more}

    app = unreliable.create_app(__name__, merchant.faults, admit, error_body)

    @app.post("/v1/oauth2/token")
    def token() -> Response:
        made = secrets.token_urlsafe(32)
        tokens[made] = time.monotonic() + TOKEN_SECONDS
        return jsonify(access_token=made, token_type="Bearer", expires_in=TOKEN_SECONDS)

    @app.get(f"/v1/notifications/certs/{CERTIFICATE}")
    def signing_certificate() -> Response:
        return Response(signer.certificate.public_bytes(Encoding.PEM), mimetype="application/x-pem-file")

    @app.post("/v2/checkout/orders")
    def create_order() -> tuple[Response, int]:
        key = request.headers.get("PayPal-Request-Id") or new_id()
        return jsonify(merchant.order(key, json_body())), 201

    @app.get("/v2/checkout/orders/<id>")
    def get_order(id: str) -> Response:
        with merchant.lock:
            return jsonify(found_in(merchant.orders, id))

    @app.post("/v2/checkout/orders/<id>/capture")
    def capture_order(id: str) -> tuple[Response, int]:
        return jsonify(merchant.capture(id)), 201

    @app.post("/v1/payments/payouts")
    def create_payout() -> tuple[Response, int]:
        return jsonify(merchant.pay_out(json_body())), 201

    @app.get("/v1/payments/payouts/<id>")
    def get_payout(id: str) -> Response:
        with merchant.lock:
            return jsonify(found_in(merchant.batches, id))

    @app.get("/v1/reporting/transactions")
    def list_movements() -> Response:
        with merchant.lock:
            found = [{"transaction_info": info} for info in merchant.movements]
        return jsonify(transaction_details=found, page=1, total_items=len(found), total_pages=1)

    @app.get("/checkoutnow")
    def approve() -> str:
        merchant.approve(request.args.get("token", ""))
        return "The order is approved."

    @app.post("/_control/refunds")
    def refund() -> Response:
        return jsonify(merchant.refund("T1107", "PAYMENT.CAPTURE.REFUNDED", json_body()))

    @app.post("/_control/disputes")
    def dispute() -> Response:
        return jsonify(merchant.dispute(json_body()))

    @app.post("/_control/disputes/<id>")
    def close_dispute(id: str) -> Response:
        return jsonify(merchant.close(id, str(json_body().get("status"))))

    return app


def from_environ(environ: Mapping[str, str], public_url: str) -> BaseWSGIServer | None:
    if "PAYPAL_PORT" not in environ:
        return None
    return serve(
        int(environ["PAYPAL_PORT"]),
        (environ["PAYPAL_CLIENT_ID"], environ["PAYPAL_CLIENT_SECRET"]),
        environ["PAYPAL_WEBHOOK_ID"],
        Path(environ["PAYPAL_CA_FILE"]),
        public_url,
    )


def serve(
    port: int, client: tuple[str, str], webhook_id: str, ca_file: Path, public_url: str
) -> BaseWSGIServer:
    """The authority's certificate is in its file before anybody can be sent a webhook."""
    signer = Signer()
    ca_file.write_bytes(signer.authority.public_bytes(Encoding.PEM))
    own_url = ""

    def sign(body: str) -> dict[str, str]:
        name, at = secrets.token_hex(16), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "PayPal-Auth-Algo": "SHA256withRSA",
            "PayPal-Cert-Url": f"{own_url}/v1/notifications/certs/{CERTIFICATE}",
            "PayPal-Transmission-Id": name,
            "PayPal-Transmission-Time": at,
            "PayPal-Transmission-Sig": signer.sign(f"{name}|{at}|{webhook_id}|{zlib.crc32(body.encode())}"),
        }

    schedule = Schedule()
    merchant = Merchant(
        "", Webhooks(f"{public_url.rstrip('/')}/v1/webhooks/paypal", sign, schedule), schedule
    )
    server = unreliable.listening(port, create_app(merchant, client, signer))
    own_url = merchant.url = f"http://127.0.0.1:{server.server_port}"
    return server
