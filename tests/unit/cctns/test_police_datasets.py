"""A DataSet is read by its rule and not by the schema it brings along."""

import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from police_office import NUMBER, state
from zeep import Client, Settings
from zeep import exceptions as zeep_errors

from adapters.police.cctns import dataset
from adapters.police.cctns.simulator_answers import Rows, envelope, written
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.model import Absent, Order
from aggregator.sdk.status import Status

TRACK = "GetServiceRequestStatus"
CONTRACT = Path(dataset.__file__).parent / "CitizenService.wsdl"
MSDATA = 'xmlns:msdata="urn:schemas-microsoft-com:xml-msdata"'
DIFFGRAM = 'xmlns:diffgr="urn:schemas-microsoft-com:xml-diffgram-v1"'


def read(content: str) -> Any:
    return dataset.rows(etree.fromstring(f"<R {MSDATA} {DIFFGRAM}>{content}</R>"))


def table(number: str, place: str = "0", name: str = "Table") -> str:
    return f'<{name} msdata:rowOrder="{place}"><SRN>{number}</SRN></{name}>'


def test_rows_come_in_their_own_order_and_not_in_the_documents() -> None:
    inner = table("C", "10") + table("A", "0") + table("B", "2")
    rows = read(f"<diffgr:diffgram><NewDataSet>{inner}</NewDataSet></diffgr:diffgram>")
    assert [row["SRN"] for row in rows] == ["A", "B", "C"]


def test_further_result_sets_are_not_the_answer() -> None:
    inner = table("X", name="Table1") + table("A") + table("Y", name="Table2")
    assert read(f"<diffgr:diffgram><NewDataSet>{inner}</NewDataSet></diffgr:diffgram>") == [{"SRN": "A"}]


def test_what_was_before_and_what_went_wrong_is_not_the_answer() -> None:
    around = f"<diffgr:before>{table('X')}</diffgr:before><diffgr:errors>{table('Y')}</diffgr:errors>"
    assert read(f"<diffgr:diffgram>{around}</diffgr:diffgram>") == []
    both = f"<diffgr:diffgram><NewDataSet>{table('A')}</NewDataSet>{around}</diffgr:diffgram>"
    assert read(both) == [{"SRN": "A"}]


def test_no_new_data_set_is_no_rows() -> None:
    assert read("<diffgr:diffgram/>") == []


@pytest.mark.parametrize(
    "content",
    [
        "",
        "<diffgram><NewDataSet/></diffgram>",
        "<diffgr:diffgram/><diffgr:diffgram/>",
        "<diffgr:diffgram><NewDataSet/><NewDataSet/></diffgr:diffgram>",
        f"<diffgr:diffgram><NewDataSet>{table('A', 'first')}</NewDataSet></diffgr:diffgram>",
        "<diffgr:diffgram><NewDataSet><Table><SRN>A</SRN></Table></NewDataSet></diffgr:diffgram>",
        f"<diffgr:diffgram><NewDataSet>{table('A</SRN><SRN>B')}</NewDataSet></diffgr:diffgram>",
    ],
)
def test_what_is_no_data_set_is_a_broken_contract_and_never_an_empty_one(content: str) -> None:
    with pytest.raises(ContractBroken):
        read(content)


async def test_a_null_column_is_missing_and_an_extra_one_is_read_past(police: Any, case: Order) -> None:
    police.shows(TRACK, state(PS_NAME=None, REMARKS=None, COLUMN_OF_NEXT_YEAR="1"))
    got = await police.driver.track(case)
    assert (got.status, got.remark, got.facts) == (Status.IN_PROGRESS, "", {"district": "DEMO DISTRICT"})


async def test_no_row_is_an_answer_and_two_are_none(police: Any, case: Order) -> None:
    police.shows(TRACK)
    assert await police.driver.track(case) == Absent()
    police.shows(TRACK, state(), state())
    with pytest.raises(ContractBroken):
        await police.driver.track(case)


class Trap:
    """A listener that notes whether anybody came."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(0.5)
        self.port = self._socket.getsockname()[1]
        self.caught = False
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        try:
            connection, _ = self._socket.accept()
        except TimeoutError:
            return
        self.caught = True
        connection.close()

    def closed(self) -> "Trap":
        self._thread.join()
        self._socket.close()
        return self


def with_imports(port: int) -> bytes:
    answer = Rows([state()])
    return envelope("1.2", written(TRACK, answer, host=f"127.0.0.1:{port}", fault="707")).encode()


@pytest.mark.filterwarnings("ignore")
def test_the_usual_client_fetches_what_a_reply_names() -> None:
    """The control: zeep opens the reply's `xs:import`, whatever its settings say."""
    trap = Trap()
    client = Client(str(CONTRACT), settings=Settings(forbid_external=True, strict=False))
    operation = client.wsdl.bindings["{http://tempuri.org/}CitizenServiceSoap12"].get(TRACK)
    body = etree.fromstring(with_imports(trap.port))[0][0]
    with pytest.raises((OSError, ValueError, LookupError, etree.LxmlError, zeep_errors.Error)):
        operation.output.body.parse(body, client.wsdl.types)
    assert trap.closed().caught


async def test_nothing_is_opened_for_an_import_in_a_reply(police: Any, case: Order) -> None:
    trap = Trap()
    police.answers(with_imports(trap.port))
    got = await police.driver.track(case)
    assert got.status is Status.IN_PROGRESS
    assert not trap.closed().caught


async def test_the_echo_is_looked_for_in_every_row(police: Any, case: Order) -> None:
    police.shows(TRACK, state(SRN="OP99EMV0009999"))
    with pytest.raises(ContractBroken, match="another"):
        await police.driver.track(case)
    police.shows(TRACK, state(SRN=NUMBER.lower()))
    assert (await police.driver.track(case)).status is Status.IN_PROGRESS
