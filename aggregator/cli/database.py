"""A command on the city's own database: opened for it, closed whatever happens, told plainly when it cannot be."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aggregator.cli.failure import BAD_USAGE, Failure
from aggregator.sdk.clock import SystemClock
from aggregator.settings import Settings
from aggregator.store import Store, StoreError, open_store
from aggregator.store.keyfile import KeyFileRefused


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Store]:
    """The store. Raises Failure where it, the vault's key or the citizens' keys cannot be used, in the block too."""
    from aggregator.citizens.vault import KeyRefused  # noqa: PLC0415 - who judges an export needs no vault

    settings.data_dir.mkdir(parents=True, exist_ok=True)
    store = open_store(settings.database_url, clock=SystemClock())
    try:
        await store.open()
        yield store
    except StoreError as exc:
        raise Failure(f"the database cannot be used: {exc}. `aggregator doctor` looks closer") from exc
    except KeyRefused as exc:
        raise Failure(f"the vault's key cannot be used: {exc}", BAD_USAGE) from exc
    except KeyFileRefused as exc:
        raise Failure(f"the citizens' keys cannot be used: {exc}", BAD_USAGE) from exc
    finally:
        await store.close()
