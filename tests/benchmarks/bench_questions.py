"""What citizens ask in the measurements, and how a right answer looks. No question is asked twice."""

import itertools
import json
from collections.abc import Iterator

from bench_load import request
from bench_process import Peer

FORM = {
    "scheme": "Normal", "given_name": "Test", "surname": "Citizen", "date_of_birth": "1990-01-01", "gender": "F",
    "place_of_birth": "Bhubaneswar", "mobile": "9000000000", "address_line1": "Plot 1", "district": "Khordha",
    "state": "Odisha", "pin": "751001", "police_station": "Saheed Nagar",
}  # fmt: skip
SERIES = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def key_of(peer: Peer) -> dict[str, str]:
    """The header that only the real server asks for."""
    return {"Authorization": f"Bearer {peer.told['token']}"} if "token" in peer.told else {}


def file_enquiries(peer: Peer) -> Iterator[bytes]:
    """POST /services/passport.file_status/enquiries, another file each time."""
    for number in itertools.count():
        body = json.dumps({"form": {"file_no": f"BB{number:013}", "date_of_birth": "1990-01-01"}}).encode()
        yield request("POST", "/v1/services/passport.file_status/enquiries", body, **key_of(peer))


def proxied_enquiries() -> Iterator[bytes]:
    """The agency's own question, for a proxy that passes it on."""
    for number in itertools.count():
        wish = {"fileNo": f"BB{number:013}", "applDob": "01/01/1990", "optStatus": "Application_Status"}
        body = json.dumps({"requestResponseMap": wish}).encode()
        yield request("POST", "/v1/online/trackStatusForFileNo", body)


def plates() -> Iterator[str]:
    for one, two in itertools.product(SERIES, repeat=2):
        for number in range(1, 10_000):
            yield f"OD02{one}{two}{number:04}"


def vehicle_enquiries(peer: Peer) -> Iterator[bytes]:
    """POST /services/rto.vehicle_record/enquiries, another vehicle each time."""
    for plate in plates():
        body = json.dumps({"form": {"vehicle_number": plate}}).encode()
        yield request("POST", "/v1/services/rto.vehicle_record/enquiries", body, **key_of(peer))


def submissions(peer: Peer, run: str) -> Iterator[bytes]:
    """POST /cases, not waited for, each with a key of its own."""
    body = json.dumps({"service_id": "passport.fresh", "form": FORM}).encode()
    for number in itertools.count():
        headers = {"Idempotency-Key": f"{run}-{number}", "Prefer": "wait=0"}
        yield request("POST", "/v1/cases", body, **headers, **key_of(peer))


def gives_a_value(status: int, body: bytes) -> bool:
    return status == 200 and b'"VALUE"' in body


def gives_the_file(status: int, body: bytes) -> bool:
    return status == 200 and b'"FILE_NO"' in body


def accepted(status: int, _body: bytes) -> bool:
    return status in {201, 202}


def found(status: int, body: bytes) -> bool:
    return status == 200 and body.startswith(b"{")
