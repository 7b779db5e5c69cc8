"""Calls every event of the Gradio app at the address that is given, and writes what it gets as JSON."""

import json
import sys

from gradio_client import Client
from gradio_client.exceptions import AppError


def call(client, name):
    try:
        return {"answer": client.predict("huge", api_name=f"/{name}")}
    except AppError as exc:
        return {"error": f"{type(exc).__module__}.{type(exc).__qualname__}: {exc}"}


if __name__ == "__main__":
    client = Client(sys.argv[1], verbose=False)
    sys.stdout.write(json.dumps({name: call(client, name) for name in sys.argv[2:]}))
