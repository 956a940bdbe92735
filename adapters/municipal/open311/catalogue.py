"""Which of the city's service codes stands for which of our offers, and what kind of service the city says it is.

The kind decides what may be promised. A report to a batch service is listed only after the city's batch has run, and
one to a blackbox never: an operation declared as searchable must not carry either of them by an oversight, because
"not found" would then be taken for "not there", and sent again. So it is refused here before a byte is sent.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adapters.municipal.open311.vocabulary import BATCH, BLACKBOX, REALTIME
from aggregator.sdk.adapter import Class, Settings
from aggregator.sdk.dialect import CURRENT
from aggregator.sdk.errors import Misconfigured
from aggregator.sdk.model import Facts
from aggregator.sdk.reading import clean, need, value_of

_FORMS = Path(__file__).parent / "forms"


class Catalogue:
    """The offers this city has, from the options `code_<offer>` and `type_<offer>`."""

    def __init__(self, settings: Settings) -> None:
        options = settings.options
        self._codes = {
            name.removeprefix("code_"): str(code) for name, code in options.items() if name.startswith("code_") and code
        }
        self._types = {
            name.removeprefix("type_"): str(kind) for name, kind in options.items() if name.startswith("type_")
        }
        self._batch_lag_s = float(settings.option("batch_lag_s", 86_400))
        self._attributes = {path.stem: _attributes(path) for path in _FORMS.glob("*.json")}

    def code(self, offer: str) -> str:
        """Raises Misconfigured for an offer the city has given no code for."""
        if offer not in self._codes:
            raise Misconfigured(f"code_{offer} is not set")
        return self._codes[offer]

    def offer(self, code: str) -> str:
        """The offer this code stands for; empty for none of ours, or for more than one."""
        found = [name for name, ours in self._codes.items() if ours == self.known(code)]
        return found[0] if len(found) == 1 else ""

    def attributes(self, offer: str) -> Mapping[str, str]:
        """Our field -> the code of their attribute; the form says it as `x-attribute`."""
        return self._attributes.get(offer, {})

    def is_blackbox(self, offer: str) -> bool:
        return self._types.get(offer) == BLACKBOX

    def refuse_unsettled(self, offer: str) -> None:
        """Raises Misconfigured where a look could never prove, or not yet prove, that a report is absent."""
        declared, kind = CURRENT.get(), self._types.get(offer, REALTIME)
        if declared.effective is Class.OPAQUE:
            return
        if kind == BLACKBOX:
            raise Misconfigured(f'type_{offer} is blackbox: its operation must be declared class = "opaque"')
        if kind == BATCH and declared.query_lag_s < self._batch_lag_s:
            raise Misconfigured(f"type_{offer} is batch: query_lag_s must be at least batch_lag_s")

    def known(self, code: str) -> str:
        """The configured code this one is, with its zeros; as it came if none or several could be meant."""
        if code in self._codes.values():
            return code
        alike = {ours for ours in self._codes.values() if _bare(ours) == _bare(code) and code.isdigit()}
        return alike.pop() if len(alike) == 1 else code

    def service(self, row: Mapping[str, Any]) -> Facts:
        """One service of the city. Raises Misconfigured where its kind is not the one configured for it."""
        code, kind = self.known(str(need(row, "service_code"))), str(value_of(row, "type", "")).lower()
        for offer, ours in self._codes.items():
            if ours == code and kind != self._types.get(offer, REALTIME):
                raise Misconfigured(f"type_{offer} is not what the city says: {kind[:12]!r}")
        told = {"code": code, "name": clean(need(row, "service_name")), "type": kind}
        told |= {name: clean(value_of(row, name, "")) for name in ("group", "metadata", "description")}
        return Facts(told)


def _attributes(form: Path) -> dict[str, str]:
    properties: Mapping[str, Any] = json.loads(form.read_text("utf-8"))["properties"]
    return {name: str(told["x-attribute"]) for name, told in properties.items() if "x-attribute" in told}


def _bare(code: str) -> str:
    return code.lstrip("0") if code.isdigit() else code
