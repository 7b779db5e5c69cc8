"""An app as users write them, with one endpoint for each way to fail."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import uvicorn
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel
from starlette.middleware.base import BaseHTTPMiddleware

from otel_mldebug import configure, handle_error

if os.environ.get("CONFIGURE"):
    configure()
app = FastAPI()
MODELS = {}


class Score(BaseModel):
    value: float


class RefusedError(Exception):
    pass


class Timing(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        return await call_next(request)


app.add_middleware(Timing)


@app.exception_handler(RefusedError)
async def refused(request, exc):
    return JSONResponse({"refused": str(exc)}, status_code=400)


if os.environ.get("ANSWER_WITH_IDS"):

    @app.exception_handler(Exception)
    async def failed(request, exc):
        return JSONResponse(handle_error(exc, context={"path": request.url.path}).to_json(), status_code=500)


def load(path):
    return Path(path).read_text(encoding="utf-8")


def parse(text):
    return json.loads(text)


def get_model():
    return MODELS["bert"]


def as_number(text):
    return int(text)


async def connect():
    raise ConnectionRefusedError(111, "Connection refused")


def tokens():
    yield "Once"
    as_number("upon")


@app.get("/fine")
def fine():
    return {"fine": True}


@app.get("/sync")
def in_a_thread():
    return load("/nonexistent/model.bin")


@app.get("/async")
async def in_the_loop():
    await asyncio.sleep(0)
    return parse("{not json}")


@app.get("/dependency")
def with_dependency(model: Annotated[Any, Depends(get_model)]):
    return model


@app.get("/background")
def afterwards(tasks: BackgroundTasks):
    tasks.add_task(as_number, "many")
    return {"queued": True}


@app.get("/model", response_model=Score)
def wrong_answer():
    return {"value": "high"}


@app.get("/stream")
def streamed():
    return StreamingResponse(tokens())


@app.get("/group")
async def together():
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(0))
        group.create_task(connect())


@app.get("/handled")
def handled():
    try:
        return load("/nonexistent/vocabulary.txt")
    except OSError as exc:
        return JSONResponse(handle_error(exc, tried=["the cache"]).to_json(), status_code=500)


@app.get("/missing")
def missing():
    raise HTTPException(404, "no such model")


@app.get("/translated")
def translated():
    try:
        load("/nonexistent/other.bin")
    except OSError as exc:
        raise HTTPException(404, "no such model") from exc


@app.get("/refused")
def refuses():
    raise RefusedError("too long")


@app.get("/typed/{number}")
def typed(number: int):
    return number


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]))
