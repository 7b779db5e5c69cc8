"""The entries about servers and clients of models, on real messages; and messages that look like theirs."""

import pytest

from otel_mldebug.rules.catalogue.loader import builtin
from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.facts import ErrorFacts

FAMILIES = [
    (
        "vllm.kv_cache",
        "ValueError",
        "No available memory for the cache blocks. Try increasing `gpu_memory_utilization` "
        "when initializing the engine.",
    ),
    (
        "inference.context_length",
        "openai.BadRequestError",
        "Error code: 400 - {'error': {'message': \"This model's maximum context length is 8192 "
        'tokens. However, your messages resulted in 9041 tokens."}}',
    ),
    (
        "api.overloaded",
        "anthropic.APIStatusError",
        "Error code: 529 - {'type': 'error', 'error': {'type': 'overloaded_error', 'message': 'Overloaded'}}",
    ),
    (
        "api.rate_limit",
        "openai.RateLimitError",
        "Rate limit reached for gpt-4o in organization on tokens per min (TPM): Limit 30000",
    ),
    (
        "api.quota",
        "openai.RateLimitError",
        "You exceeded your current quota, please check your plan and billing details.",
    ),
    ("api.key", "openai.AuthenticationError", "Incorrect API key provided: sk-a***b."),
    ("api.model_unknown", "openai.NotFoundError", "The model `gpt-9` does not exist or you do not have access to it."),
    (
        "api.client_version",
        "openai.lib._old_api.APIRemovedInV1",
        "You tried to access openai.ChatCompletion, but this is no longer supported in openai>=1.0.0",
    ),
    (
        "chat.template",
        "jinja2.exceptions.TemplateError",
        "Conversation roles must alternate user/assistant/user/assistant/...",
    ),
    ("vllm.unsupported_model", "ValueError", "Failed to load model from file: /models/foo.gguf"),
    (
        "vllm.engine_dead",
        "RuntimeError",
        "Engine core initialization failed. See root cause above. Failed core proc(s): {}",
    ),
    (
        "onnxruntime.input",
        "onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument",
        "Got invalid dimensions for input: pixel_values for the following indices index: 2 Got: 224 Expected: 384",
    ),
    (
        "onnxruntime.model",
        "onnxruntime.capi.onnxruntime_pybind11_state.InvalidProtobuf",
        "Load model from net.onnx failed:Protobuf parsing failed.",
    ),
    (
        "onnxruntime.provider",
        "ValueError",
        "This ORT build has ['CUDAExecutionProvider'] enabled. Since ORT 1.9, you are required "
        "to explicitly set the providers parameter when instantiating InferenceSession.",
    ),
    (
        "tensorrt.engine",
        "RuntimeError",
        "The engine plan file is not compatible with this version of TensorRT, expecting "
        "library version 8.6.1 got 8.5.3",
    ),
    (
        "triton_server.request",
        "tritonclient.utils.InferenceServerException",
        "[400] unexpected shape for input 'x' for model 'net'",
    ),
    ("inference.sampling", "ValueError", "top_p must be in (0, 1], got 0.0."),
    ("inference.multimodal", "ValueError", "At most 1 image(s) may be provided in one request."),
    (
        "vllm.max_model_len",
        "ValueError",
        "User-specified max_model_len (9000) is greater than the derived max_model_len (max_position_embeddings=8192)",
    ),
    (
        "api.messages",
        "anthropic.BadRequestError",
        "messages.3: all messages must have non-empty content except for the optional final assistant message",
    ),
    ("vllm.lora", "ValueError", "LoRA rank 64 is greater than max_lora_rank 16."),
    ("serving.structure", "vllm.odd.Error", "never seen"),
    ("api.server_error", "openai.InternalServerError", "upstream went away"),
    (
        "endpoint.refused",
        "botocore.errorfactory.ModelError",
        "An error occurred (ModelError) when calling the InvokeEndpoint operation: Received client error (400) from "
        'primary with message "x"',
    ),
]
OTHERS = [
    ("cuda.oom", "torch.OutOfMemoryError", "CUDA out of memory. Tried to allocate 1.00 GiB."),
    (
        "distributed.parallel_config",
        "ValueError",
        "Total number of attention heads (14) must be divisible by tensor parallel size (4).",
    ),
    ("hf.probabilities", "RuntimeError", "probability tensor contains either `inf`, `nan` or element < 0"),
]


@pytest.mark.parametrize(("rule", "type_", "message"), [*FAMILIES, *OTHERS])
def test_a_message_is_explained_by_the_entry_of_its_family(rule, type_, message):
    assert explain(ErrorFacts(type=type_, message=message)).rule == rule


def test_every_entry_of_the_file_has_a_message_here():
    ours = {pattern.id for pattern in builtin() if pattern.origin.startswith("serving.toml")}
    assert {rule for rule, *_ in FAMILIES} == ours
