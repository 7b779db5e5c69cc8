"""The example in the how-to is one that works."""

import re
from pathlib import Path

from otel_mldebug.rules.catalogue.loader import load
from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.text.read import facts_of_message

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "add-a-pattern.md"


def test_the_example_can_be_loaded_and_explains_what_it_says(tmp_path):
    text = PAGE.read_text(encoding="utf-8")
    example = re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL)[0]
    message = re.findall(r'otel-mldebug explain "(.*?)"', text)[0]
    path = tmp_path / "patterns.toml"
    path.write_text(example, encoding="utf-8")

    finding = explain(facts_of_message(message), load(path))
    assert (finding.rule, finding.summary) == ("acme.queue_full", "The inference queue is full: 17 requests wait.")
