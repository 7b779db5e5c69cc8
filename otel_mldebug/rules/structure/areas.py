"""What helps with most failures of a category: said when only the category is known. Data: one row for each."""

from collections.abc import Mapping
from typing import NamedTuple

from otel_mldebug.semconv.names import Category, Severity


class Area(NamedTuple):
    """Cause, remedies and prevention that hold for most failures of one category, and how bad those usually are."""

    summary: str
    cause: str
    solutions: tuple[str, ...]
    prevention: str
    severity: Severity = Severity.ERROR
    retryable: bool = False


AREAS: Mapping[Category, Area] = {
    Category.MEMORY: Area(
        "An allocation failed or memory ran out",
        "The program asks for more memory (GPU or RAM) than is free, at once or by growing from step to step.",
        (
            "Use a smaller batch size, shorter sequences or smaller images, with gradient accumulation.",
            "Use mixed precision (bfloat16), gradient checkpointing, or a smaller or quantized model.",
            "Load data lazily, use fewer workers, and free what is no longer needed (del, torch.cuda.empty_cache()).",
            "Stop other processes that use the memory (nvidia-smi, top), or raise the limit of the container or the "
            "swap.",
        ),
        "Watch memory over the steps, and keep a reserve.",
        Severity.CRITICAL,
    ),
    Category.GRADIENT: Area(
        "Gradients could not be computed",
        "The graph that backward needs is missing, already freed, or was changed by an in-place operation.",
        (
            "Check that the parameters have requires_grad=True and that the loss depends on them: no detach(), "
            ".item(), "
            ".numpy() or torch.no_grad() in between.",
            "Call backward once for each forward pass, or pass retain_graph=True if the graph is really used twice.",
            "Replace in-place operations (+=, relu(inplace=True), x[i] = …) by out-of-place ones, or clone() before "
            "them.",
            "Find the place with torch.autograd.set_detect_anomaly(True).",
        ),
        "Test that one step gives every trainable parameter a finite gradient.",
    ),
    Category.LOSS: Area(
        "The loss could not be computed or is not usable",
        "Predictions and targets do not fit the loss in shape, dtype or range, or the values are not finite.",
        (
            "Compare shape and dtype of predictions and targets with what the loss documents: class indices as long, "
            "other targets as float of the same shape as the input.",
            "Check that labels lie between 0 and the number of classes - 1 (or are ignore_index), and that the last "
            "layer has as many outputs as there are classes.",
            "For NaN or infinity: lower the learning rate, clip gradients, check the data, use the losses with logits.",
        ),
        "Check one batch's targets (shape, dtype, minimum, maximum) before training.",
    ),
    Category.OPTIMIZATION: Area(
        "The optimizer, scheduler or scaler was used in a way it cannot work",
        "Parameters, their groups, the order of calls, or a hyperparameter does not fit the optimizer or scheduler.",
        (
            "Check what was passed to the optimizer: an iterable of parameters that is not empty, made after the model "
            "has its final layers and device.",
            "Keep the order: scaler.scale(loss).backward(), scaler.unscale_, clip, scaler.step(optimizer), "
            "scaler.update(), then scheduler.step().",
            "Check the hyperparameters (lr, betas, eps, weight_decay, warm-up and total steps): lower the learning "
            "rate.",
            "When resuming, load the optimizer's state only into the same model and parameter groups.",
        ),
        "Save and restore model, optimizer, scheduler and scaler together.",
    ),
    Category.TRAINING: Area(
        "The training loop or its configuration is wrong",
        "A setting of the trainer or a hook of the training loop does not fit the rest, or the numbers went bad.",
        (
            "Compare the trainer's arguments with the documentation of the installed version; upgrade or downgrade the "
            "library if they changed.",
            "Check batch size, number of steps, gradient accumulation, precision and the checkpoint that is resumed.",
            "Reproduce with one small batch on the CPU, where the traceback is exact.",
        ),
        "Run a few steps (fast_dev_run, max_steps=2) with the whole configuration before a long job.",
    ),
    Category.EVALUATION: Area(
        "A metric or the evaluation failed",
        "Predictions and references do not fit the metric: shapes, kinds of labels, a missing class, or empty input.",
        (
            "Check shapes and kinds: y_true and y_pred of equal length, labels for accuracy and F1, probabilities or "
            "scores for AUC.",
            "Pass average= (macro, micro, weighted), labels= or num_classes= for more than two classes, and "
            "zero_division= where a class has no samples.",
            "Check that the evaluation set is not empty and holds every class; remove NaN from the predictions.",
        ),
        "Compute the metrics on a small sample with a known answer in a test.",
    ),
    Category.INFERENCE: Area(
        "Generation or serving failed",
        "The request does not fit the limits of the model or the server, or the server is not able to answer now.",
        (
            "Shorten the prompt or lower max_new_tokens, so that both fit the context length (max_model_len) of the "
            "model.",
            "Check the generation settings (do_sample, temperature, top_p, pad_token_id) and the chat template.",
            "Look at the server's own log, lower concurrency and batch size, raise gpu_memory_utilization, or retry "
            "with "
            "back-off when it is overloaded.",
            "Compare the versions of server, client, driver and model format; upgrade or downgrade what does not fit.",
        ),
        "Validate requests against the model's limits before they reach the model.",
    ),
    Category.MODEL: Area(
        "Shapes, element types, devices or layers do not fit together",
        "An input, or a part of the model, has another shape, dtype or device than the operation needs.",
        (
            "Print shape, dtype and device of the inputs just before the failing call, and compare with what the layer "
            "was made for.",
            "Fix shapes with reshape, permute, unsqueeze or other layer sizes (in_features, in_channels, hidden size).",
            "Bring all to one dtype with .to(dtype) or autocast (indices and labels are int64, torch.long), and to one "
            "device with .to(device).",
            "Check that the operation takes this batch size and kind of input at all, and that the versions of the "
            "model's code and of the library belong together: upgrade or downgrade one of them.",
        ),
        "Run one batch through the model in a test, with assertions on shape, dtype and device.",
    ),
    Category.MODEL_LOADING: Area(
        "A model, its weights or its files could not be loaded",
        "A file of the model is missing, incomplete or in another format, the name is wrong, or the weights belong to "
        "another architecture or version.",
        (
            "Check the name or path of the model and that all its files are there (config.json, tokenizer, weights).",
            "Download it again (force_download=True, delete the cache): a broken download or a Git LFS pointer looks "
            "like a corrupt file.",
            "Upgrade transformers, safetensors and torch to the version that the checkpoint needs.",
            "Build the model with the configuration that the weights were trained with; strict=False or "
            "ignore_mismatched_sizes=True leaves out what does not fit.",
            "Log in (hf auth login, HF_TOKEN) for private or gated repositories.",
        ),
        "Pin revisions of models, keep checksums, and save checkpoints atomically.",
    ),
    Category.DATA: Area(
        "A piece of data is not what the code expects",
        "A sample, column, file or batch is missing, empty, corrupt, or of another format, length or type.",
        (
            "Find the sample: iterate over the dataset without the model, with num_workers=0, and print what fails "
            "(shape, dtype, label, annotation).",
            "Check names and types of columns, the number of rows, encoding, separators and missing values.",
            "Skip, repair or download again files that are corrupt or empty.",
            "Pad or truncate in the collate function, so that the samples of a batch have equal sizes.",
        ),
        "Validate the whole data set once before training.",
    ),
    Category.INPUT_VALIDATION: Area(
        "An argument or setting is not acceptable",
        "A value has the wrong type, range, name or combination for the function, request or configuration.",
        (
            "Compare name, type and range of the value with the function's signature and the documentation of the "
            "installed version.",
            "Print the value just before the call; convert it or set it to one of the allowed values.",
            "If the code is older or newer than the library, upgrade or downgrade one of them.",
        ),
        "Validate configuration and arguments at the start of the program.",
    ),
    Category.NETWORK: Area(
        "A connection or request over the network failed",
        "The other side is unreachable, refuses, or answers with an error; or a name, proxy or certificate is wrong.",
        (
            "Try again with exponential back-off: many such failures pass.",
            "Check URL, host, port, DNS, proxy (HTTP_PROXY, HTTPS_PROXY), firewall and internet access from this "
            "machine.",
            "Check credentials and permissions (token, login) for answers such as 401 and 403.",
            "Work offline with a local copy or cache, or use a mirror.",
        ),
        "Retry with back-off, cache downloads, and check access before the job starts.",
        Severity.ERROR,
        True,
    ),
    Category.TIMEOUT: Area(
        "Something did not answer in time",
        "The other side is slow, overloaded, stuck or unreachable, or the limit is too short.",
        (
            "Try again, with back-off.",
            "Raise the timeout.",
            "Check that the other side is alive, reachable over the network, and not overloaded.",
        ),
        "Set timeouts on purpose, and measure how long the call usually takes.",
        Severity.WARNING,
        True,
    ),
    Category.DISTRIBUTED: Area(
        "Processes that work together do not agree or lost each other",
        "Ranks were started, configured or sharded differently, one of them failed first, or they cannot reach each "
        "other.",
        (
            "Look for the first error in the logs of all ranks: the others usually only follow it.",
            "Check MASTER_ADDR, MASTER_PORT, WORLD_SIZE and the launcher (torchrun), and that every rank calls the "
            "same "
            "collectives in the same order.",
            "Set NCCL_DEBUG=INFO and TORCH_DISTRIBUTED_DEBUG=DETAIL; set NCCL_SOCKET_IFNAME or GLOO_SOCKET_IFNAME to "
            "the "
            "right network interface.",
            "Try one GPU or one node, and the same versions of torch, NCCL and driver everywhere.",
        ),
        "Start all ranks from one launcher with one environment, and test with two ranks on the CPU (gloo).",
    ),
    Category.DEPENDENCY: Area(
        "Packages, drivers or binaries are missing or do not match",
        "A package is not installed, or two packages (or package, CUDA toolkit and driver) are of versions that do "
        "not fit.",
        (
            "Install what is missing, into the environment of the interpreter that runs.",
            "Upgrade or downgrade (pin) the packages to versions that belong together; pip check and pip list show "
            "them.",
            "Reinstall packages with compiled parts for your versions of Python, torch and CUDA.",
            "Check the driver (nvidia-smi) against the CUDA version of the build (torch.version.cuda).",
        ),
        "Keep a lock file, and build environments from it.",
    ),
    Category.SYSTEM: Area(
        "The operating system refused or ended something",
        "A file, permission, process, limit or disk is not as the program needs it.",
        (
            "Check path, permissions and free space: ls -l, df -h, id.",
            "Check limits (ulimit -a) and the system's log (dmesg, journalctl) for killed processes.",
            "Check that another process does not hold the file, port, lock or device, and try again.",
            "Reinstall or upgrade drivers and packages with native code that crash.",
        ),
        "Check paths, permissions and space at the start of the program.",
    ),
}
