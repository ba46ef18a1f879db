"""``cart-cds serve``."""

from __future__ import annotations

import click

from cds_service.settings import settings_table


def _variables() -> str:
    rows = "\n\n".join(
        f"\b\n{name}\n  {meaning}\n  values: {values}; default: {default}"
        for name, values, default, meaning in settings_table()
    )
    return f"Configuration, read once at start from the environment:\n\n{rows}"


@click.command(epilog=_variables())
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True)
@click.option("--workers", type=click.IntRange(1, 256), help="Worker processes. Default: one for each core.")
def serve(host: str, port: int, workers: int | None) -> None:
    """Run the CDS Hooks service: a production server with several worker processes."""
    from cds_service.serve import serve as run

    run(host, port, workers)
