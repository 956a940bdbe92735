"""An ADO.NET DataSet is read by a rule of four lines, and never by the schema that travels inside it.

diffgram -> its child NewDataSet -> of that the children Table, in the order of `msdata:rowOrder`. Further result sets
(Table1, Table2) and the diffgram's own before and errors have rows of the same shape and are not the answer. A null
column is missing; a column the schema does not list is as good as any. Nothing is fetched: an `xs:import` in a
reply is text to us.
Source: the police protocol, section 1.
"""

from collections.abc import Mapping

from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.xml import Element, local, text

Row = Mapping[str, str]

_DIFFGRAM = "{urn:schemas-microsoft-com:xml-diffgram-v1}diffgram"
_ROW_ORDER = "{urn:schemas-microsoft-com:xml-msdata}rowOrder"


def rows(result: Element) -> list[Row]:
    """The rows of the first result set of an operation's `...Result` element; empty without NewDataSet.

    Raises ContractBroken for what is no DataSet, for two of what there is one of, and for a row without its place.
    """
    diffgram = _only(result, [child for child in result if child.tag == _DIFFGRAM])
    if diffgram is None:
        raise ContractBroken("the answer has no diffgram")
    content = _only(result, [child for child in diffgram if local(child) == "NewDataSet"])
    if content is None:
        return []
    tables = [child for child in content if local(child) == "Table"]
    return [_row(table) for table in sorted(tables, key=_place)]


def _only(parent: Element, found: list[Element]) -> Element | None:
    if len(found) > 1:
        raise ContractBroken(f"{local(parent)} holds two answers")
    return found[0] if found else None


def _place(table: Element) -> int:
    told = table.get(_ROW_ORDER, "")
    if not (told.isascii() and told.isdigit()):
        raise ContractBroken("a row does not say its place")
    return int(told)


def _row(table: Element) -> Row:
    found: dict[str, str] = {}
    for column in table:
        name = local(column)
        if name in found:
            raise ContractBroken("a row has a column twice")
        found[name] = text(column)
    return found
