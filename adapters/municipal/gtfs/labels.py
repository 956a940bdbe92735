"""Binary answers carry a label too, and a wrong one is news: an error object arrives as JSON, with status 200."""

from collections.abc import Mapping

from aggregator.sdk.dialect import http_charset, media_type, trouble
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.rest import parse_json
from aggregator.sdk.wire import Reply


def refuse_label(reply: Reply, labels: frozenset[str]) -> None:
    """Raises Unavailable for the framework's error object, ContractBroken for anything else that is not listed."""
    label = media_type(reply)
    if label in labels:
        return
    if label == "application/json":
        told = parse_json(reply.body, charset=http_charset(reply))
        if isinstance(told, Mapping) and "error" in told:
            raise trouble("the framework's error object instead of the file", effect=False)
    raise ContractBroken("the answer is labelled as something else than it should be", garbled=True)
