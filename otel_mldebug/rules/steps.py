"""One training step as plain numbers: what detectors look at and what the store keeps."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """One optimizer step. What was not measured in this step is None, never 0.

    Attributes:
        index: Number of the step in this process, from 0.
        time_ns: Wall time at its end, nanoseconds since the epoch.
        duration_s: Wall time from the end of the previous step to the end of this one, data wait included.
        data_s: Waiting for the next batch, seconds.
        forward_s: From the batch to the start of backward, copying the batch and the loss included, seconds.
        backward_s: Inside backward, seconds, summed over the backward calls of the step.
        optimizer_s: Inside the optimizer's step, seconds.
        loss: Objective: unscaled, summed over the backward calls of the step; of those that an optimizer makes itself
            (closures) the first, which is where its step began. May be NaN or infinite.
        gradient_norm: Euclidean norm of all gradients that the optimizer sees. May be NaN or infinite.
        learning_rate: Of the first parameter group.
        samples: Samples in the step's batches.
        epoch: Number of the pass over the data, from 0.
        optimizer: Class of the optimizer, with `#2`, `#3`, … for further ones of one class.
        backward_calls: Backward calls in the step: more than one under gradient accumulation.
        skipped: The gradient scaler skipped the optimizer because of non-finite gradients.
        tokens: Tokens in the step's batches: elements of their two-dimensional tensors of integers.
        shape: Of the first tensor in the latest batch; empty when unknown.
        scale: Factor of the gradient scaler, before this step changed it.
        cpu_s: CPU time of the thread from the record before to this one, seconds, a step.
        memory_bytes: Memory that the process has in use: what its allocator has handed out where that can be asked
            for, else what it occupies without files. Taken now and then.
        device_bytes: Memory that PyTorch has allocated on the GPU.
        device_reserved_bytes: Memory that PyTorch has reserved there, allocated or not.
        device_peak_bytes: The most that it had allocated there at one time.
        gpu_s: Work of the step on the GPU, seconds: from the end of each fetch to the beginning of the next, or the end
            of the step, on the GPU's own timeline. Taken now and then.
        copy_s: Part of `forward_s`: from the batch to the model's forward pass, where the model is on another device
            than the batch. Taken now and then.
        loss_s: Part of `forward_s`: from the end of the model's forward pass to the start of backward. Taken now and
            then.
        prepare_s: Part of `forward_s`: from the end of the step before to the model's forward pass, where no loader was
            asked and the model did nothing meanwhile. Taken now and then.
        sync_s: Part of `backward_s`: waiting for the gradients of the other ranks, as DistributedDataParallel itself
            has measured the share of it in the pass before. Taken now and then.
        gc_s: Python's collection of garbage since the record before, seconds; None for less than a millisecond.
        save_s: Inside `torch.save`, and other functions that write, since the record before, seconds; None for less
            than a millisecond.
        saved_by: The one of these functions that took most of it: `gzip.GzipFile.write`.
        evaluation_loss: Mean loss of the evaluation pass that ended since the record before.
        evaluation_s: How long evaluation passes took since the record before, seconds.
        evaluation_batches: Their batches.
        evaluation_samples: Their samples.
    """

    index: int
    time_ns: int
    duration_s: float
    data_s: float | None = None
    forward_s: float | None = None
    backward_s: float | None = None
    optimizer_s: float | None = None
    loss: float | None = None
    gradient_norm: float | None = None
    learning_rate: float | None = None
    samples: int | None = None
    epoch: int | None = None
    optimizer: str = ""
    backward_calls: int = 1
    skipped: bool = False
    tokens: int | None = None
    shape: str = ""
    scale: float | None = None
    cpu_s: float | None = None
    memory_bytes: int | None = None
    device_bytes: int | None = None
    device_reserved_bytes: int | None = None
    device_peak_bytes: int | None = None
    gpu_s: float | None = None
    copy_s: float | None = None
    loss_s: float | None = None
    prepare_s: float | None = None
    sync_s: float | None = None
    gc_s: float | None = None
    save_s: float | None = None
    saved_by: str = ""
    evaluation_loss: float | None = None
    evaluation_s: float | None = None
    evaluation_batches: int | None = None
    evaluation_samples: int | None = None
