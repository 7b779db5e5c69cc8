"""Images, tables, archives and configuration files."""

from tests.provocation.case import Table

case = Table()


def _png(size=8, mode="RGB"):
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.effect_noise((size, size), 50).convert(mode).save(buffer, "PNG")
    return buffer.getvalue()


@case("data", remedy="corrupt|image|format|download", needs="PIL")
def image_of_garbage(world):
    from PIL import Image

    Image.open(world.file("x.jpg", b"<html></html>"))


@case("data", remedy="truncated|corrupt|load_truncated_images|download", needs="PIL")
def image_cut_short(world):
    from PIL import Image

    Image.open(world.file("x.png", _png(64)[:-900])).load()


@case("data", "system", remedy="path|exist|directory", needs="PIL")
def image_that_is_missing(world):
    from PIL import Image

    Image.open(world.tmp / "absent.png")


@case("data", "input_validation", remedy="convert|rgb", needs="PIL")
def transparent_image_as_jpeg(world):
    from PIL import Image

    Image.new("RGBA", (2, 2)).save(world.tmp / "x.jpg")


@case("data", "input_validation", remedy="extension|format", needs="PIL")
def image_of_an_unknown_extension(world):
    from PIL import Image

    Image.new("RGB", (2, 2)).save(world.tmp / "x.picture")


@case("data", "input_validation memory", remedy="max_image_pixels|resize|pixels|smaller", needs="PIL")
def image_that_is_a_bomb(world):
    from PIL import Image

    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, 8
    try:
        Image.open(world.file("x.png", _png()))
    finally:
        Image.MAX_IMAGE_PIXELS = limit


@case("data", "input_validation", remedy="dtype|uint8|shape|channel", needs="PIL numpy")
def image_from_floats(world):
    import numpy as np
    from PIL import Image

    Image.fromarray(np.zeros((1, 1, 3)))


@case("data", "input_validation", remedy="parquet|corrupt|format|download", needs="pyarrow")
def table_of_garbage(world):
    import pyarrow.parquet as pq

    pq.read_table(world.file("x.parquet", b"garbage" * 9))


@case("data", remedy="type|schema|convert|cast|column", needs="pyarrow")
def column_of_two_types(world):
    import pyarrow as pa

    pa.array([1, "a"])


@case("data", remedy="type|schema|convert|cast|column", needs="pyarrow")
def words_in_a_column_of_numbers(world):
    import pyarrow as pa

    pa.array(["a"], type=pa.int64())


@case("data", "input_validation", remedy="column|field|schema|name", needs="pyarrow")
def field_that_is_not_there(world):
    import pyarrow as pa

    pa.table({"a": [1]}).column("b")


@case("data", "input_validation", remedy="schema|column|cast|type", needs="pyarrow")
def tables_of_different_schemas(world):
    import pyarrow as pa

    pa.concat_tables([pa.table({"a": [1]}), pa.table({"b": [1]})])


@case("data", "input_validation", remedy="column|delimiter|row|quote", needs="pyarrow")
def csv_with_a_longer_row(world):
    from pyarrow import csv

    csv.read_csv(world.file("x.csv", b"a,b\n1,2\n1,2,3\n"))


@case("data", "input_validation", remedy="json|line", needs="pyarrow")
def lines_that_are_not_json(world):
    from pyarrow import json

    json.read_json(world.file("x.jsonl", b'{"a": 1}\n{"a": \n'))


@case("data", "input_validation", remedy="length|rows|same", needs="pyarrow")
def columns_of_different_lengths(world):
    import pyarrow as pa

    pa.table({"a": [1], "b": [1, 2]})


@case("input_validation", "data", remedy="json|empty|body|response")
def json_that_is_empty(world):
    import json

    json.loads("")


@case("input_validation", "data", remedy="quote|comma|json")
def json_with_single_quotes(world):
    import json

    json.loads("{'a': 1}")


@case("input_validation", "data", remedy="line|jsonl|one object")
def json_of_several_objects(world):
    import json

    json.loads('{"a": 1}\n{"a": 2}\n')


