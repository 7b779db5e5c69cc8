"""NumPy, pandas and scikit-learn."""

from tests.provocation.case import Table

case = Table("numpy")


@case("data", "model input_validation", remedy="shape|size|elements")
def array_reshaped_to_another_size(world):
    import numpy as np

    np.zeros(8).reshape(3, 5)


@case("data", "model input_validation", remedy="shape|broadcast")
def arrays_that_do_not_broadcast(world):
    import numpy as np

    return np.zeros((2, 3)) + np.zeros((2, 4))


@case("data", "model input_validation", remedy="shape|transpose|dimension")
def arrays_that_do_not_multiply(world):
    import numpy as np

    return np.zeros((2, 3)) @ np.zeros((2, 3))


@case("data", "model input_validation", remedy="index|length|bounds|size")
def array_index_beyond_the_end(world):
    import numpy as np

    return np.zeros(3)[7]


@case("data", "model input_validation", remedy="dimension|shape|ndim|axis")
def array_index_of_too_many_dimensions(world):
    import numpy as np

    return np.zeros(3)[0, 0]


@case("data", "dependency", remedy="ragged|length|pad|dtype=object")
def array_of_ragged_lists(world):
    import numpy as np

    np.array([[1, 2], [1, 2, 3]])


@case("data", "input_validation", remedy="number|numeric|parse|clean|convert")
def array_of_words_as_numbers(world):
    import numpy as np

    np.array(["1", "two"]).astype(float)


@case("data", "model input_validation", remedy="shape|dimension|axis")
def arrays_concatenated_with_other_widths(world):
    import numpy as np

    np.concatenate([np.zeros((2, 3)), np.zeros((2, 4))])


@case("input_validation", "data training model loss unknown", remedy="any()|all()|any|all")
def truth_of_an_array(world):
    import numpy as np

    return bool(np.zeros(2))


@case("data", "input_validation model", remedy="astype|dtype|cast")
def integers_added_to_in_float(world):
    import numpy as np

    counts = np.zeros(3, dtype=np.int64)
    counts += 0.5


@case("training", "loss optimization model data input_validation", remedy="singular|regulari|pinv|jitter|lstsq")
def array_that_has_no_inverse(world):
    import numpy as np

    np.linalg.inv(np.zeros((2, 2)))


@case("memory", severity="critical", remedy="ram|chunk|smaller|memory|dtype")
def array_that_no_machine_has(world):
    import numpy as np

    np.zeros(2**50)


@case("data", "system", remedy="path|exist|directory")
def array_file_that_is_missing(world):
    import numpy as np

    np.load(world.tmp / "absent.npy")


@case("data", "model_loading", remedy="allow_pickle")
def array_file_with_objects(world):
    import numpy as np

    np.save(world.tmp / "objects.npy", np.array([None, {}]), allow_pickle=True)
    np.load(world.tmp / "objects.npy")


@case("data", "model_loading", remedy="corrupt|download|format|allow_pickle|truncated")
def array_file_of_garbage(world):
    import numpy as np

    np.load(world.file("x.npy", b"garbage" * 9))


@case("data", "input_validation", remedy="column|spelling|name", needs="pandas")
def column_that_is_not_there(world):
    import pandas as pd

    return pd.DataFrame({"text": [1]})["label"]


@case("data", "system", remedy="path|exist|directory", needs="pandas")
def table_that_is_missing(world):
    import pandas as pd

    pd.read_csv(world.tmp / "absent.csv")


@case("data", remedy="empty|header|path|content", needs="pandas")
def table_that_is_empty(world):
    import pandas as pd

    pd.read_csv(world.file("x.csv"))


@case("data", remedy="delimiter|sep|on_bad_lines|quote|quoting", needs="pandas")
def table_with_a_longer_row(world):
    import pandas as pd

    pd.read_csv(world.file("x.csv", b"a,b\n1,2\n1,2,3,4\n"))


@case("data", "input_validation", remedy="encoding", needs="pandas")
def table_in_another_encoding(world):
    import pandas as pd

    pd.read_csv(world.file("x.csv", "name\ncafé\n".encode("latin-1")))


@case("data", remedy="nan|missing|dropna|fillna|int64", needs="pandas")
def missing_values_as_integers(world):
    import pandas as pd

    pd.Series([1.0, float("nan")]).astype(int)


