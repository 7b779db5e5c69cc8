"""The reference page of settings is complete and is what the fields say."""

from dataclasses import fields

import pytest

from otel_mldebug.config import Config
from scripts import settings_page


def test_the_page_is_what_the_fields_say():
    assert settings_page.PAGE.read_text(encoding="utf-8") == settings_page.page(), "run: make generate"


@pytest.mark.parametrize("name", [field.name for field in fields(Config) if field.name != "origins"])
def test_every_setting_has_a_row_that_explains_it(name):
    row = next(line for line in settings_page.page().splitlines() if line.startswith(f"| `{name}` |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1] == f"`OTEL_MLDEBUG_{name.upper()}`"
    assert len(cells) == 5
    assert cells[4].endswith(".")
