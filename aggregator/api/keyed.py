"""What requests with an Idempotency-Key have in common: the key, its refusals, the answer kept byte for byte."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from aggregator.api.call import Call
from aggregator.api.problem import Problem
from aggregator.api.route import Answer
from aggregator.cases.desk import Key, KeyReused, KeyRunning, StoredAnswer
from aggregator.store import StoreUnavailable

T = TypeVar("T")


def key_of(call: Call, citizen_id: str) -> Key:
    """The call's key in its scope."""
    return Key(call.caller.portal_id, citizen_id, "POST", call.route.path, call.key, call.fingerprint())


async def once(call: Call, work: Awaitable[T], *, unmoved: Callable[[Exception], bool]) -> T:
    """The accepting commit of a keyed request. Raises Problem for a key that cannot be used for this.

    `unmoved` says of the work's own exceptions that they prove nothing was stored.
    """
    try:
        return await call.progress.commit(
            work, unmoved=lambda exc: unmoved(exc) or isinstance(exc, KeyReused) or stored_nothing(exc)
        )
    except KeyReused as exc:
        raise Problem("idempotency-key-reused") from exc
    except KeyRunning as exc:
        raise Problem("request-in-progress", retry_after_s=exc.retry_after_s) from exc


async def kept(call: Call, key: Key, answer: Answer) -> Answer:
    """The answer, after it was stored for whoever repeats the request. `answer.value` is bytes already."""
    assert isinstance(answer.value, bytes)  # noqa: S101 - what is replayed byte for byte must be bytes now
    headers = {**answer.headers, "Content-Language": call.language}
    try:
        await call.rooms.desk.answered(key, StoredAnswer(answer.status, headers, answer.value))
    except StoreUnavailable:
        # What was accepted is safe; a repeat of this request is answered from it, as it then is.
        return answer
    return answer


def replayed(stored: StoredAnswer) -> Answer:
    """The first answer again."""
    return Answer(stored.body, status=stored.status, headers={**stored.headers, "Idempotency-Replayed": "true"})


def stored_nothing(exc: Exception) -> bool:
    """Whether the store itself says that nothing of the write was kept."""
    return isinstance(exc, StoreUnavailable) and exc.effect == "none"
