"""What a Fault of the police means: a field they reject, a token they reject, or trouble.

Both SOAP versions name the same things in different places: 1.2 in Subcode, 1.1 in faultcode itself or in a `code`
inside detail. Only local names are compared, for prefixes are seen undeclared. The text is never looked at: behind
`--->` it holds server paths and SQL.
"""

import re

from adapters.police.cctns.answers import refusal
from aggregator.sdk.errors import AgencyError, Misconfigured, OutcomeUnknown
from aggregator.sdk.soap import SoapFault
from aggregator.sdk.xml import local, text

_LISTED = re.compile(r"CS-(1[1-6])")
"""What their schema check refuses; no other code has any business in a Fault."""
_REJECTED = {
    "FailedAuthentication": "they reject us: look at user and password",
    "InvalidSecurity": "they cannot read our security header: look at password_type",
    "MessageExpired": "clock skew: our clock and theirs are more than 5 minutes apart",
}


class TokenRejected(Misconfigured):
    """They turned the send away at the door, unread. A fresh header may be all it needs."""


class TokenReplayed(OutcomeUnknown):
    """A copy of this very send was there before it: what that one did, nobody has told us."""


def fault_error(fault: SoapFault) -> AgencyError | None:
    """For `SoapClient`; None for a Fault nobody listed, which is trouble."""
    names = [fault.subcode, fault.code, *_detail_codes(fault)]
    for name in names:
        if name in _REJECTED:
            return TokenRejected(_REJECTED[name], name)
        if name == "InvalidSecurityToken":
            return TokenReplayed("they have seen this very message before", alarm=True)
    for name in names:
        found = _LISTED.fullmatch(name)
        if found is not None:
            return refusal(found[1])
    return None


def _detail_codes(fault: SoapFault) -> list[str]:
    return [] if fault.detail is None else [text(child) for child in fault.detail if local(child) == "code"]
