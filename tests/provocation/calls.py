"""Arrays, tables, statistics, text, databases, processes and command lines, called in ways they do not take."""

import errno

from tests.provocation.case import Table, UnavailableError

case = Table()


@case("data", "input_validation unknown", remedy="duplicate|index|column|reset_index", needs="pandas")
def group_function_that_returns_no_series(_):
    import pandas as pd

    pd.DataFrame({"a": [1, 1, 2], "b": [1, 2, 3]}).groupby("a").transform(lambda group: [1, 2, 3, 4, 5])


@case("data", "input_validation", remedy="column|name|level|df.columns", needs="pandas")
def level_that_the_index_has_not(_):
    import pandas as pd

    pd.DataFrame({"a": [1]}).groupby(level="day").sum()


@case("data", "input_validation", remedy="freq|time|format|coerce", needs="pandas")
def times_beyond_what_can_be_stored(_):
    import pandas as pd

    pd.Timestamp("1000000-01-01")


@case("data", "input_validation", remedy="type|numeric|astype|convert", needs="pandas")
def sum_of_words_and_numbers(_):
    import pandas as pd

    pd.Series([1, "two"]).sum()


@case("data", "input_validation", remedy="shape|size|empty|window|length", needs="numpy")
def histogram_of_bins_that_fall(_):
    import numpy as np

    np.histogram([1.0, 2.0], bins=[3, 2, 1])


@case("data", "input_validation", remedy="size|probabilit|content|parameter|p=|shape", needs="numpy")
def choice_with_odds_that_do_not_add_up(_):
    import numpy as np

    np.random.default_rng(0).choice(3, p=[0.5, 0.1, 0.1])


@case("data", "training", remedy="nan|inf|finite|impute", needs="scipy numpy")
def decomposition_of_what_is_not_finite(_):
    import numpy as np
    from scipy.linalg import svd

    svd(np.array([[np.nan, 1.0], [1.0, 2.0]]))


@case("data", "input_validation training", remedy="sample|n_components|parameter|feature", needs="sklearn")
def more_components_than_features(_):
    from sklearn.decomposition import PCA

    PCA(n_components=9).fit([[1.0, 2.0], [3.0, 4.0], [5.0, 1.0]])


@case("data", "input_validation", remedy="sample|cluster|parameter", needs="sklearn")
def more_clusters_than_samples(_):
    from sklearn.cluster import KMeans

    KMeans(n_clusters=8).fit([[1.0], [2.0]])


@case("data", "input_validation", remedy="empty|stop words|min_df|vocabulary|document", needs="sklearn")
def vocabulary_of_stop_words_only(_):
    from sklearn.feature_extraction.text import CountVectorizer

    CountVectorizer(stop_words="english").fit(["the of and"])


@case("input_validation", "data system", remedy="convert|json|str(|placeholder")
def value_that_a_database_cannot_hold(_):
    import sqlite3

    sqlite3.connect(":memory:").execute("SELECT ?", ({"a": 1},))


@case("input_validation", "data system", remedy="statement|placeholder|name|syntax")
def statement_that_is_no_sql(_):
    import sqlite3

    sqlite3.connect(":memory:").execute("SELEC 1")


@case("system", "distributed input_validation", remedy="pickle|process|num_workers")
def pool_that_is_sent_to_a_process(_):
    import pickle
    from multiprocessing.pool import ThreadPool

    with ThreadPool(1) as pool:
        pickle.dumps(pool)


@case("system", "", remedy="same file system|local disk|copy|shutil.move")
def file_renamed_to_another_file_system(world):
    import tempfile
    from pathlib import Path

    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == world.tmp.stat().st_dev:
        raise UnavailableError("there is no second file system")
    with tempfile.NamedTemporaryFile(dir=memory) as file:
        try:
            Path(file.name).rename(world.tmp / "moved")
        except OSError as exc:
            if exc.errno != errno.EXDEV:
                raise UnavailableError(str(exc)) from None
            raise


@case("input_validation", "system unknown", remedy="await|loop|asyncio.run|nest_asyncio")
def coroutine_started_where_a_loop_runs(_):
    import asyncio

    async def outer():
        coroutine = asyncio.sleep(0)
        try:
            asyncio.run(coroutine)
        finally:
            coroutine.close()

    asyncio.run(outer())


@case("input_validation", "model_loading system", remedy="architecture|upgrade|path|exist|directory", needs="pydantic")
def validator_that_refuses_a_checkpoint(_):
    from pydantic import BaseModel, field_validator

    class Settings(BaseModel):
        checkpoint: str

        @field_validator("checkpoint")
        @classmethod
        def _exists(cls, value):
            raise ValueError(f"{value} does not exist")

    Settings(checkpoint="net/last.ckpt")


@case("input_validation", "system", remedy="--help|option|name|path|exist", needs="click")
def option_whose_file_is_missing(_):
    import click

    @click.command()
    @click.option("--config", type=click.Path(exists=True))
    def train(config):
        return config

    train.main(["--config", "nowhere.yaml"], standalone_mode=False)
