"""Whole programs whose failures end in a log, a loop or a forgotten future; and those that only look so."""

import pytest

START = "import otel_mldebug.wiring as wiring; wiring.start()\n"


@pytest.mark.parametrize(
    ("code", "uncaught"),
    [
        pytest.param(
            "import logging\ntry: 1 / 0\nexcept ZeroDivisionError: logging.getLogger('app').exception('bad')\n",
            None,
            id="logged",
        ),
        pytest.param(
            "import asyncio, gc\nasync def f(): 1 / 0\nasync def main():\n"
            "    task = asyncio.ensure_future(f()); await asyncio.sleep(0.01); del task; gc.collect()\n"
            "asyncio.run(main())\n",
            "asyncio",
            id="task that nobody awaits",
        ),
        pytest.param(
            "from concurrent.futures import ThreadPoolExecutor\npool = ThreadPoolExecutor(1)\n"
            "kept = pool.submit(lambda: 1 / 0)\npool.shutdown()\n",
            "a future whose result nobody asked for",
            id="future that is kept and never looked at",
        ),
        pytest.param(
            "from concurrent.futures import ProcessPoolExecutor\nimport operator\n"
            "if __name__ == '__main__':\n"
            "    with ProcessPoolExecutor(1) as pool: pool.submit(operator.truediv, 1, 0)\n",
            "a future whose result nobody asked for",
            id="future of another process",
        ),
        pytest.param(
            "import multiprocessing, operator\n"
            "if __name__ == '__main__':\n"
            "    pool = multiprocessing.Pool(1)\n    pool.apply_async(operator.truediv, (1, 0))\n"
            "    pool.close()\n    pool.join()\n",
            "a result of a pool that nobody asked for",
            id="result of a pool of processes",
        ),
    ],
)
def test_a_failure_that_nobody_sees_is_one_finding_and_the_program_prints_what_it_would(programs, code, uncaught):
    plain = programs.run("\n" + code)
    watched = programs.run(START + code)
    assert (watched.stdout, watched.stderr, watched.code) == (plain.stdout, plain.stderr, plain.code)
    assert [finding["exception.message"] for finding in watched.findings()] == ["division by zero"]
    assert watched.findings()[0].get("mldebug.context.uncaught") == uncaught


def test_what_is_looked_at_is_none(programs):
    done = programs.run(
        START + "from concurrent.futures import ThreadPoolExecutor\nimport asyncio\n"
        "with ThreadPoolExecutor(1) as pool:\n    kept = pool.submit(lambda: 1 / 0)\n    assert kept.exception()\n"
        "async def main():\n"
        "    found = await asyncio.gather(asyncio.to_thread(lambda: 1 / 0), return_exceptions=True)\n"
        "    assert len(found) == 1\n"
        "asyncio.run(main())\n"
    )
    assert (done.stderr, done.code) == ("", 0)
    assert not done.store.exists()


def test_logged_failures_can_be_left_out(programs):
    done = programs.run(
        START + "import logging\ntry: 1 / 0\nexcept ZeroDivisionError: logging.exception('bad')\n",
        OTEL_MLDEBUG_LOGGED="false",
    )
    assert "division by zero" in done.stderr
    assert not done.store.exists()


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="this system does not fork")
def test_a_forked_child_reports_its_own_futures_only(programs):
    done = programs.run(
        START + "import os, sys\nfrom concurrent.futures import Future\n"
        "kept = Future(); kept.set_exception(ValueError('of the parent'))\n"
        "if os.fork() == 0:\n"
        "    mine = Future(); mine.set_exception(ValueError('of the child')); sys.exit()\n"
        "os.wait()\n"
    )
    assert sorted(finding["exception.message"] for finding in done.findings()) == ["of the child", "of the parent"]
