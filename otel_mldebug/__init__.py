"""What broke or got slow in your ML code: what, where, why, and what to try.

    import otel_mldebug
    otel_mldebug.configure()

Importing this package costs next to nothing: each name brings in what it needs when it is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

from otel_mldebug._version import __version__

if TYPE_CHECKING:
    from otel_mldebug.config import Config
    from otel_mldebug.errors import ConfigError, MissingDependencyError, MLDebugError, StoreError, UsageError
    from otel_mldebug.export.seen import finding_of
    from otel_mldebug.instrument.functions import span, trace
    from otel_mldebug.instrument.resources.cuda_memory import memory_report
    from otel_mldebug.instrument.training.debugging.parameters import parameter_report
    from otel_mldebug.instrument.training.debugging.profiling import profile_steps
    from otel_mldebug.instrument.training.debugging.tracking import (
        Intervals,
        debug_forward,
        debug_step,
        track_gradients,
        track_loss,
        track_parameters,
    )
    from otel_mldebug.instrument.training.debugging.watching import watch
    from otel_mldebug.instrument.training.explicit import recorder
    from otel_mldebug.notebook import load_ipython_extension, unload_ipython_extension
    from otel_mldebug.recover.guarded import guarded_loop
    from otel_mldebug.recover.losses import NonFiniteLossError, check_finite
    from otel_mldebug.recover.policy import Action, Failed, LoopSummary, Policy, Recovery
    from otel_mldebug.rules.contracts import Contract
    from otel_mldebug.rules.finding import Finding
    from otel_mldebug.wiring import capture_exception, configure, shutdown
    from otel_mldebug.wiring.callbacks import on_finding
    from otel_mldebug.wiring.people import (
        Handled,
        debug_mode,
        debugging,
        handle_error,
        set_user_data,
        user_data,
        user_message,
    )
    from otel_mldebug.wiring.profiling import profile_on
    from otel_mldebug.wiring.summary import summary

__all__ = [
    "Action",
    "Config",
    "ConfigError",
    "Contract",
    "Failed",
    "Finding",
    "Handled",
    "Intervals",
    "LoopSummary",
    "MLDebugError",
    "MissingDependencyError",
    "NonFiniteLossError",
    "Policy",
    "Recovery",
    "StoreError",
    "UsageError",
    "__version__",
    "capture_exception",
    "check_finite",
    "configure",
    "debug_forward",
    "debug_mode",
    "debug_step",
    "debugging",
    "finding_of",
    "guarded_loop",
    "handle_error",
    "load_ipython_extension",
    "memory_report",
    "on_finding",
    "parameter_report",
    "profile_on",
    "profile_steps",
    "recorder",
    "set_user_data",
    "shutdown",
    "span",
    "summary",
    "trace",
    "track_gradients",
    "track_loss",
    "track_parameters",
    "unload_ipython_extension",
    "user_data",
    "user_message",
    "watch",
]

_FROM = {
    "Action": "otel_mldebug.recover.policy",
    "Config": "otel_mldebug.config",
    "ConfigError": "otel_mldebug.errors",
    "Contract": "otel_mldebug.rules.contracts",
    "Failed": "otel_mldebug.recover.policy",
    "Finding": "otel_mldebug.rules.finding",
    "Handled": "otel_mldebug.wiring.people",
    "Intervals": "otel_mldebug.instrument.training.debugging.tracking",
    "LoopSummary": "otel_mldebug.recover.policy",
    "MLDebugError": "otel_mldebug.errors",
    "MissingDependencyError": "otel_mldebug.errors",
    "NonFiniteLossError": "otel_mldebug.recover.losses",
    "Policy": "otel_mldebug.recover.policy",
    "Recovery": "otel_mldebug.recover.policy",
    "StoreError": "otel_mldebug.errors",
    "UsageError": "otel_mldebug.errors",
    "capture_exception": "otel_mldebug.wiring",
    "check_finite": "otel_mldebug.recover.losses",
    "configure": "otel_mldebug.wiring",
    "debug_forward": "otel_mldebug.instrument.training.debugging.tracking",
    "debug_mode": "otel_mldebug.wiring.people",
    "debug_step": "otel_mldebug.instrument.training.debugging.tracking",
    "debugging": "otel_mldebug.wiring.people",
    "finding_of": "otel_mldebug.export.seen",
    "guarded_loop": "otel_mldebug.recover.guarded",
    "handle_error": "otel_mldebug.wiring.people",
    "load_ipython_extension": "otel_mldebug.notebook",
    "memory_report": "otel_mldebug.instrument.resources.cuda_memory",
    "on_finding": "otel_mldebug.wiring.callbacks",
    "parameter_report": "otel_mldebug.instrument.training.debugging.parameters",
    "profile_on": "otel_mldebug.wiring.profiling",
    "profile_steps": "otel_mldebug.instrument.training.debugging.profiling",
    "recorder": "otel_mldebug.instrument.training.explicit",
    "set_user_data": "otel_mldebug.wiring.people",
    "shutdown": "otel_mldebug.wiring",
    "span": "otel_mldebug.instrument.functions",
    "summary": "otel_mldebug.wiring.summary",
    "trace": "otel_mldebug.instrument.functions",
    "track_gradients": "otel_mldebug.instrument.training.debugging.tracking",
    "track_loss": "otel_mldebug.instrument.training.debugging.tracking",
    "track_parameters": "otel_mldebug.instrument.training.debugging.tracking",
    "unload_ipython_extension": "otel_mldebug.notebook",
    "user_data": "otel_mldebug.wiring.people",
    "user_message": "otel_mldebug.wiring.people",
    "watch": "otel_mldebug.instrument.training.debugging.watching",
}


def __getattr__(name: str) -> Any:
    if name not in _FROM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
    value = getattr(importlib.import_module(_FROM[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