@case("data", "input_validation", remedy="format|errors|parse|date", needs="pandas")
def dates_that_are_none(world):
    import pandas as pd

    pd.to_datetime(pd.Series(["2024-01-01", "yesterday-ish"]))


@case("data", "input_validation", remedy="empty|list|glob|path", needs="pandas")
def nothing_to_concatenate(world):
    import pandas as pd

    pd.concat([])


@case("data", "input_validation", remedy="length|index|rows", needs="pandas")
def column_of_another_length(world):
    import pandas as pd

    frame = pd.DataFrame({"a": [1, 2, 3]})
    frame["b"] = [1, 2]


@case("data", "input_validation", remedy="column|key|name", needs="pandas")
def merge_on_a_column_that_is_not_there(world):
    import pandas as pd

    pd.DataFrame({"a": [1]}).merge(pd.DataFrame({"b": [1]}), on="a")


@case("data", "input_validation", remedy="type|dtype|astype|convert", needs="pandas")
def merge_of_numbers_with_words(world):
    import pandas as pd

    pd.DataFrame({"a": [1]}).merge(pd.DataFrame({"a": ["x"]}), on="a")


@case("data", "input_validation", remedy="duplicate", needs="pandas")
def reindexing_with_duplicates(world):
    import pandas as pd

    pd.Series([1, 2], index=["a", "a"]).reindex(["a", "b"])


@case("data", "input_validation", remedy="parquet|corrupt|format|download", needs="pandas pyarrow")
def parquet_of_garbage(world):
    import pandas as pd

    pd.read_parquet(world.file("x.parquet", b"garbage" * 9))


@case("data", "input_validation", remedy="length|same number|rows|samples", needs="sklearn")
def more_samples_than_labels(world):
    from sklearn.linear_model import LogisticRegression

    LogisticRegression().fit([[1.0], [2.0], [3.0]], [0, 1])


@case("data", "input_validation", remedy="nan|missing|imput", needs="sklearn")
def features_with_nan(world):
    from sklearn.linear_model import LogisticRegression

    LogisticRegression().fit([[1.0], [float("nan")]], [0, 1])


@case("training", "inference evaluation model input_validation", remedy="fit", needs="sklearn")
def prediction_before_fitting(world):
    from sklearn.linear_model import LogisticRegression

    LogisticRegression().predict([[1.0]])


@case("data", "training evaluation input_validation", remedy="class|label|stratif", needs="sklearn")
def labels_of_one_class(world):
    from sklearn.linear_model import LogisticRegression

    LogisticRegression().fit([[1.0], [2.0]], [0, 0])


@case("data", "input_validation", remedy="reshape|2d|dimension", needs="sklearn")
def features_in_one_dimension(world):
    from sklearn.linear_model import LogisticRegression

    LogisticRegression().fit([1.0, 2.0], [0, 1])


@case("data", "model input_validation inference", remedy="feature|column|same", needs="sklearn")
def features_of_another_width(world):
    from sklearn.linear_model import LogisticRegression

    LogisticRegression().fit([[1.0], [2.0]], [0, 1]).predict([[1.0, 2.0]])


@case("data", "input_validation", remedy="encod|numeric|number|convert", needs="sklearn")
def features_of_words(world):
    from sklearn.linear_model import LogisticRegression

    LogisticRegression().fit([["a"], ["b"]], [0, 1])


@case("evaluation", "input_validation data", remedy="n_splits|fold|class|member", needs="sklearn")
def more_folds_than_samples(world):
    from sklearn.model_selection import KFold

    list(KFold(5).split([[1.0], [2.0]]))


@case("evaluation", "data input_validation", remedy="average|multiclass|macro", needs="sklearn")
def binary_score_of_three_classes(world):
    from sklearn.metrics import f1_score

    f1_score([0, 1, 2], [0, 2, 1])


@case("evaluation", "data input_validation", remedy="threshold|probabilit|argmax|label|round", needs="sklearn")
def accuracy_of_probabilities(world):
    from sklearn.metrics import accuracy_score

    accuracy_score([0, 1], [0.3, 0.8])


@case("data", "evaluation input_validation", remedy="class|stratif|sample", needs="sklearn")
def stratified_split_of_a_lone_sample(world):
    from sklearn.model_selection import train_test_split

    train_test_split([1, 2, 3, 4], [0, 0, 0, 1], stratify=[0, 0, 0, 1], test_size=0.5)
