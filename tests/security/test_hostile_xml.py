"""S7. XML that wants something opened, fetched or blown up gets nothing: the system calls of the parsing say so.

A process reads all documents into memory, then parses them one by one between two marks in its trace. Control: a parser
with entities and DTDs on opens what it is told to.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from engines import missing

ROOT = Path(__file__).parents[2]
PLACES = (
    "file:///etc/hostname", "/etc/hostname", "../../../../etc/hostname", "http://127.0.0.1:9/x", "ftp://127.0.0.1:9/x",
    "jar:file:///etc/hostname!/x", "//127.0.0.1/share/x",
)  # fmt: skip
WISHES = {
    "an entity": '<!DOCTYPE a [<!ENTITY e SYSTEM "{}">]><a>&e;</a>',
    "a parameter entity": '<!DOCTYPE a [<!ENTITY % e SYSTEM "{}">%e;]><a/>',
    "an entity in an attribute": '<!DOCTYPE a [<!ENTITY e SYSTEM "{}">]><a b="&e;"/>',
    "an external DTD": '<!DOCTYPE a SYSTEM "{}"><a/>',
    "a public DTD": '<!DOCTYPE a PUBLIC "-//X//Y" "{}"><a/>',
    "a DTD after a comment": '<!-- x --><?p?><!DOCTYPE a SYSTEM "{}"><a/>',
    "XInclude": '<a xmlns:i="http://www.w3.org/2001/XInclude"><i:include href="{}" parse="text"/></a>',
    "a schema": '<a xmlns:x="http://www.w3.org/2001/XMLSchema-instance" x:noNamespaceSchemaLocation="{}"/>',
    "a style sheet": '<?xml-stylesheet type="text/xsl" href="{}"?><a/>',
    "XOP": '<a xmlns:x="http://www.w3.org/2004/08/xop/include"><x:Include href="{}"/></a>',
}
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BOMBS = {
    "a billion laughs": f'<!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]><a>&l9;</a>',
    "one entity many times": f'<!DOCTYPE a [<!ENTITY e "{"x" * 50_000}">]><a>{"&e;" * 50_000}</a>',
    "attributes by default": '<!DOCTYPE a [<!ATTLIST a b CDATA "x">]><a/>',
    "100,000 attributes": "<a " + " ".join(f'b{n}=""' for n in range(100_000)) + "/>",
    "100,000 deep": "<a>" * 100_000 + "</a>" * 100_000,
    "namespaces": "<a " + " ".join(f'xmlns:n{n}="urn:{n}"' for n in range(50_000)) + "/>",
    "a name of a megabyte": f"<{'a' * 1_000_000}/>",
    "never closed": "<a>" * 50_000,
    "UTF-7": '<?xml version="1.0" encoding="UTF-7"?>+ADw-a+AD4-',
    "another charset than it says": '<?xml version="1.0" encoding="UTF-16"?><a/>',
    "two roots": "<a/><b/>",
    "a zero byte": "<a>\x00</a>",
}
READS = """
import codecs, json, resource, sys, time
from pathlib import Path
from lxml import etree
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.xml import parse
documents = [path.read_bytes() for path in sorted(Path(sys.argv[1]).iterdir())]
careless = etree.XMLParser(resolve_entities=True, load_dtd=True, no_network=False, huge_tree=True)
parse(b"<warm/>")
for name in ("utf-7", "utf-16"):
    codecs.lookup(name)  # Python keeps them in files of its own
before, slowest, refused = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 0.0, 0
Path("/BEGIN").exists()
for document in documents:
    began = time.process_time()
    try:
        etree.fromstring(document, careless) if sys.argv[2] == "careless" else parse(document)
    except (ContractBroken, etree.LxmlError):
        refused += 1
    slowest = max(slowest, time.process_time() - began)
Path("/END").exists()
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps({"refused": refused, "slowest_s": slowest, "grown_kb": grown}))
"""


def traced(folder, documents, how):
    """What the reading process said, and every file it opened or place it connected to while it parsed."""
    strace = shutil.which("strace")
    if strace is None:
        missing("strace is not installed: what a parser opens is read off its system calls")
    inbox = folder / how
    inbox.mkdir()
    for n, document in enumerate(documents):
        (inbox / f"{n:04d}.xml").write_bytes(document.encode())
    trace = folder / f"{how}.trace"
    calls = "trace=open,openat,connect,sendto,stat,newfstatat,statx"
    ran = subprocess.run(
        [strace, "-f", "-o", str(trace), "-e", calls, sys.executable, "-c", READS, str(inbox), how],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    between = re.split(r".*\"/(?:BEGIN|END)\".*", trace.read_text())[1]
    return json.loads(ran.stdout), [line for line in between.splitlines() if re.search(r"open(at)?\(|connect\(", line)]


@pytest.mark.slow
@pytest.mark.figure("S7")
def test_hostile_xml_opens_nothing_reaches_nobody_and_costs_nothing(tmp_path, figure):
    wishes = [wish.format(place) for wish in WISHES.values() for place in PLACES]
    documents = [*wishes, *BOMBS.values()]
    said, opened = traced(tmp_path, documents, "ours")
    assert opened == []
    assert said["refused"] >= len(BOMBS) + sum("<!DOCTYPE" in wish for wish in wishes) - 1
    assert said["slowest_s"] < 1.0
    assert said["grown_kb"] < 64 * 1024
    figure.measured(
        f"{len(documents)} documents: 0 opened, 0 connections, {said['refused']} refused and the rest read without "
        f"what they name; slowest {said['slowest_s'] * 1000:.0f} ms of CPU, memory +{said['grown_kb'] // 1024} MB"
    )


@pytest.mark.slow
@pytest.mark.figure("S7")
def test_the_control_a_parser_with_everything_on_opens_what_it_is_told(tmp_path, figure):
    _, opened = traced(tmp_path, [wish.format(PLACES[0]) for wish in WISHES.values()], "careless")
    assert any("/etc/hostname" in line for line in opened)
    figure.control(f"entities and DTDs on: {len(opened)} files opened by {len(WISHES)} documents")
