"""Uploads with tuspy, a client somebody else wrote: in pieces, broken off, gone on with."""

import asyncio
import io
import secrets

from api_town import Town
from tusclient.client import TusClient

PDF = b"%PDF-1.4\n" + secrets.token_bytes(700_000) + b"\n%%EOF\n"


async def test_a_strangers_client_uploads_in_pieces(town: Town) -> None:
    client = TusClient(f"{town.origin}/uploads", headers=town.headers())

    def upload() -> str:
        uploader = client.uploader(file_stream=io.BytesIO(PDF), chunk_size=100_000, metadata={"filename": "deed.pdf"})
        uploader.upload()
        return str(uploader.url)

    place = await asyncio.to_thread(upload)
    document = (await town.ask("GET", "/documents/" + place.rpartition("/")[2])).json
    assert (document["state"], document["size_bytes"], document["name"]) == ("READY", len(PDF), "deed.pdf")


async def test_a_broken_upload_is_gone_on_with_by_another_process(town: Town) -> None:
    client = TusClient(f"{town.origin}/uploads", headers=town.headers())

    def begin() -> str:
        uploader = client.uploader(file_stream=io.BytesIO(PDF), chunk_size=300_000)
        uploader.upload_chunk()
        return str(uploader.url)

    def go_on(url: str) -> int:
        uploader = client.uploader(file_stream=io.BytesIO(PDF), chunk_size=300_000, url=url)
        began = uploader.offset
        uploader.upload()
        return int(began)

    place = await asyncio.to_thread(begin)
    assert await asyncio.to_thread(go_on, place) == 300_000
    document = (await town.ask("GET", "/documents/" + place.rpartition("/")[2])).json
    assert document["state"] == "READY"
