"""The real server, wired as `aggregator serve` wires it, with one portal whose own limits are out of the way.

Arguments: data folder, the agencies' port, and how many writes may share a commit, if not as many as wait.
Says its port and a bearer token of that portal.
"""

import asyncio
import base64
import json
import signal
import sys
import urllib.parse
import urllib.request
from pathlib import Path

from aggregator.api.app import DOOR
from aggregator.api.door import listen
from aggregator.citizens.portal_keys import NewSecret
from aggregator.citizens.rights import SCOPES
from aggregator.cli.serve import on_a_loop
from aggregator.settings import Settings
from aggregator.store import writer
from aggregator.wiring import running

REGISTRY = Path(__file__).parents[1] / "registry.toml"


def token_of(port: int, portal: NewSecret) -> str:
    """An ordinary access token, as any portal gets it."""
    basic = base64.b64encode(f"{portal.portal_id}:{portal.secret}".encode()).decode()
    ask = urllib.request.Request(
        f"http://127.0.0.1:{port}/oauth/token",
        data=urllib.parse.urlencode({"grant_type": "client_credentials"}).encode(),
        headers={"Authorization": f"Basic {basic}"},
    )
    with urllib.request.urlopen(ask, timeout=10) as reply:  # noqa: S310 - as above
        token: str = json.load(reply)["access_token"]
    return token


async def main(data: str, agencies: str) -> None:
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    urls = dict.fromkeys(("passport", "rto"), f"http://127.0.0.1:{agencies}")
    settings = Settings.from_env({}, data_dir=Path(data), registry_path=REGISTRY, sandbox_urls=urls)
    async with running(settings) as city:
        portal = await city.portals.add("Load", contact="load@portal.example", scopes=SCOPES, per_minute=1_000_000)
        server = await listen(city.app, city.app[DOOR], host="127.0.0.1", port=0)
        token = await asyncio.to_thread(token_of, server.port, portal)
        sys.stdout.write(json.dumps({"port": server.port, "token": token}) + "\n")
        sys.stdout.flush()
        await told.wait()
        await server.close()


if __name__ == "__main__":
    if len(sys.argv) > 3:
        writer.GROUP = int(sys.argv[3])
    on_a_loop(main(sys.argv[1], sys.argv[2]))
