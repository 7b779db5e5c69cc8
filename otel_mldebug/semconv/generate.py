"""Turn registry/*.yaml into names.py and the reference page: `python -m otel_mldebug.semconv.generate`.

`render_names` and `render_docs` are pure, so that a test can compare what is committed with what the registry says.
"""

from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
REGISTRY = HERE / "registry"
NAMES = HERE / "names.py"
DOCS = HERE.parents[1] / "docs" / "reference" / "telemetry.md"
_ENUMS = {
    "mldebug.finding.category": "Category",
    "mldebug.finding.severity": "Severity",
    "mldebug.train.phase": "Phase",
    "mldebug.sampled.reason": "Reason",
}

Registry = dict[str, list[dict[str, Any]]]


def load(directory: Path = REGISTRY) -> Registry:
    """Read all registry files, ours and upstream's, each section sorted by name.

    Raises:
        ValueError: a name is defined twice, or a metric uses an attribute that is not defined.
    """
    import yaml  # a development dependency: only generating needs it

    registry: Registry = {"attributes": [], "events": [], "metrics": []}
    for path in sorted(directory.glob("*.yaml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        for section, rows in registry.items():
            rows.extend({**row, "file": path.stem} for row in document.get(section) or [])
    registry["attributes"].sort(key=lambda row: row["key"])
    registry["events"].sort(key=lambda row: row["name"])
    registry["metrics"].sort(key=lambda row: row["name"])
    _check(registry)
    return registry


def _check(registry: Registry) -> None:
    keys = {row["key"] for row in registry["attributes"]}
    constants = [_constant(row["key"]) for row in registry["attributes"]]
    constants += [_constant(row["name"]) for row in registry["metrics"]]
    if twice := {c for c in constants if constants.count(c) > 1}:
        raise ValueError(f"defined twice in the registry: {sorted(twice)}")
    for row in registry["metrics"]:
        if missing := set(row.get("attributes", ())) - keys:
            raise ValueError(f"metric {row['name']} uses attributes that are not in the registry: {sorted(missing)}")


def _constant(name: str) -> str:
    return name.replace(".", "_").upper()


def render_names(registry: Registry) -> str:
    """Return the text of names.py."""
    out = [
        '"""Names and units of all we emit. Generated from registry/*.yaml by `make generate`: do not edit."""\n',
        "from enum import Enum",
        "from typing import Final\n",
        "from otel_mldebug.semconv.metric import Metric\n",
    ]
    for row in registry["attributes"]:
        if name := _ENUMS.get(row["key"]):
            members = row["type"]["members"]
            out.append(f'\nclass {name}(str, Enum):\n    """{row["brief"]}"""\n')
            out += [f'    {member["id"].upper()} = "{member["value"]}"  # {member["brief"]}' for member in members]
            out.append("\n    def __str__(self) -> str:\n        return self.value\n")
    out += [f'{_constant(row["key"])}: Final = "{row["key"]}"' for row in registry["attributes"]]
    out.append("")
    out += [f'EVENT_{_constant(row["name"])}: Final = "{row["name"]}"' for row in registry["events"]]
    for row in registry["metrics"]:
        extra = [
            f"    {field}={tuple(row[field])!r},".replace("'", '"')
            for field in ("attributes", "buckets")
            if row.get(field)
        ]
        out += [
            f"\n{_constant(row['name'])}: Final = Metric(",
            f'    "{row["name"]}",\n    "{row["instrument"]}",\n    "{row["unit"]}",\n    "{row["brief"]}",',
            *extra,
            ")",
        ]
    out += ["\nMETRICS: Final = (", *(f"    {_constant(row['name'])}," for row in registry["metrics"]), ")", ""]
    return "\n".join(out)


def render_docs(registry: Registry) -> str:
    """Return the text of docs/reference/telemetry.md."""
    from otel_mldebug.semconv import names
    from otel_mldebug.semconv.prometheus import prometheus_name

    out = [
        "# Telemetry reference",
        "",
        "Generated from `otel_mldebug/semconv/registry/*.yaml` by `make generate`: do not edit.",
        "",
        "## Metrics",
        "",
        "| OpenTelemetry name | in Prometheus | instrument | unit | what it is | attributes |",
        "|---|---|---|---|---|---|",
    ]
    by_name = {metric.name: metric for metric in names.METRICS}
    for row in registry["metrics"]:
        attributes = ", ".join(f"`{a}`" for a in row.get("attributes", ()))
        series = prometheus_name(by_name[row["name"]])
        out.append(
            f"| `{row['name']}` | `{series}` | {row['instrument']} | `{row['unit']}` | {row['brief']} | {attributes} |"
        )
    out += ["", "## Log events", "", "| name | what it is |", "|---|---|"]
    out += [f"| `{row['name']}` | {row['brief']} |" for row in registry["events"]]
    out += ["", "## Attributes", "", "| key | type | what it is |", "|---|---|---|"]
    for row in registry["attributes"]:
        kind = row["type"] if isinstance(row["type"], str) else "enum"
        out.append(f"| `{row['key']}` | {kind} | {row['brief']} |")
    for row in registry["attributes"]:
        if isinstance(row["type"], dict):
            out += ["", f"### Values of `{row['key']}`", "", "| value | meaning |", "|---|---|"]
            out += [f"| `{member['value']}` | {member['brief']} |" for member in row["type"]["members"]]
    return "\n".join(out) + "\n"


def main() -> None:
    """Write both files."""
    registry = load()
    NAMES.write_text(render_names(registry), encoding="utf-8")
    DOCS.parent.mkdir(parents=True, exist_ok=True)
    DOCS.write_text(render_docs(registry), encoding="utf-8")


if __name__ == "__main__":
    main()
