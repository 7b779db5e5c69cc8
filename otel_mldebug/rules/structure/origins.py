"""Where a failure was raised, and what failures from there are mostly about. Data."""

from collections.abc import Mapping

from otel_mldebug.semconv.names import Category

PLACES: tuple[tuple[str, Category, float], ...] = (
    ("torch/optim", Category.OPTIMIZATION, 3.0),
    ("torch/autograd", Category.GRADIENT, 2.0),
    ("torch/utils/data", Category.DATA, 3.0),
    ("torch/utils/checkpoint", Category.GRADIENT, 2.0),
    ("torch/serialization", Category.MODEL_LOADING, 3.0),
    ("torch/distributed", Category.DISTRIBUTED, 3.0),
    ("torch/nn/parallel", Category.DISTRIBUTED, 2.0),
    ("torch/_dynamo", Category.MODEL, 2.0),
    ("torch/_inductor", Category.DEPENDENCY, 2.0),
    ("torch/cuda", Category.DEPENDENCY, 1.0),
    ("torch/hub", Category.MODEL_LOADING, 2.0),
    ("torch/amp", Category.OPTIMIZATION, 1.5),
    ("torch/nn/modules/loss", Category.LOSS, 3.0),
    ("torch/nn", Category.MODEL, 1.5),
    ("transformers/modeling_utils", Category.MODEL_LOADING, 3.0),
    ("transformers/configuration", Category.MODEL_LOADING, 2.0),
    ("transformers/tokenization", Category.MODEL_LOADING, 1.5),
    ("transformers/generation", Category.INFERENCE, 3.0),
    ("transformers/trainer", Category.TRAINING, 2.5),
    ("transformers/models", Category.MODEL, 2.0),
    ("transformers/pipelines", Category.INFERENCE, 2.0),
    ("sklearn/metrics", Category.EVALUATION, 3.0),
    ("sklearn", Category.DATA, 1.0),
    ("importlib", Category.DEPENDENCY, 2.0),
    ("pickle", Category.MODEL_LOADING, 1.0),
    ("multiprocessing", Category.SYSTEM, 1.5),
    ("subprocess", Category.SYSTEM, 2.0),
    ("asyncio", Category.SYSTEM, 0.5),
    ("socket", Category.NETWORK, 2.0),
    ("json/decoder", Category.DATA, 2.0),
    ("argparse", Category.INPUT_VALIDATION, 3.0),
)
"""Piece of the raising frame's path, category, weight: the first that fits counts."""

_LIBRARIES: tuple[tuple[Category, float, str], ...] = (
    (
        Category.DATA,
        2.0,
        "datasets pandas polars pyarrow fastparquet PIL cv2 torchvision torchaudio librosa soundfile webdataset h5py "
        "numpy "
        "imageio albumentations torchdata nltk decord av tables json csv simplejson streaming "
        "audioop audioread wave sndhdr torchcodec moviepy pydub SimpleITK nibabel pydicom rasterio geopandas shapely "
        "lxml bs4 openpyxl gensim spacy lmdb tfrecord",
    ),
    (
        Category.NETWORK,
        2.0,
        "requests urllib3 urllib httpx httpcore aiohttp grpc websockets botocore boto3 socket ssl http anyio fsspec "
        "s3fs "
        "gcsfs paramiko redis pymongo psycopg2 sqlalchemy wandb mlflow kubernetes google azure",
    ),
    (Category.EVALUATION, 2.5, "torchmetrics evaluate sacrebleu rouge_score seqeval pycocotools"),
    (
        Category.INFERENCE,
        2.5,
        "vllm onnxruntime tensorrt tensorrt_llm llama_cpp sglang openai anthropic ctranslate2 text_generation "
        "tritonclient "
        "lmdeploy langchain langchain_core ollama outlines",
    ),
    (
        Category.MODEL_LOADING,
        2.0,
        "safetensors huggingface_hub peft tokenizers sentencepiece timm gguf diffusers tiktoken _pickle pickle zipfile "
        "sentence_transformers open_clip joblib",
    ),
    (Category.DISTRIBUTED, 2.5, "deepspeed horovod ray megatron fairscale mpi4py colossalai dask distributed"),
    (
        Category.DEPENDENCY,
        2.5,
        "bitsandbytes triton flash_attn apex xformers pkg_resources setuptools importlib packaging numba pip distutils "
        "ctypes cupy ninja jaxlib",
    ),
    (
        Category.INPUT_VALIDATION,
        2.5,
        "pydantic pydantic_core jsonschema omegaconf hydra click typer argparse marshmallow yaml toml configparser "
        "jsonargparse absl fire cerberus voluptuous beartype fastapi",
    ),
    (Category.TRAINING, 1.5, "lightning pytorch_lightning trl ignite accelerate fastai optuna"),
    (Category.INFERENCE, 1.0, "gradio streamlit uvicorn starlette flask"),
    (Category.SYSTEM, 2.0, "psutil subprocess shutil multiprocessing filelock tempfile"),
    (Category.DATA, 1.0, "sklearn scipy xgboost lightgbm catboost"),
    (Category.MODEL, 0.5, "jax tensorflow keras flax"),
)
LIBRARIES: Mapping[str, tuple[Category, float]] = {
    library: (category, weight) for category, weight, libraries in _LIBRARIES for library in libraries.split()
}
"""Top-level package that raised -> what its errors are mostly about, and how much that says."""
