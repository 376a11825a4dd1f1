"""A brand's company profile."""

from __future__ import annotations

from typing import Any

from flask import Response

from brand import schemas
from gateway.backend import answer, changed, created, no_content, read, read_version
from gateway.conditional import expected_versions
from gateway.rest import Resource

blueprint = Resource("brand", __name__, url_prefix="/v1/brands", description="Company profiles")


@blueprint.route("/me")
@blueprint.requires(kinds=["brand"])
@blueprint.answers(200, schemas.Profile, example="brand_profile")
def get_own_profile() -> Response:
    """The caller's company profile."""
    return read_version("brand", "get_profile")


@blueprint.route("/me", methods=["PATCH"])
@blueprint.requires("profile:write", "billing:write", kinds=["brand"])
@blueprint.answers(200, schemas.Profile, example="brand_profile")
@blueprint.body(schemas.UpdateProfile, without=["expected_versions"], example="update_brand_profile")
@blueprint.takes_if_match
def update_own_profile(body: dict[str, Any]) -> Response:
    """Change the named fields of the profile.

    `billing_info` needs the scope `billing:write`, every other field `profile:write`.
    """
    return changed("brand", "update_profile", {**body, **expected_versions()})


@blueprint.route("/me/verification", methods=["POST"])
@blueprint.requires("profile:write", kinds=["brand"])
@blueprint.answers(200, schemas.Profile, example="brand_profile")
def request_verification() -> Response:
    """Ask for the company to be verified."""
    return answer("brand", "request_verification")


@blueprint.route("/me/payment-methods", methods=["POST"])
@blueprint.requires("billing:write", kinds=["brand"])
@blueprint.refuses(404)
@blueprint.answers(201, schemas.PaymentMethod, example="payment_method")
@blueprint.body(schemas.AddPaymentMethod, example="add_payment_method")
def add_payment_method(body: dict[str, Any]) -> Response:
    """Keep a payment method that the provider's own form has stored; no card's number ever gets here."""
    return created("brand", "add_payment_method", body)


@blueprint.route("/me/payment-methods/<id:payment_method_id>", methods=["DELETE"])
@blueprint.requires("billing:write", kinds=["brand"])
@blueprint.answers(204)
def remove_payment_method(payment_method_id: str) -> Response:
    """Forget a payment method."""
    return no_content("brand", "remove_payment_method", {"payment_method_id": payment_method_id})


@blueprint.route("/<id:brand_id>")
@blueprint.answers(200, schemas.PublicProfile, example="public_brand")
def get_public_profile(brand_id: str) -> Response:
    """What everybody may know of a brand."""
    return read("brand", "public_profile", {"brand_id": brand_id})
