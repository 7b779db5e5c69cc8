"""Settings: keyword over environment over file over profile over default, and mistakes are named."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.config import Config
from otel_mldebug.errors import ConfigError

SAMPLE = (
    *("BUDGET", "TORCH", "STORE", "PATTERNS", "STORE_MAX_MB", "EXPOSURE"),
    *("REDACT_PATTERNS", "REDACT_KEYS", "REDACT_KEEP_KEYS", "REDACT_KEEP_PATTERNS"),
)


def load(tmp_path, environ=None, **arguments):
    return Config.load(environ=environ or {}, directory=tmp_path, **arguments)


def test_without_anything_the_defaults_hold(tmp_path):
    assert load(tmp_path) == Config()


def test_each_layer_beats_the_one_below(tmp_path):
    (tmp_path / "mldebug.toml").write_text('budget = 0.1\nrun_id = "file"\nstore_max_mb = 99\nprofile = "production"\n')
    environ = {"OTEL_MLDEBUG_RUN_ID": "environment", "OTEL_MLDEBUG_BUDGET": "5%"}
    config = load(tmp_path, environ, budget=0.5)
    assert config == Config(profile="production", budget=0.5, run_id="environment", store_max_mb=99, notes=False)
    assert config.origins == {
        "profile": f"file {tmp_path / 'mldebug.toml'}",
        "budget": "argument",
        "run_id": "environment OTEL_MLDEBUG_RUN_ID",
        "store_max_mb": f"file {tmp_path / 'mldebug.toml'}",
        "notes": "profile production",
    }


def test_pyproject_is_read_when_it_has_our_table(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.mldebug]\nresources = false\n")
    assert load(tmp_path).resources is False


@pytest.mark.parametrize("text", ["[tool.other]\nx = 1\n", "this is = not [ toml"])
def test_a_pyproject_that_is_not_about_us_is_passed_over(tmp_path, text):
    (tmp_path / "pyproject.toml").write_text(text)
    assert load(tmp_path) == Config()


def test_an_empty_variable_counts_as_unset(tmp_path):
    assert load(tmp_path, {"OTEL_MLDEBUG_BUDGET": "", "OTEL_MLDEBUG_TORCH": "  "}) == Config()


def test_the_sdk_switch_of_opentelemetry_turns_us_off_too(tmp_path):
    assert load(tmp_path, {"OTEL_SDK_DISABLED": "TRUE"}).disabled is True


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        (
            {"OTEL_MLDEBUG_TORCH": "maybe"},
            "OTEL_MLDEBUG_TORCH='maybe' is not usable: expected true or false.",
        ),
        (
            {"OTEL_MLDEBUG_BUDGET": "3"},
            "OTEL_MLDEBUG_BUDGET='3' is not usable: expected a share from 0 to 1, such as 0.02 or 2%.",
        ),
        (
            {"OTEL_MLDEBUG_BUDGET": "nan"},
            "OTEL_MLDEBUG_BUDGET='nan' is not usable: expected a share from 0 to 1, such as 0.02 or 2%.",
        ),
        (
            {"OTEL_MLDEBUG_STORE_MAX_MB": "1"},
            "OTEL_MLDEBUG_STORE_MAX_MB='1' is not usable: expected a whole number of MiB, at least 8.",
        ),
        (
            {"OTEL_MLDEBUG_PROFILE": "prod"},
            "OTEL_MLDEBUG_PROFILE='prod' is not usable: expected one of development, production, test.",
        ),
        (
            {"OTEL_MLDEBUG_CONFIG": "/no/such.toml"},
            "OTEL_MLDEBUG_CONFIG='/no/such.toml' is not usable: expected the path of a TOML file that exists.",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_a_bad_value_names_the_variable_and_the_way_out(tmp_path, environ, message):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, environ)
    assert str(caught.value) == message


def test_an_unknown_setting_is_named_with_the_nearest_that_exists(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, {"OTEL_MLDEBUG_BUDGETS": "1"})
    assert str(caught.value) == (
        "OTEL_MLDEBUG_BUDGETS='1' is not usable: expected the name of a setting that exists, "
        "such as 'budget' (all of them: otel-mldebug doctor)."
    )


def test_a_broken_file_is_named_with_the_place(tmp_path):
    path = tmp_path / "mldebug.toml"
    path.write_text("budget = \n")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path)
    assert str(caught.value).startswith(f"{path}=")
    assert "line 1" in str(caught.value)


def test_a_wrong_type_in_a_file_is_named_with_file_and_field(tmp_path):
    path = tmp_path / "mldebug.toml"
    path.write_text("store_max_mb = 1.5\n")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path)
    assert str(caught.value) == f"{path}: store_max_mb=1.5 is not usable: expected a whole number."


def test_the_supervisors_own_variables_are_no_settings(tmp_path):
    assert load(tmp_path, {"OTEL_MLDEBUG_SUPERVISED": "1"}) == Config()


def test_an_argument_of_none_counts_as_not_given(tmp_path):
    assert load(tmp_path, store=None).store == Path(".mldebug")


@given(st.dictionaries(st.sampled_from(SAMPLE), st.text()))
def test_any_text_is_either_used_or_refused_by_name(tmp_path_factory, values):
    environ = {f"OTEL_MLDEBUG_{name}": text for name, text in values.items()}
    try:
        Config.load(environ=environ, directory=tmp_path_factory.getbasetemp())
    except ConfigError as exc:
        assert exc.setting.partition(":")[0] in environ


@pytest.mark.parametrize("asked", ["", "1:2", "100:200", "timing.*", "timing.spikes, data.input_bound", "*"])
def test_steps_to_profile_are_a_span_or_rules(tmp_path, asked):
    assert load(tmp_path, {}, profile_steps=asked).profile_steps == asked


@pytest.mark.parametrize(
    "asked", ["5", "0:5", "5:5", "6:3", "1:102", ":5", "5:", "a b", "timing.*,", "1:2:3", "abc", "timing.*, abc"]
)
def test_what_is_neither_is_refused(tmp_path, asked):
    with pytest.raises(ConfigError, match="steps such as 100:105"):
        load(tmp_path, {}, profile_steps=asked)
