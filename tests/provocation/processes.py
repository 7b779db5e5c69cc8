"""Processes, threads, event loops and databases."""

import os
import signal

from tests.provocation.case import Table

case = Table()


def _fork(**options):
    import concurrent.futures
    import multiprocessing

    return concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork"), **options)


def _sample(place):
    return [1, 2][place]


def _die():
    os.kill(os.getpid(), signal.SIGKILL)


@case("data", "input_validation model unknown", remedy="index|length|range|empty")
def pool_in_which_an_index_fails(world):
    with _fork() as pool:
        pool.submit(_sample, 7).result()


@case("system", "memory", severity="critical", remedy="memory|killed|worker|process")
def pool_of_which_a_process_dies(world):
    with _fork() as pool:
        pool.submit(_die).result()


@case("system", "distributed data input_validation", remedy="lambda|pickle|top level|module level")
def pool_that_gets_a_lambda(world):
    with _fork() as pool:
        pool.submit(lambda: 1).result()


@case("timeout", "system", severity="warning error", retryable=True, remedy="timeout|slow|hang|stuck|wait")
def future_that_is_too_slow(world):
    import concurrent.futures

    concurrent.futures.Future().result(timeout=0.01)


@case("data", "input_validation unknown", remedy="none|null|missing", needs="joblib")
def joblib_in_which_none_is_counted(world):
    import joblib

    joblib.Parallel(n_jobs=2, backend="threading")(joblib.delayed(len)(text) for text in ["a", None])


@case("timeout", "system", severity="warning error", retryable=True, remedy="timeout|slow|wait|process")
def command_that_is_too_slow(world):
    import subprocess
    import sys

    subprocess.run([sys.executable, "-S", "-c", "import signal; signal.pause()"], timeout=0.1)


@case("system", remedy="exit|output|log|stderr|command")
def command_that_fails(world):
    import subprocess

    subprocess.run(["/bin/sh", "-c", "exit 3"], check=True)


@case("system", "memory", severity="critical", remedy="memory|kill|oom|dmesg|signal")
def command_that_is_killed(world):
    import subprocess

    subprocess.run(["/bin/sh", "-c", "kill -9 $$"], check=True)


@case("system", "dependency", remedy="install|path")
def command_that_is_not_installed(world):
    import subprocess

    subprocess.run(["ffmpeg-of-the-future", "-version"])


@case("system", "", remedy="permission|chmod|execut")
def command_that_may_not_run(world):
    import subprocess

    subprocess.run([world.file("tool", b"#!/bin/sh\n")])


@case("timeout", "system", severity="warning error", retryable=True, remedy="timeout|slow|wait|hang")
def coroutine_that_is_too_slow(world):
    import asyncio

    async def wait():
        await asyncio.wait_for(asyncio.Event().wait(), 0.01)

    asyncio.run(wait())


@case("input_validation", "system unknown inference", remedy="await|nest_asyncio|loop|jupyter|notebook")
def loop_inside_a_loop(world):
    import asyncio

    async def outer():
        coroutine = asyncio.Event().wait()
        try:
            asyncio.run(coroutine)
        finally:
            coroutine.close()

    asyncio.run(outer())


@case("network", "data", severity="warning", retryable=True, remedy="retry|again|closed|connection|peer")
def stream_that_ends_early(world):
    import asyncio

    async def read():
        reader = asyncio.StreamReader()
        reader.feed_data(b"short")
        reader.feed_eof()
        await reader.readexactly(99)

    asyncio.run(read())


@case("input_validation", "system unknown", remedy="thread|loop|asyncio.run|async")
def loop_that_is_not_there(world):
    import asyncio

    asyncio.get_running_loop()


def _database(path, **options):
    import sqlite3

    return sqlite3.connect(path, **options)


@case("system", "data timeout", severity="warning", retryable=True, remedy="timeout|wal|process|writer|connection")
def database_that_is_locked(world):
    path = world.file("x.db")
    first, second = _database(path), _database(path, timeout=0.01)
    try:
        first.execute("CREATE TABLE runs (id)")
        first.execute("BEGIN EXCLUSIVE")
        second.execute("INSERT INTO runs VALUES (1)")
    finally:
        first.close()
        second.close()


@case("data", "input_validation system", remedy="table|migrat|create|path|schema")
def database_without_that_table(world):
    _database(":memory:").execute("SELECT * FROM runs")


@case("data", "system", remedy="corrupt|file|database|path|backup")
def database_of_garbage(world):
    _database(world.file("x.db", b"garbage" * 99)).execute("SELECT * FROM runs")


@case("system", "data", remedy="path|directory|permission|exist")
def database_in_a_missing_directory(world):
    _database(world.tmp / "absent" / "x.db")


@case("data", "input_validation", remedy="unique|duplicate|already|key")
def database_row_that_is_there(world):
    database = _database(":memory:")
    database.execute("CREATE TABLE runs (id PRIMARY KEY)")
    database.executemany("INSERT INTO runs VALUES (?)", [(1,), (1,)])


@case("system", "data", remedy="thread|check_same_thread|connection")
def database_of_another_thread(world):
    import concurrent.futures

    database = _database(":memory:")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(database.execute, "SELECT 1").result()
