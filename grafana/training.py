"""The Training dashboard: one training run from close by, down to its layers."""

from grafana.boards import Board
from grafana.rows.layers import LAYERS
from grafana.rows.learning import EVALUATION, LEARNING, PACE

TRAINING = Board(
    name="Training",
    about="Whether a model learns, how fast, and which layer does not.",
    rows=(("", PACE), ("Learning", LEARNING), ("Evaluation and inference", EVALUATION), ("Layers", LAYERS)),
)
