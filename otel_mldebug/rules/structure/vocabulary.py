"""The words of each category, by how much they say. Data: the one place to add a word.

Words are whole words of the message and of the class name, in lower case, camel case and snake case taken apart; those
with an underscore or a blank are looked for as they are.
"""

from collections.abc import Mapping

from otel_mldebug.semconv.names import Category

WORDS: Mapping[Category, tuple[str, str, str]] = {
    Category.MEMORY: (
        "oom out_of_memory outofmemory bad_alloc cudamalloc malloc alloc",
        "memory allocate allocation allocator ram swap",
        "heap buffer bytes",
    ),
    Category.GRADIENT: (
        "gradient gradients autograd requires_grad grad_fn retain_graph backward differentiable differentiated inplace "
        "in-place create_graph vjp jvp gradcheck grad",
        "leaf backpropagation derivative saved detach checkpointing",
        "graph version",
    ),
    Category.LOSS: (
        "loss losses criterion cross_entropy crossentropy nll bce nll_loss bceloss ctc kl_div loss_fn divergence "
        "target",
        "reduction ignore_index hinge mse nan class_probabilities",
        "logits label class_weight",
    ),
    Category.OPTIMIZATION: (
        "optimizer optimizers scheduler lr_scheduler param_groups learning_rate gradscaler unscale_ adam adamw sgd "
        "lbfgs momentum weight_decay optim hyperparameter optimize",
        "lr betas warmup scaler closure convergence converge iterations",
        "eps epsilon",
    ),
    Category.TRAINING: (
        "trainer training_step trainingarguments fit training early_stopping max_steps finetuning fine-tuning "
        "fine-tune eval_dataset train_dataset eval_strategy evaluation_strategy save_strategy "
        "overwrite_output_dir",
        "train callback callbacks epoch epochs checkpointing resume accumulation convergence converge",
        "step loop",
    ),
    Category.EVALUATION: (
        "metric metrics auroc auc roc preds pred y_true y_pred y_score f1 bleu rouge scorer confusion compute_metrics "
        "torchmetrics mape perplexity multiclass",
        "precision recall accuracy evaluate evaluation predictions references multiclass multilabel validation_step",
        "average score binary classes",
    ),
    Category.INFERENCE: (
        "generate generation vllm max_new_tokens max_model_len sampling beam beams kv_cache inference serving "
        "onnxruntime tensorrt llm tgi prompt prompts max_tokens generationconfig completion logits_processor "
        "max_context_length",
        "decoding engine tokens request_id overloaded stream chat max_length input_ids next_token token_scores",
        "predict context pipeline",
    ),
    Category.MODEL: (
        "dtype shape shapes dimension dimensions device mat1 mat2 conv conv2d embedding attention hidden_size "
        "bfloat16 half float16 in_features in_channels batchnorm rnn lstm layernorm num_heads",
        "tensor dim channel running_mean running_var running spatial rank-2 size sizes layer layers module cuda "
        "matmul input hidden channels architecture forward broadcast reshape view stride contiguous",
        "model weight type output",
    ),
    Category.MODEL_LOADING: (
        "state_dict checkpoint checkpoints safetensors pretrained from_pretrained load_state_dict weights gguf "
        "unpickling pickle_module pytorch_model revision repo_id gated weights_only ggml lora adapter adapter_config "
        "model_type deserialize deserializing pytorchstreamreader unpickler",
        "config tokenizer quantized quantization gptq awq repo repository hub huggingface load loading keys magic "
        "deserializing unpickle pickle snapshot",
        "architecture file model zip archive",
    ),
    Category.DATA: (
        "dataset datasets dataloader collate csv parquet column columns dataframe decode jpeg png annotation "
        "annotations bbox tokenization arrow row rows sampler iterabledataset split splits samples ndarray codec jsonl "
        "num_samples",
        "image images audio video numpy array arrays batch sample data label labels feature features "
        "file_path unicode json index indices delimiter transform series truncated padding truncation entry",
        "line field list string float sequence key",
    ),
    Category.INPUT_VALIDATION: (
        "argument arguments kwargs validation schema pydantic invalid positional keyword argparse choices yaml "
        "jsonschema hydra omegaconf unrecognized",
        "must expected required option options parameter parameters valid specify specified either should config "
        "setting value allowed field fields",
        "got missing type unsupported range between",
    ),
    Category.NETWORK: (
        "connection network socket dns ssl tls certificate proxy http https url urlopen resolve unreachable handshake "
        "download downloading hostname connect websocket retries",
        "host port credential request response remote server client reset refused api peer",
        "fetch address status",
    ),
    Category.TIMEOUT: (
        "timeout timeouterror deadline timed_out timedout",
        "timed elapsed expired waiting",
        "wait seconds late",
    ),
    Category.DISTRIBUTED: (
        "nccl gloo mpi rank ranks world_size process_group processgroup allreduce all_reduce allgather all_gather "
        "collective collectives ddp fsdp deepspeed torchrun rendezvous master_addr master_port tcpstore c10d sharded "
        "sharding horovod megatron distributed multi-gpu dtensor device_mesh zero3 zero_optimization ncclcommabort "
        "flatparameter "
        "rendezvousconnectionerror distributeddataparallel pipeline_parallel tensor_parallel data_parallel",
        "parallel shard shards node nodes barrier elastic broadcasting replicas gpus launcher spawn",
        "process local_rank master world",
    ),
    Category.DEPENDENCY: (
        "import install installed installation package packages version versions compiled libcudart libcudnn glibc "
        "glibcxx undefined_symbol dll driver nvcc toolkit pip conda deprecated wheel abi cudnn_version rebuild "
        "reinstall dlopen shared_object nvrtc cxx11 ptx sm_ kernel_image triton importlib",
        "cudnn cublas cusolver cufft nvml compute_capability library libraries requires module upgrade downgrade "
        "build extension binary compile compiler removed cpp_extension ninja cuda_home backend available",
        "support supported attribute symbol incompatible",
    ),
    Category.SYSTEM: (
        "disk permission denied sigkill sigterm sigsegv segfault segmentation semaphore fork errno shm filesystem "
        "quota read-only ulimit killed subprocess executable core_dumped",
        "directory process processes space os signal path shell command exit daemon thread threads pipe worker",
        "file system device open",
    ),
}

