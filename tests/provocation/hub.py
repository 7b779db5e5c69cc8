"""Models, tokenizers and data sets of Hugging Face, made here or asked for without a network."""

import json
from contextlib import contextmanager

from tests.provocation.case import Table

case = Table()
TINY = {"vocab_size": 16, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}


def _bert(**changes):
    from transformers import BertConfig

    return BertConfig(**{**TINY, "max_position_embeddings": 8, **changes})


def _tokenizer(**options):
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({"a": 0, "cat": 1, "[UNK]": 2}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=words, unk_token="[UNK]", **options)


@case("model_loading", "data", remedy="corrupt|download|truncated|lfs|safetensors", needs="safetensors")
def weights_of_garbage(world):
    from safetensors.numpy import load_file

    load_file(world.file("x.safetensors", b"<!DOCTYPE html><html></html>"))


@case("model_loading", "data", remedy="corrupt|download|truncated|incomplete", needs="safetensors numpy")
def weights_cut_short(world):
    import numpy as np
    from safetensors.numpy import load, save

    load(save({"w": np.zeros(99)})[:-8])


@case("system", "model_loading data", remedy="path|exist|directory", needs="safetensors")
def weights_that_are_missing(world):
    from safetensors.numpy import load_file

    load_file(world.tmp / "absent.safetensors")


@case("model_loading", "model", remedy="shared|save_model|tie|clone", needs="safetensors torch")
def weights_that_share_memory(world):
    import torch
    from safetensors.torch import save_file

    w = torch.zeros(4)
    save_file({"a": w, "b": w}, world.tmp / "x.safetensors")


@case("model_loading", "model", remedy="key|name|architecture|tensor", needs="safetensors numpy")
def tensor_that_the_weights_have_not(world):
    import numpy as np
    from safetensors import safe_open
    from safetensors.numpy import save

    with safe_open(world.file("x.safetensors", save({"w": np.zeros(2)})), framework="np") as weights:
        weights.get_tensor("lm_head.weight")


@case("model_loading", "system data", remedy="path|exist|tokenizer.json|directory", needs="tokenizers")
def tokenizer_that_is_missing(world):
    from tokenizers import Tokenizer

    Tokenizer.from_file(str(world.tmp / "tokenizer.json"))


@case("model_loading", "data dependency", remedy="version|upgrade|tokenizer", needs="tokenizers")
def tokenizer_of_garbage(world):
    from tokenizers import Tokenizer

    Tokenizer.from_str('{"version": "1.0", "model": {"type": "Novel"}}')


@case("model_loading", "network", remedy="path|name|directory|offline|spelling|config.json", needs="transformers")
def model_that_is_not_here(world):
    from transformers import AutoConfig

    AutoConfig.from_pretrained("nobody/not-here")


@case("model_loading", "system", remedy="config.json|path|directory", needs="transformers")
def model_directory_without_config(world):
    from transformers import AutoConfig

    AutoConfig.from_pretrained(str(world.tmp))


@case("model_loading", "dependency", remedy="upgrade|version|trust_remote_code", needs="transformers")
def model_type_of_the_future(world):
    from transformers import AutoConfig

    world.file("config.json", json.dumps({"model_type": "novel_moe"}).encode())
    AutoConfig.from_pretrained(str(world.tmp))


@case("model_loading", "", remedy="safetensors|weights|download|file", needs="transformers torch")
def model_directory_without_weights(world):
    from transformers import BertModel

    _bert().save_pretrained(world.tmp)
    BertModel.from_pretrained(str(world.tmp))


@case("model_loading", "model", remedy="ignore_mismatched_sizes|num_labels|config", needs="transformers torch")
def head_of_another_size(world):
    from transformers import BertForSequenceClassification

    BertForSequenceClassification(_bert(num_labels=2)).save_pretrained(world.tmp)
    BertForSequenceClassification.from_pretrained(str(world.tmp), num_labels=5)


@case("model", "input_validation model_loading", remedy="divisible|multiple|head", needs="transformers torch")
def heads_that_do_not_divide(world):
    from transformers import BertModel

    BertModel(_bert(num_attention_heads=3))


@case("input_validation", "model inference", remedy="input_ids|inputs_embeds|token", needs="transformers torch")
def model_without_input(world):
    from transformers import BertModel

    BertModel(_bert())()


@case(
    "model",
    "data input_validation inference",
    remedy="max_position|truncat|length|position",
    needs="transformers torch",
)
def sequence_beyond_the_positions(world):
    import torch
    from transformers import BertModel

    BertModel(_bert())(torch.zeros(1, 20, dtype=torch.int64))


@case("input_validation", "data model_loading inference training", remedy="pad_token", needs="transformers")
def padding_without_a_token(world):
    _tokenizer()(["a", "a cat"], padding=True)


@case("data", "input_validation", remedy="padding|truncation|pad", needs="transformers torch")
def sentences_of_different_lengths(world):
    _tokenizer()(["a", "a cat"], return_tensors="pt")


@case("input_validation", "data", remedy="str|none|text|string|type", needs="transformers")
def sentence_that_is_none(world):
    _tokenizer()([None, "a cat"])


@case("input_validation", "inference", remedy="temperature|do_sample|greater than 0|positive", needs="transformers")
def temperature_below_zero(world):
    from transformers import TemperatureLogitsWarper

    TemperatureLogitsWarper(-1.0)


@case("input_validation", "inference", remedy="task|spelling|name", needs="transformers torch")
def pipeline_of_an_unknown_task(world):
    from transformers import pipeline

    pipeline("mind-reading")


@case("model_loading", "input_validation", remedy="repo|name|path|spelling", needs="huggingface_hub")
def repository_with_a_wrong_name(world):
    from huggingface_hub import hf_hub_download

    hf_hub_download("models/nobody/not-here", "config.json")


@case("model_loading", "network", remedy="offline|download|cache|connection", needs="huggingface_hub")
def file_that_the_cache_has_not(world):
    from huggingface_hub import hf_hub_download

    hf_hub_download("nobody/not-here", "config.json", cache_dir=world.tmp)


@contextmanager
def _online():
    """The hub's client may connect, to the server given."""
    from huggingface_hub import constants

    before, constants.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE, False
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _download(world, code):
    from huggingface_hub import hf_hub_download

    with _online():
        hf_hub_download("a/b", "config.json", endpoint=f"{world.url}/hub/{code}", cache_dir=world.tmp)


@case("model_loading", "network", remedy="name|spelling|token|private|login", needs="huggingface_hub")
def repository_that_is_not_there(world):
    _download(world, "RepoNotFound")


@case("model_loading", "network", remedy="access|license|accept|token|login|gated", needs="huggingface_hub")
def repository_one_must_ask_for(world):
    _download(world, "GatedRepo")


@case("model_loading", "network", remedy="file|name|revision|spelling", needs="huggingface_hub")
def file_that_the_repository_has_not(world):
    _download(world, "EntryNotFound")


@case("model_loading", "network", remedy="revision|branch|tag|commit", needs="huggingface_hub")
def revision_that_is_not_there(world):
    _download(world, "RevisionNotFound")
