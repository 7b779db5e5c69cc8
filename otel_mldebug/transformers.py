"""For the Trainer of transformers: `Trainer(callbacks=[otel_mldebug.transformers.Callback()])`.

Steps, losses, accumulation and mixed precision are seen without it. It adds what only the Trainer knows: which epoch it
is and how many samples a step has where several batches are fetched ahead, what evaluation has come to, and the number
of its step after a restart.
"""

from typing import Any

from otel_mldebug import _guard
from otel_mldebug._optional import require
from otel_mldebug.instrument import sink as sinks
from otel_mldebug.instrument.training import telling

_transformers: Any = require("transformers", needed_to="use otel_mldebug.transformers", extra="transformers")


class Callback(_transformers.TrainerCallback):  # type: ignore[misc, name-defined, unused-ignore]
    """Tells what the Trainer knows."""

    def __init__(self) -> None:
        self._left: int | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Say what is being trained, and where its steps begin."""
        with _guard.guard("tell of a Trainer"):
            facts: dict[str, Any] = {
                "framework": f"transformers {_transformers.__version__}",
                "first_global_step": int(state.global_step),
                "accumulate": int(args.gradient_accumulation_steps),
            }
            precision = next((kind for kind in ("bf16", "fp16") if getattr(args, kind, False)), "")
            sinks.current().watched(**facts, **({"precision": precision} if precision else {}))

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Note how many samples the epoch has, where each belongs to this process."""
        with _guard.guard("tell of an epoch"):
            data = getattr(kwargs.get("train_dataloader"), "dataset", None)
            known = (
                hasattr(data, "__len__") and args.world_size == 1 and not getattr(args, "dataloader_drop_last", False)
            )
            self._left = len(data) if known and data is not None else None

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Say which epoch it is, and how many samples the step has."""
        with _guard.guard("tell of a step"):
            samples = args.train_batch_size * telling.backward_calls()
            if self._left is not None:
                samples = min(samples, self._left) if self._left > 0 else samples
                self._left -= samples
            telling.about_step(epoch=int(state.epoch or 0.0), samples=samples or None)

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **kwargs: Any) -> None:
        """Say what evaluation has come to."""
        with _guard.guard("tell of an evaluation"):
            telling.about_evaluation("evaluation", metrics or {})
