"""What is followed through the text of forward passes: which layers a value depends on, and what has cut them off."""

import ast

Value = dict[int, str]
"""Layers that a value is made with, by identity: how each is cut off, in words; empty for one that is not."""

CUTTING = frozenset(
    (
        "detach", "detach_", "item", "numpy", "tolist", "argmax", "argmin", "argsort", "nonzero", "multinomial",
        "bernoulli", "bool", "long", "int", "tensor", "from_numpy", "searchsorted", "bucketize",
        "randint", "one_hot", "isclose", "eq", "ne", "gt", "lt", "ge", "le", "sample",
    )
)  # fmt: skip
"""Functions and methods that give no gradient to what they take. Source: PyTorch, derivatives.yaml."""
ROUTES = frozenset(
    (
        "size", "dim", "numel", "len", "range", "isinstance", "zeros_like", "ones_like", "empty_like", "full_like",
        "rand_like", "randn_like", "new_zeros", "new_ones", "new_empty", "new_full", "new_tensor", "print",
    )
)  # fmt: skip
"""Those whose result is not made of the values that they take: only of their shapes and types."""
PLAIN = frozenset(("shape", "dtype", "device", "ndim", "requires_grad", "is_cuda", "training"))
"""Attributes of tensors that are no values."""


def join(*values: Value) -> Value:
    """Return what something that is made of `values` depends on. One way without a cut is enough for a gradient."""
    found: Value = {}
    for value in values:
        for layer, how in value.items():
            found[layer] = how if found.get(layer, how) else ""
    return found


def cut(value: Value, how: str) -> Value:
    """Return the value behind a cut: the first one counts."""
    return {layer: known or how for layer, known in value.items()}


def called_name(node: ast.Call) -> str:
    """Return the last part of the name of what is called."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def no_gradients(node: ast.expr) -> str:
    """Return how a context or a decorator is called that switches gradients off; empty for others."""
    name = called_name(node) if isinstance(node, ast.Call) else getattr(node, "attr", getattr(node, "id", ""))
    return f"{name}()" if name in ("no_grad", "inference_mode") else ""
