"""An app that cannot load its model, and so cannot start."""

from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI


def load_model(path):
    return Path(path).read_bytes()


@asynccontextmanager
async def lifespan(app):
    app.state.model = load_model("/nonexistent/model.bin")
    yield


app = FastAPI(lifespan=lifespan)
