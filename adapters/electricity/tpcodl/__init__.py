"""The utility's old portal: one GET per question, pipe text inside a page, everything about the citizen in the URL.

Its only write is opaque: a GET without a key that nothing can look up afterwards, so it is never repeated. The page
and its fields are in `payload`, the consumer id in `consumer`.
"""

from adapters.electricity.tpcodl.consumer import consumer_id, division
from adapters.electricity.tpcodl.payload import fields_of, payments, summary
from aggregator.sdk.adapter import Class, Settings, operation
from aggregator.sdk.errors import ContractBroken, Misconfigured, Refused
from aggregator.sdk.form import normal
from aggregator.sdk.model import Absent, Facts, Order, Receipt
from aggregator.sdk.reading import clean
from aggregator.sdk.rest import RestClient
from aggregator.sdk.wire import Wire

PORTAL = "/ePortalAPP/ePortal_App.jsp"
REPORTS = "/IncomingSMS/CESU_DynamicReport.jsp"
_PAYMENTS = "1074"
_TEXT_MAX = 300


class Driver:
    """Consumer check, payment history and supply complaints."""

    def __init__(self, wire: Wire, settings: Settings) -> None:
        self._company = settings.option("company_id")
        self._user, self._password = settings.option("user"), settings.secret("password")
        # Credentials and account numbers stand in every URL: none of them may reach a trace.
        self._api = RestClient(wire, settings.url, headers={"Accept": "text/html"}, sensitive_urls=True)

    @operation(Class.SAFE, timeout_s=10, fresh_s=300)
    async def lookup(self, order: Order) -> Facts | Absent:
        """Whether the consumer id is known. The name leaves only masked: nobody has proved to be the holder."""
        query = {"RequestType": "3", "ConsumerID": consumer_id(order), "Mobile_No": _mobile(order)}
        told = await self._ask(PORTAL, query)
        if told[0] == "0":
            raise Misconfigured("the portal does not authorise us: look at company_id", "0")
        if told[:2] == ["1", "9"]:
            return Absent("9")
        if told[:2] != ["1", "1"] or len(told) != 4:
            raise ContractBroken("the consumer check is neither found nor absent")
        return Facts({"consumer_id": query["ConsumerID"], "owner_name": _masked(told[2])}, frozenset({"owner_name"}))

    @operation(Class.SAFE, timeout_s=15, fresh_s=300)
    async def history(self, order: Order) -> Facts | Absent:
        code, account = division(consumer_id(order))
        query = {"un": self._user, "pw": self._password, "ReportID": _PAYMENTS}
        told = await self._ask(REPORTS, {**query, "strDivCode": code, "strCons_Acc": account})
        if "0" in told[:2]:
            what = "user and password" if told[0] == "0" else "the report id"
            raise Misconfigured(f"the portal does not know {what}", "0")
        if told[:2] != ["1", "1"] or len(told) != 4 or not told[2].isdecimal():
            raise ContractBroken("the payment history is neither a report nor a refusal")
        return summary(payments(told[3])) if int(told[2]) else Absent("0")

    @operation(Class.OPAQUE, timeout_s=20)
    async def complain(self, order: Order) -> Receipt:
        """A supply complaint. Nothing follows it: the number is all the portal ever tells."""
        query = {
            "RequestType": "7",
            "ConsumerID": consumer_id(order),
            "Mobile_No": _mobile(order),
            "ComplaintType": str(order.form["complaint_type"]),
            # A person who must decide a doubt finds it at the utility by this reference and by nothing else.
            "Text": f"{clean(order.form['text'])[:_TEXT_MAX]} (ref {order.reference})",
        }
        told = await self._ask(PORTAL, query, write=True)
        if told[:2] == ["0", "0"] and len(told) == 3:
            raise Refused("0", "refused")
        if told[0] != "1" or len(told) != 3 or not (told[1].isdecimal() and len(told[1]) == 10):
            raise ContractBroken("the complaint is neither registered nor refused")
        return Receipt(told[1], "1")

    async def _ask(self, path: str, query: dict[str, str], *, write: bool = False) -> list[str]:
        asked = {"CompanyID": self._company, **query}
        reply = await self._api.fetch("GET", path, query=asked, effect=write)
        return fields_of(reply, write=write)


def _mobile(order: Order) -> str:
    return normal("mobile", str(order.form.get("mobile", "")))


def _masked(name: str) -> str:
    """`T*** C******`: enough to see that it is one's own."""
    return " ".join(word[0] + "*" * (len(word) - 1) for word in clean(name).split())
