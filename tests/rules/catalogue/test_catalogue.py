"""What must hold for every entry of ours."""

import json
import subprocess
import sys
from collections import Counter

import pytest

from otel_mldebug.rules.catalogue import generate
from otel_mldebug.rules.catalogue.loader import COMPILED, builtin, sources
from otel_mldebug.rules.catalogue.pattern import STRUCTURE

PATTERNS = builtin()


def test_compiled_json_is_what_the_files_say():
    assert COMPILED.read_text(encoding="utf-8") == generate.render(sources()), "run: make generate"


def test_no_expression_stands_in_two_entries():
    known = Counter(
        expression
        for pattern in PATTERNS
        for expression in {
            (match.message.lower(), *map(tuple, (match.types, match.library, match.where)), match.cause)
            for match in pattern.matches
            if match.message and match.tier != STRUCTURE
        }
    )
    assert [text for text, count in known.items() if count > 1] == []


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.id)
def test_an_entry_helps(pattern):
    assert all(solution[0].isupper() or not solution[0].isalpha() for solution in pattern.solutions)
    assert len(set(pattern.solutions)) == len(pattern.solutions)
    assert pattern.summary.endswith((".", ".]]"))
    assert pattern.cause.endswith(".")
    assert pattern.prevention.endswith(".")


def test_loading_is_quick_and_needs_neither_toml_nor_the_schema():
    program = (
        "import sys, time; import otel_mldebug.rules.explain as e; s = time.process_time(); e.matcher(None);"
        "d = time.process_time() - s; import json;"
        "print(json.dumps([d, 'tomllib' in sys.modules and 'otel_mldebug.config' not in sys.modules,"
        "'otel_mldebug.rules.catalogue.schema' in sys.modules]))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    seconds, toml, schema = json.loads(run.stdout)
    assert (toml, schema) == (False, False)
    assert seconds < 0.1
