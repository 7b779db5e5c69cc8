"""A message inside another is explained too, and the outer entry keeps its category."""

from otel_mldebug.rules.catalogue.loader import load
from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.facts import ErrorFacts

REFUSED = "pydantic_core._pydantic_core.ValidationError"


def test_what_a_validator_said_is_explained_first():
    message = (
        "1 validation error for Settings\npath\n"
        "  Value error, [Errno 28] No space left on device [type=value_error, input_value='x', input_type=str]"
    )
    finding = explain(ErrorFacts(type="pydantic.ValidationError", message=message))
    plain = explain(ErrorFacts(type="ValueError", message="[Errno 28] No space left on device"))
    assert plain.solutions[0] in finding.solutions


def test_the_outer_entry_keeps_category_severity_and_rule(tmp_path):
    finding = explain(ErrorFacts(type="Refused", message="form 7 refused because: division by zero"), _own(tmp_path))
    inner = explain(ErrorFacts(type="ValueError", message="division by zero"))
    assert (finding.rule, str(finding.category), str(finding.severity)) == ("own.form", "input_validation", "warning")
    assert finding.summary == "A form was refused."
    assert finding.solutions == ("Fill it in again.",)
    assert finding.evidence["inner"] == "division by zero"
    assert inner.rule == "python.division"


def test_a_known_message_inside_comes_before_the_outer_remedies(tmp_path):
    own = _own(tmp_path, further='\n[[pattern]]\nid = "own.zero"\ncategory = "data"\nsummary = "Nothing was counted."'
               '\nsolutions = ["Count something."]\nmatch = [{ message = "division by zero" }]\n')  # fmt: skip
    finding = explain(ErrorFacts(type="Refused", message="form 7 refused because: division by zero"), own)
    assert finding.solutions == ("Count something.", "Fill it in again.")
    assert finding.summary == "A form was refused. Nothing was counted."
    assert str(finding.category) == "input_validation"


def test_a_validation_error_without_words_of_a_validator_stays_as_it_is():
    finding = explain(ErrorFacts(type=REFUSED, message="1 validation error for Settings\nx\n  Field required"))
    assert finding.rule == "pydantic.validation"
    assert "inner" not in finding.evidence


def _own(tmp_path, further=""):
    path = tmp_path / "own.toml"
    path.write_text(
        '[[pattern]]\nid = "own.form"\ncategory = "input_validation"\nseverity = "warning"'
        '\nsummary = "A form was refused."'
        '\nsolutions = ["Fill it in again."]\ninner = "refused because: (.+)"'
        f'\nmatch = [{{ message = "form .{{1,9}} refused because" }}]\n{further}',
        encoding="utf-8",
    )
    return load(path)
