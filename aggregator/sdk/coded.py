"""JSON with one error document: its code decides what an answer means, and its status only confirms.

A driver lists its agency's codes by what the aggregator must do about them; a code on no list is a broken contract, and
never a no.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aggregator.sdk.dialect import retry_after_s, shown, trouble
from aggregator.sdk.errors import AgencyError, ContractBroken, Misconfigured, Refused, Unavailable
from aggregator.sdk.reading import clean, need, value_of
from aggregator.sdk.rest import Judge, read_json
from aggregator.sdk.wire import Reply

ErrorOf = Callable[[Any], Mapping[str, Any] | None]


def error_member(body: Any) -> Mapping[str, Any] | None:
    """The error document of `{"error": {"code": ...}}`."""
    told = body.get("error") if isinstance(body, Mapping) else None
    return told if isinstance(told, Mapping) and value_of(told, "code") else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """An agency's codes. `whose` names it in our messages to operators, `error_of` finds its error document."""

    whose: str
    reasons: Mapping[str, str]
    """Code -> our reason: understood, and no."""
    shed: frozenset[str] = frozenset()
    """Answered before anything is done; believed with 429 alone."""
    credentials: frozenset[str] = frozenset()
    """Believed with 401 and 403 alone."""
    our_fault: frozenset[str] = frozenset()
    """Only the driver, the registry or the operator can earn these."""
    trouble: frozenset[str] = frozenset()
    """It may have acted or not: a doubt for a write."""
    no_with_4xx_alone: bool = False
    """A listed refusal under another status is not believed: where a gateway may repeat an old answer under a 500."""
    error_of: ErrorOf = error_member

    def read(self, reply: Reply, *, effect: bool) -> Any:
        """The body of an answer. Raises what its code says, and else what its shape and status say (`read_json`)."""
        return read_json(reply, effect=effect, judge=self._judge(effect=effect))

    def read_or_none(self, reply: Reply) -> Any:
        """The body of a read; None where they have no such record."""
        try:
            body = self.read(reply, effect=False)
        except Refused as refused:
            if refused.reason == "not_found":
                return None
            raise
        if body is None:
            raise ContractBroken("the answer is null")
        return body

    def _judge(self, *, effect: bool) -> Judge:
        def judge(reply: Reply, body: Any) -> bool:
            told = self.error_of(body)
            if told is not None:
                raise self._meaning(reply, told, effect=effect)
            if 200 <= reply.status < 300 and isinstance(body, Mapping) and ("error" in body or "exception" in body):
                raise trouble("another error object instead of an answer", effect=effect)
            return False

        return judge

    def _meaning(self, reply: Reply, told: Mapping[str, Any], *, effect: bool) -> AgencyError:
        code, wait_s = str(need(told, "code")), retry_after_s(reply)
        if code in self.reasons and (400 <= reply.status < 500 or not self.no_with_4xx_alone):
            return Refused(code, self.reasons[code], reference=str(value_of(told, "id", "")), fields=_fields(told))
        if code in self.shed and reply.status == 429:
            return Unavailable(f"{self.whose} sheds load", wait_s, throttled=True)
        if code in self.credentials and reply.status in {401, 403}:
            return Misconfigured(f"status {reply.status}: look at the credentials", code)
        if code in self.our_fault:
            return Misconfigured(f"{self.whose} says {code}: look at the registry and the driver's version", code)
        if code in self.trouble:
            return trouble(f"{self.whose} says {code}", effect=effect, retry_after_s=wait_s)
        return ContractBroken(f"{self.whose} answers with the unlisted code {shown(code)}")


def _fields(told: Mapping[str, Any]) -> dict[str, str]:
    fields = value_of(told, "fields", {})
    return {str(name): clean(text) for name, text in fields.items()} if isinstance(fields, Mapping) else {}
