"""The Overview dashboard: what a person on call looks at first."""

from grafana.boards import Board
from grafana.rows.findings import FINDINGS, SUMMARY
from grafana.rows.functions import FUNCTIONS
from grafana.rows.pipeline import PIPELINE
from grafana.rows.resources import GPUS, HOST
from grafana.rows.training import TRAINING

OVERVIEW = Board(
    name="Overview",
    about="What went wrong, how training goes, and what the machines do.",
    rows=(
        ("", SUMMARY),
        ("Findings", FINDINGS),
        ("Training", TRAINING),
        ("Functions", FUNCTIONS),
        ("Host and processes", HOST),
        ("GPU", GPUS),
        ("The pipeline itself", PIPELINE),
    ),
)
