"""Estimators, tables and files of science, command lines and configuration, as their libraries really refuse them."""

from tests.provocation.case import Table

case = Table()


@case("training", "optimization", severity="warning error", remedy="max_iter|scale|tol", needs="sklearn numpy")
def solver_that_does_not_converge(_):
    import warnings

    import numpy as np
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    rows = np.random.default_rng(0).normal(size=(60, 8)) * 1000
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        LogisticRegression(max_iter=1).fit(rows, np.arange(60) % 2)


@case("input_validation", "training", remedy="get_params|step__|parameter", needs="sklearn")
def parameter_that_an_estimator_has_not(_):
    from sklearn.linear_model import Ridge

    Ridge().set_params(depth=3)


@case("input_validation", "training", remedy="get_params|parameter|range", needs="sklearn numpy")
def search_of_which_every_fit_fails(_):
    import numpy as np
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import GridSearchCV

    GridSearchCV(Ridge(), {"alpha": [-1.0]}, cv=2).fit(np.ones((8, 2)), np.arange(8.0))


@case("data", "input_validation", remedy="encode|handle_unknown|unseen", needs="sklearn")
def category_that_the_encoder_has_not_seen(_):
    from sklearn.preprocessing import LabelEncoder

    LabelEncoder().fit(["a", "b"]).transform(["c"])


@case("data", "input_validation", remedy="feature|column", needs="sklearn pandas")
def columns_of_other_names_than_fitted(_):
    import pandas as pd
    from sklearn.linear_model import LinearRegression

    fitted = LinearRegression().fit(pd.DataFrame({"a": [1.0, 2.0]}), [1.0, 2.0])
    fitted.predict(pd.DataFrame({"b": [1.0, 2.0]}))


@case("data", "input_validation", remedy="dataframe|series", needs="pandas")
def merge_with_what_is_no_table(_):
    import pandas as pd

    pd.DataFrame({"a": [1]}).merge([1, 2])


@case("data", remedy="duplicate|drop_duplicates|unique|validate", needs="pandas")
def merge_of_keys_that_are_not_unique(_):
    import pandas as pd

    pd.DataFrame({"a": [1, 1]}).merge(pd.DataFrame({"a": [1, 1]}), on="a", validate="one_to_one")


@case("data", remedy="duplicate|aggregate|aggfunc|pivot_table", needs="pandas")
def pivot_of_duplicates(_):
    import pandas as pd

    pd.DataFrame({"a": [1, 1], "b": [2, 2], "c": [3, 4]}).pivot(index="a", columns="b", values="c")


@case("data", "input_validation", remedy="freq|alias", needs="pandas")
def frequency_that_nobody_knows(_):
    import pandas as pd

    pd.date_range("2024-01-01", periods=3, freq="fortnight")


@case("data", "input_validation", remedy="tz|timezone", needs="pandas")
def times_with_and_without_zone(_):
    import pandas as pd

    pd.Timestamp("2024-01-01") < pd.Timestamp("2024-01-01", tz="UTC")  # noqa: B015


@case("data", remedy="format|errors=", needs="pandas")
def dates_of_another_format(_):
    import pandas as pd

    pd.to_datetime(pd.Series(["2024-01-31", "yesterday-ish"]), format="%Y-%m-%d")


@case("data", "input_validation", remedy="reset_index|boolean|align|index", needs="pandas")
def mask_of_another_index(_):
    import pandas as pd

    pd.Series([1, 2], index=[0, 1])[pd.Series([True, False], index=[5, 6])]


@case("data", "input_validation", remedy="astype|uint8|dtype|convert", needs="PIL numpy")
def image_of_doubles(_):
    import numpy as np
    from PIL import Image

    Image.fromarray(np.zeros((1, 1, 3)))


@case("system", "dependency data", remedy="font|install", needs="PIL")
def font_that_is_not_installed(_):
    from PIL import ImageFont

    ImageFont.truetype("no-such-font.ttf", 12)


@case("data", remedy="corrupt|mat|format|v7.3|h5py", needs="scipy")
def matlab_file_of_garbage(world):
    from scipy.io import loadmat

    loadmat(world.file("x.mat", b"this is not a MATLAB file, but long enough to look like one" * 9))


@case("data", remedy="xml|well-formed|truncated|malformed")
def annotation_that_is_no_xml(world):
    import xml.etree.ElementTree as ElementTree

    ElementTree.parse(world.file("x.xml", b"<annotation><object></annotation>"))


@case("dependency", "data model_loading", remedy="protocol|python")
def pickle_of_a_later_protocol(_):
    import pickle

    pickle.loads(b"\x80\xff.")


