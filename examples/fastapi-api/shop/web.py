"""The API: prices are read once, when the execution environment begins, and asked for by name."""

from __future__ import annotations

from contextlib import asynccontextmanager
from decimal import Decimal
from typing import TYPE_CHECKING

from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Item(BaseModel):
    """What is for sale."""

    name: str
    price: Decimal


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, dict[str, Item]]]:
    """Have the prices at hand. (A real shop asks its database.)"""
    items = (Item(name="wherry", price=Decimal(1200)), Item(name="oar", price=Decimal("48.50")))
    yield {"items": {item.name: item for item in items}}


app = FastAPI(title="A price list", lifespan=lifespan)


@app.get("/items")
async def items(request: Request, name: str = "") -> list[Item]:
    """All items whose names have this in them."""
    return [item for item in request.state.items.values() if name in item.name]


@app.get("/items/{name}")
async def item(request: Request, name: str) -> Item:
    """One item."""
    if name not in request.state.items:
        raise HTTPException(404, f"no {name} for sale")
    return request.state.items[name]