PHRASES: Mapping[Category, tuple[str, ...]] = {
    Category.MEMORY: ("out of memory", "not enough memory", "memory limit", "cannot allocate"),
    Category.GRADIENT: (
        "does not require grad",
        "computation graph",
        "backward through",
        "saved tensors",
        "in-place operation",
        "double backward",
        "anomaly",
    ),
    Category.LOSS: ("loss function", "target size", "is nan", "non-finite", "not finite"),
    Category.OPTIMIZATION: (
        "learning rate",
        "parameter group",
        "empty parameter list",
        "inf checks",
        "total steps",
        "did not converge",
        "loss scale",
    ),
    Category.TRAINING: (
        "training loop",
        "gradient accumulation",
        "batch size",
        "train_dataloader",
        "mixed precision",
        "early stopping",
        "fine-tun",
    ),
    Category.EVALUATION: ("no positive", "only one class", "ill-defined", "ground truth", "average precision"),
    Category.INFERENCE: (
        "context length",
        "sequence length",
        "key-value cache",
        "inference server",
        "engine process",
        "probability tensor",
        "kv cache",
        "token limit",
        "model server",
        "is overloaded",
        "chat template",
        "stop words",
        "engine core",
        "maximum context",
    ),
    Category.MODEL: (
        "size mismatch",
        "same device",
        "same dtype",
        "target module",
        "scalar type",
        "must match the size",
        "hidden size",
        "shape mismatch",
        "not implemented for",
        "neural network",
    ),
    Category.MODEL_LOADING: (
        "state dict",
        "missing key",
        "unexpected key",
        "copying a param",
        "config.json",
        "model file",
        "load tokenizer",
        "from checkpoint",
        "model identifier",
        "pytorch_model.bin",
        ".safetensors",
        "model weights",
        "unrecognized model",
        "newly initialized",
    ),
    Category.DATA: (
        "data set",
        "num_samples",
        "training data",
        "image file",
        "column names",
        "line contains",
        "codec can't decode",
        "index out of range",
        "out of bounds",
    ),
    Category.INPUT_VALIDATION: (
        "must be",
        "expected one of",
        "not a valid",
        "is required",
        "should be",
        "got an unexpected",
        "you must",
        "please provide",
        "please specify",
        "at least one of",
        "mutually exclusive",
        "validation error",
    ),
    Category.NETWORK: (
        "max retries",
        "name or service",
        "name resolution",
        "remote end closed",
        "certificate verify",
        "internet",
        "client error",
        "server error",
        "bad gateway",
        "too many requests",
        "connection reset",
    ),
    Category.TIMEOUT: ("timed out", "time out", "took too long", "deadline exceeded", "did not respond"),
    Category.DISTRIBUTED: (
        "process group",
        "parallel group",
        "model parallel",
        "multiple gpus",
        "data parallel",
        "tensor parallel",
        "pipeline parallel",
        "device mesh",
        "multiple devices",
        "all ranks",
        "some ranks",
        "each rank",
        "address already in use",
    ),
    Category.DEPENDENCY: (
        "no module named",
        "compute capability",
        "cannot import",
        "not installed",
        "pip install",
        "undefined symbol",
        "not compiled with",
        "shared object",
        "requires the",
        "is required but",
        "not available",
        "newer version",
        "older version",
        "binary incompatibility",
        "no kernel image",
        "has been removed",
        "is deprecated",
    ),
    Category.SYSTEM: (
        "no space left",
        "permission denied",
        "no such file",
        "too many open files",
        "read-only file",
        "shared memory",
        "resource temporarily",
        "operation not permitted",
        "broken pipe",
        "exit code",
        "file exists",
        "core dumped",
    ),
}