@case("data", "input_validation", remedy="size|bytes|truncated|format")
def record_cut_short(_):
    import struct

    struct.unpack("<4f", b"\x00" * 7)


@case("input_validation", remedy="add_argument|argument|default")
def option_that_was_never_defined(_):
    import argparse

    argparse.ArgumentParser().parse_args([]).learning_rate  # noqa: B018


@case("input_validation", remedy="schema|required", needs="jsonschema")
def setting_that_a_schema_refuses(_):
    import jsonschema

    jsonschema.validate({}, {"type": "object", "required": ["lr"]})


@case("input_validation", "data", remedy="value|type|option|--help", needs="click")
def option_of_another_type(_):
    import click

    @click.command()
    @click.option("--lr", type=float)
    def train(lr):
        """Train."""

    train.main(["--lr", "fast"], standalone_mode=False)


@case("input_validation", "system", remedy="quote|section|syntax|ini|header")
def settings_without_a_header(world):
    import configparser

    configparser.ConfigParser().read(world.file("x.ini", b"lr = 3\n"))


@case("dependency", "system", remedy="ipykernel|kernelspec|kernel", needs="jupyter_client")
def kernel_that_is_not_installed(_):
    from jupyter_client.kernelspec import KernelSpecManager

    KernelSpecManager().get_kernel_spec("conda-env-gone")


@case("data", "input_validation", remedy="isoformat|default|.item()|tolist|convert", needs="numpy")
def result_that_json_cannot_hold(_):
    import json

    import numpy as np

    json.dumps({"loss": np.float32(0.5)})


@case("input_validation", "data", remedy="list|value|name")
def value_that_an_enum_has_not(_):
    import enum

    enum.Enum("Precision", "FP16 BF16")("fp12")


@case("input_validation", "unknown", remedy="braces|{{")
def template_with_braces_of_its_own(_):
    template = "Answer with JSON: }"
    template.format()


@case("input_validation", "system", remedy="toml|syntax|quote", needs="tomllib")
def settings_that_are_no_toml(_):
    import tomllib

    tomllib.loads("lr = ")


@case("data", "input_validation", remedy="shape|axis|dimension|interp|sorted|increasing", needs="scipy numpy")
def interpolation_of_unequal_lengths(_):
    import numpy as np
    from scipy.interpolate import interp1d

    interp1d(np.arange(3), np.arange(4))


@case("training", "data", remedy="singular|positive|regular", needs="numpy")
def covariance_that_is_not_positive(_):
    import numpy as np

    np.linalg.cholesky(np.array([[1.0, 2.0], [2.0, 1.0]]))


@case("training", "data", remedy="p0|x0|maxfev|scale", needs="scipy numpy")
def fit_that_finds_nothing(_):
    import numpy as np
    from scipy.optimize import curve_fit

    curve_fit(lambda x, a: np.exp(a * x), np.arange(9.0), np.zeros(9), p0=[3.0], maxfev=2)


@case("data", remedy="points|duplicates|QJ", needs="scipy numpy")
def hull_of_a_line(_):
    import numpy as np
    from scipy.spatial import ConvexHull

    ConvexHull(np.zeros((9, 2)))


@case("data", "input_validation", remedy="pad|length|skip", needs="scipy numpy")
def filter_of_a_short_signal(_):
    import numpy as np
    from scipy.signal import butter, filtfilt

    filtfilt(*butter(4, 0.2), np.zeros(5))


@case("data", "input_validation", remedy="n_neighbors|samples", needs="sklearn numpy")
def neighbours_of_too_few(_):
    import numpy as np
    from sklearn.neighbors import NearestNeighbors

    NearestNeighbors(n_neighbors=5).fit(np.zeros((2, 2))).kneighbors(np.zeros((1, 2)))


@case("data", "input_validation", remedy="toarray|dense", needs="sklearn scipy")
def sparse_matrix_for_a_dense_model(_):
    from scipy.sparse import csr_matrix
    from sklearn.naive_bayes import GaussianNB

    GaussianNB().fit(csr_matrix([[1.0], [0.0]]), [0, 1])


@case("data", "input_validation", remedy="duplicates=|unique|fewer", needs="pandas")
def quantiles_that_fall_on_one_value(_):
    import pandas as pd

    pd.qcut([0, 0, 0, 0, 1], 4)


@case("data", remedy="drop=True|names|rename", needs="pandas")
def index_that_is_a_column_already(_):
    import pandas as pd

    pd.DataFrame({"id": [1]}, index=pd.Index([1], name="id")).reset_index()