@case("input_validation", "data unknown", remedy="tolist|item()|convert|default|float|serializ", needs="numpy")
def json_of_an_array(world):
    import json

    import numpy as np

    json.dumps({"loss": np.float32(1)})


@case("input_validation", "data system", remedy="indent|tab|space|yaml", needs="yaml")
def yaml_with_tabs(world):
    import yaml

    yaml.safe_load("a:\n\t- b\n")


@case("input_validation", "data system", remedy="indent|colon|quote|yaml", needs="yaml")
def yaml_with_two_colons(world):
    import yaml

    yaml.safe_load("path: C: x\n")


@case("input_validation", "data dependency", remedy="tag|loader|safe_load|yaml", needs="yaml")
def yaml_with_an_object(world):
    import yaml

    yaml.safe_load("!!python/object:os.system {}")


@case("input_validation", "system data", remedy="section|option|key|name|spelling")
def settings_without_the_section(world):
    import configparser

    configparser.ConfigParser().get("training", "lr")


@case("data", "model_loading", remedy="zip|corrupt|download|truncated")
def archive_that_is_no_zip(world):
    import zipfile

    zipfile.ZipFile(world.file("x.zip", b"garbage"))


@case("data", "model_loading", remedy="gzip|compress|corrupt|download")
def file_that_is_no_gzip(world):
    import gzip

    gzip.decompress(b"garbage")


@case("data", "model_loading", remedy="truncated|incomplete|download|corrupt")
def gzip_cut_short(world):
    import gzip

    gzip.decompress(gzip.compress(b"text" * 999)[:-10])


@case("data", "model_loading", remedy="tar|corrupt|download|compress|truncated")
def archive_that_is_no_tar(world):
    import tarfile

    tarfile.TarFile.open(world.file("x.tar", b"garbage" * 999))


@case("data", "model_loading", remedy="pickle|corrupt|truncated|lfs|download")
def pickle_of_garbage(world):
    import pickle

    pickle.loads(b"garbage")


@case("data", "model_loading", remedy="empty|truncated|pickle|incomplete")
def pickle_that_is_empty(world):
    import pickle

    pickle.loads(b"")


@case("dependency", "model_loading data", remedy="version|install|module|upgrade")
def pickle_of_a_module_that_is_gone(world):
    import pickle

    pickle.loads(b"cold_package.models\nNet\n.")


@case("data", "input_validation", remedy="encoding")
def text_in_another_encoding(world):
    from pathlib import Path

    Path(world.file("x.txt", b"caf\xe9 au lait")).read_text(encoding="utf-8")


@case("data", "input_validation system", remedy="encoding|utf-8")
def text_that_ascii_has_not(world):
    "Größe".encode("ascii")


@case("data", "input_validation", remedy="field|quote|delimiter|limit")
def csv_field_that_is_too_large(world):
    import csv

    list(csv.reader(['"' + "x" * 200_000 + '"']))


@case("model_loading", "data", remedy="corrupt|download|joblib|pickle|version", needs="joblib")
def joblib_file_of_garbage(world):
    import joblib

    joblib.load(world.file("x.joblib", b"<!DOCTYPE html><html></html>"))


@case("input_validation", "", remedy="field|required|pass", needs="pydantic")
def model_without_its_field(world):
    import pydantic

    pydantic.create_model("Settings", epochs=(int, ...))()


@case("input_validation", "", remedy="type|value|integer|number", needs="pydantic")
def model_with_words_for_a_number(world):
    import pydantic

    pydantic.create_model("Settings", epochs=(int, ...))(epochs="many")


@case("input_validation", "data", remedy="json", needs="pydantic")
def model_from_broken_json(world):
    import pydantic

    pydantic.create_model("Settings", epochs=(int, ...)).model_validate_json("{'epochs': 3}")


@case("input_validation", "dependency", remedy="annotation|type", needs="pydantic")
def model_field_without_a_type(world):
    import pydantic

    type("Settings", (pydantic.BaseModel,), {"epochs": 3, "__module__": __name__})
