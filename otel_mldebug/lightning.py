"""For Lightning: `Trainer(callbacks=[otel_mldebug.lightning.Callback()])`, next to what is seen without it.

Steps, epochs, losses, accumulation and mixed precision are seen without any callback, with the Trainer and with Fabric.
It adds what only the Trainer knows: the loss of validation, the number of its step after a restart, the stage of a
failure.
"""

from typing import Any

from otel_mldebug import _guard
from otel_mldebug._optional import loaded, require
from otel_mldebug.instrument import sink as sinks
from otel_mldebug.instrument.training import telling

_NAME = "pytorch_lightning" if loaded("pytorch_lightning") and not loaded("lightning") else "lightning.pytorch"
_lightning: Any = require(_NAME, needed_to="use otel_mldebug.lightning", extra="lightning")


class Callback(_lightning.Callback):  # type: ignore[misc, name-defined, unused-ignore]
    """Tells what the Trainer knows. It keeps nothing, so that it can be copied, pickled and used again."""

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Say what is being trained, and where its steps begin."""
        with _guard.guard("tell of a Trainer"):
            version = getattr(_lightning, "__version__", "")
            sinks.current().watched(
                framework=f"lightning {version}".strip(),
                first_global_step=int(trainer.global_step),
                precision=str(trainer.precision),
                accumulate=int(trainer.accumulate_grad_batches),
            )

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        """Say which epoch it is."""
        with _guard.guard("tell of a step"):
            telling.about_step(epoch=int(trainer.current_epoch))

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Say what validation has come to."""
        if trainer.sanity_checking:
            return
        with _guard.guard("tell of a validation"):
            metrics = {
                name: value
                for name, value in trainer.callback_metrics.items()
                if name.startswith(("val", "dev", "eval")) or "/val" in name
            }
            telling.about_evaluation("validation", metrics)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Report what went wrong with where it was."""
        with _guard.guard("tell of a failure"):
            stage = str(getattr(trainer.state, "stage", "") or "").rpartition(".")[2].lower()
            telling.about_failure(
                exception, stage=stage or None, epoch=int(trainer.current_epoch), global_step=int(trainer.global_step)
            )
