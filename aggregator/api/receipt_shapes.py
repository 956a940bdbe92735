"""A receipt that is brought back, on the wire."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType, field

from aggregator.api.shapes import Asked
from aggregator.api.words import CitizenId, FieldName


class ReceiptBrought(Asked, frozen=True, kw_only=True):
    """A receipt of ours. `form`: what is still known of the application; it helps to look, and is not sent."""

    receipt: Annotated[
        str,
        Meta(
            description="The compact JWS of `GET /cases/{case_id}/receipt`.",
            examples=["eyJhbGciOiJFUzI1NiJ9.e30.c2ln"],
            max_length=8000,
            pattern="^[A-Za-z0-9._-]+$",
        ),
    ]
    form: Annotated[
        dict[FieldName, Any],
        Meta(
            description="What is still known of the application, as the form of its service describes it. It helps to "
            "look for it at the agency, and is never sent on.",
            examples=[{"mobile": "9000000000"}],
            max_length=200,
        ),
    ] = field(default_factory=dict)
    citizen_id: CitizenId | UnsetType = UNSET
