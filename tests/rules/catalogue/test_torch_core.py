"""The entries about PyTorch tensors and modules, on real messages; and messages that look like theirs."""

import pytest

from otel_mldebug.rules.catalogue.loader import builtin
from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.facts import ErrorFacts

FAMILIES = [
    (
        "shape.concatenate",
        "RuntimeError",
        "Sizes of tensors must match except in dimension 1. Expected size 28 but got size 27 "
        "for tensor number 1 in the list.",
    ),
    ("shape.dimension", "IndexError", "Dimension out of range (expected to be in range of [-2, 1], but got 3)"),
    ("index.embedding", "IndexError", "index out of range in self"),
    ("index.tensor", "IndexError", "index 81 is out of bounds for dimension 1 with size 80"),
    ("tensor.scalar_needed", "RuntimeError", "Boolean value of Tensor with more than one value is ambiguous"),
    ("norm.features", "RuntimeError", "running_mean should contain 24 elements not 48"),
    (
        "norm.single_value",
        "ValueError",
        "Expected more than 1 value per channel when training, got input size torch.Size([1, 12])",
    ),
    ("rnn.input", "RuntimeError", "input.size(-1) must be equal to input_size. Expected 40, got 80"),
    ("attention.shape", "AssertionError", "embed_dim must be divisible by num_heads"),
    ("attention.kernel", "RuntimeError", "FlashAttention only supports Ampere GPUs or newer."),
    ("dtype.not_implemented", "RuntimeError", "\"LayerNormKernelImpl\" not implemented for 'Half'"),
    (
        "tensor.to_numpy",
        "TypeError",
        "can't convert cuda:1 device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first.",
    ),
    (
        "tensor.from_numpy",
        "TypeError",
        "can't convert np.ndarray of type numpy.object_. The only supported types are: float64, float32",
    ),
    ("numpy.unavailable", "RuntimeError", "Numpy is not available"),
    ("tensor.meta", "NotImplementedError", "Cannot copy out of meta tensor; no data!"),
    ("module.definition", "AttributeError", "cannot assign module before Module.__init__() call"),
    (
        "linalg.failed",
        "torch._C._LinAlgError",
        "linalg.cholesky: The factorization could not be completed because the input is not "
        "positive-definite (the leading minor of order 3 is not positive-definite).",
    ),
    (
        "distribution.parameters",
        "ValueError",
        "Expected parameter loc (Tensor of shape (8, 3)) of distribution Normal(loc: "
        "torch.Size([8, 3])) to satisfy the constraint Real(), but found invalid values: "
        "tensor([[nan]])",
    ),
    ("sampling.probabilities", "RuntimeError", "invalid multinomial distribution (encountering probability entry < 0)"),
    (
        "shape.pooling",
        "RuntimeError",
        "Padding size should be less than the corresponding input dimension, but got: padding "
        "(4, 4) at dimension 2 of input [1, 3, 3, 3]",
    ),
    (
        "shape.einsum",
        "RuntimeError",
        "einsum(): subscript j has size 5 for operand 1 which does not broadcast with previously seen size 4",
    ),
    (
        "module.jit",
        "torch.jit.frontend.NotSupportedError",
        "Compiled functions can't take variable number of arguments or use keyword-only arguments with defaults",
    ),
    (
        "module.onnx_export",
        "torch.onnx.errors.UnsupportedOperatorError",
        "Exporting the operator 'aten::grid_sampler' to ONNX opset version 11 is not supported.",
    ),
    (
        "module.fx",
        "torch.fx.proxy.TraceError",
        "symbolically traced variables cannot be used as inputs to control flow",
    ),
    (
        "operator.not_on_backend",
        "NotImplementedError",
        "Could not run 'torchvision::nms' with arguments from the 'CUDA' backend.",
    ),
    ("tensor.too_large", "RuntimeError", "quantile() input tensor is too large"),
    (
        "tensor.internal_assert",
        "RuntimeError",
        'it.second INTERNAL ASSERT FAILED at "../torch/csrc/foo.cpp":77, please report a bug to PyTorch.',
    ),
    (
        "tensor.argument_type",
        "TypeError",
        "cat() received an invalid combination of arguments - got (Tensor, int), but expected "
        "one of: (tuple of Tensors tensors)",
    ),
    ("model.missing_input", "TypeError", "forward() missing 1 required positional argument: 'pixel_values'"),
    ("model.missing_input", "TypeError", "Net.forward() missing 1 required positional argument: 'attention_mask'"),
    ("model.missing_input", "TypeError", "call() missing 2 required positional arguments: 'mask' and 'x'"),
    (
        "dtype.number_out_of_range",
        "RuntimeError",
        "value cannot be converted to type at::Half without overflow: -1e+09",
    ),
]
OTHERS = [
    ("python.missing_argument", "TypeError", "forward() missing 1 required positional argument: 'x'"),
    ("python.missing_argument", "TypeError", "train() missing 1 required positional argument: 'labels'"),
    ("structure.allowed_values", "RuntimeError", "value cannot be converted to a number"),
    (
        "dataloader.collate_sizes",
        "RuntimeError",
        "stack expects each tensor to be equal size, but got [3, 9, 9] at entry 0 and [3, 8, 9] at entry 1",
    ),
    (
        "shape.broadcast",
        "RuntimeError",
        "The size of tensor a (5) must match the size of tensor b (7) at non-singleton dimension 1",
    ),
    ("loss.target_range", "IndexError", "Target 7 is out of bounds."),
    (
        "device.mismatch",
        "RuntimeError",
        "Expected all tensors to be on the same device, but found at least two devices, cpu and cuda:0!",
    ),
    (
        "autograd.detach_needed",
        "RuntimeError",
        "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.",
    ),
]


@pytest.mark.parametrize(("rule", "type_", "message"), [*FAMILIES, *OTHERS])
def test_a_message_is_explained_by_the_entry_of_its_family(rule, type_, message):
    assert explain(ErrorFacts(type=type_, message=message)).rule == rule


def test_every_entry_of_the_file_has_a_message_here():
    ours = {pattern.id for pattern in builtin() if pattern.origin.startswith("torch_core.toml")}
    assert {rule for rule, *_ in FAMILIES} == ours


def test_none_in_place_of_a_tensor_is_told_apart():
    def summary(given):
        message = f"embedding(): argument 'indices' (position 2) must be Tensor, not {given}"
        return explain(ErrorFacts(type="TypeError", message=message)).summary

    assert summary("NoneType") == "A torch function got None in place of a tensor."
    assert summary("list") == "A torch function got something else than the tensors it takes."
