"""The API: orders come in as JSON, are validated, and get a receipt that nobody can forge."""

from __future__ import annotations

from importlib.metadata import version

from cryptography.hazmat.primitives import hashes, hmac
from flask import Flask, Response, jsonify, request
from pydantic import BaseModel, PositiveInt, ValidationError

app = Flask(__name__)


class Order(BaseModel):
    """What a customer wants."""

    item: str
    quantity: PositiveInt


def receipt(order: Order) -> str:
    """A signature over the order. (A real desk keeps its key in a secret store.)"""
    signature = hmac.HMAC(b"not a secret", hashes.SHA256())
    signature.update(order.model_dump_json().encode())
    return signature.finalize().hex()


@app.get("/")
def versions() -> Response:
    """Which distributions answer here."""
    return jsonify({name: version(name) for name in ("flask", "pydantic", "cryptography")})


@app.post("/orders")
def place() -> tuple[Response, int]:
    """Take an order."""
    try:
        order = Order.model_validate_json(request.get_data())
    except ValidationError as error:
        return jsonify(error.errors(include_url=False)), 422
    return jsonify({"order": order.model_dump(), "receipt": receipt(order)}), 201
