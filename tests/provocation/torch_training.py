"""Autograd, losses, optimizers and schedulers."""

from tests.provocation.case import Table

case = Table("torch")


def _parameters():
    import torch

    return [torch.nn.Parameter(torch.ones(2))]


@case("gradient", "model", remedy="detach")
def numpy_of_a_tensor_that_needs_gradients(world):
    _parameters()[0].numpy()


@case("gradient", remedy="no_grad|in-place|inplace|clone")
def leaf_changed_in_place(world):
    _parameters()[0].add_(1)


@case("gradient", remedy="in-place|inplace|clone")
def value_needed_by_backward_changed_in_place(world):
    y = _parameters()[0].exp()
    y.add_(1)
    y.sum().backward()


@case("gradient", remedy="retain_graph|twice|detach")
def backward_twice(world):
    loss = _parameters()[0].exp().sum()
    loss.backward()
    loss.backward()


@case("gradient", remedy="requires_grad|no_grad|detach|frozen")
def backward_of_a_constant(world):
    import torch

    torch.ones(2).sum().backward()


@case("gradient", "loss", remedy="mean()|sum()|scalar|reduc")
def backward_of_several_values(world):
    _parameters()[0].exp().backward()


@case("gradient", remedy="allow_unused|unused|not used")
def gradient_of_what_was_not_used(world):
    import torch

    a, b = _parameters()[0], _parameters()[0]
    torch.autograd.grad(a.sum(), [a, b])


@case("gradient", "inference model", remedy="clone|inference_mode|no_grad")
def inference_tensor_in_training(world):
    import torch

    with torch.inference_mode():
        x = torch.ones(2)
    (_parameters()[0] * x).sum().backward()


@case("gradient", "loss", severity="critical", remedy="eps|nan|clamp|sqrt")
def anomaly_found_in_backward(world):
    import torch

    x = torch.zeros(1, requires_grad=True)
    with torch.autograd.detect_anomaly(check_nan=True):
        (x.sqrt() * 0).sum().backward()


@case("gradient", "model", remedy="backward|return|gradient")
def own_function_with_too_many_gradients(world):
    import torch

    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            return grad, grad

    Twice.apply(_parameters()[0]).sum().backward()


@case("gradient", "model", remedy="detach|clone")
def deep_copy_of_a_computed_tensor(world):
    import copy

    copy.deepcopy(_parameters()[0] * 2)


@case("gradient", "model", remedy="float")
def gradient_for_integers(world):
    import torch

    torch.zeros(2, dtype=torch.int64, requires_grad=True)


@case("gradient", "training optimization loss", severity="critical", remedy="clip|learning rate|nan|finite")
def norm_that_is_not_finite(world):
    import torch

    parameters = _parameters()
    parameters[0].grad = torch.tensor([float("nan"), 1.0])
    torch.nn.utils.clip_grad_norm_(parameters, 1.0, error_if_nonfinite=True)


@case("loss", remedy="class|label")
def label_beyond_the_classes(world):
    import torch

    torch.nn.functional.cross_entropy(torch.zeros(2, 3), torch.tensor([0, 3]))


@case("loss", remedy="batch|shape")
def labels_of_another_batch(world):
    import torch

    torch.nn.functional.cross_entropy(torch.zeros(4, 3), torch.zeros(3, dtype=torch.int64))


@case("loss", remedy="long|dtype|int64|float")
def labels_of_another_dtype(world):
    import torch

    torch.nn.functional.cross_entropy(torch.zeros(2, 3), torch.zeros(2))


@case("loss", remedy="squeeze|class ind|one-hot|argmax")
def labels_as_one_hot(world):
    import torch

    torch.nn.functional.nll_loss(torch.zeros(2, 3), torch.zeros(2, 3, dtype=torch.int64))


@case("loss", remedy="sigmoid|withlogits|with_logits")
def probabilities_that_are_logits(world):
    import torch

    torch.nn.functional.binary_cross_entropy(torch.tensor([3.0]), torch.tensor([1.0]))


@case("loss", remedy="shape|squeeze|size")
def binary_targets_of_another_shape(world):
    import torch

    torch.nn.functional.binary_cross_entropy_with_logits(torch.zeros(2, 1), torch.zeros(2))


@case("loss", "model input_validation", remedy="batch|shape|length")
def ctc_lengths_of_another_batch(world):
    import torch

    log_probs = torch.zeros(5, 2, 4).log_softmax(2)
    torch.nn.functional.ctc_loss(log_probs, torch.ones(2, 3, dtype=torch.int64), torch.tensor([5]), torch.tensor([3]))


@case("loss", "model input_validation", remedy="shape|batch|size")
def margin_targets_of_another_size(world):
    import torch

    torch.nn.functional.multi_margin_loss(torch.zeros(2, 3), torch.zeros(5, dtype=torch.int64))


@case("optimization", remedy="requires_grad|model.parameters|frozen|parameters")
def optimizer_without_parameters(world):
    import torch

    torch.optim.Adam([])


@case("optimization", "gradient", remedy="leaf|parameter|detach")
def optimizer_of_a_computed_tensor(world):
    import torch

    torch.optim.SGD([_parameters()[0] * 2], lr=0.1)


@case("optimization", "input_validation training", remedy="learning rate|lr")
def negative_learning_rate(world):
    import torch

    torch.optim.Adam(_parameters(), lr=-1.0)


@case("optimization", "model_loading", remedy="checkpoint|parameter group|architecture|optimizer state")
def optimizer_state_of_another_model(world):
    import torch

    state = torch.optim.SGD(_parameters(), lr=0.1).state_dict()
    torch.optim.SGD(_parameters() + _parameters(), lr=0.1).load_state_dict(state)


@case("optimization", remedy="group|once|twice|duplicate")
def parameter_in_two_groups(world):
    import torch

    parameters = _parameters()
    torch.optim.SGD([{"params": parameters}, {"params": parameters}], lr=0.1)


@case("optimization", remedy="closure")
def lbfgs_without_closure(world):
    import torch

    torch.optim.LBFGS(_parameters()).step()


@case("optimization", "gradient", remedy="dense|sparse")
def sparse_gradients_in_adam(world):
    import torch

    embedding = torch.nn.Embedding(4, 2, sparse=True)
    embedding(torch.tensor([1])).sum().backward()
    torch.optim.Adam(embedding.parameters()).step()


@case("optimization", remedy="total_steps|epochs|steps")
def one_cycle_beyond_its_end(world):
    import torch

    optimizer = torch.optim.SGD(_parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=2)
    for _ in range(3):
        optimizer.step()
        scheduler.step()


@case("optimization", remedy="cycle_momentum|momentum")
def cyclic_rate_without_momentum(world):
    import torch

    torch.optim.lr_scheduler.CyclicLR(torch.optim.Adagrad(_parameters(), lr=0.1), base_lr=0.1, max_lr=1.0)


@case("optimization", "model_loading", remedy="initial_lr|last_epoch")
def scheduler_resumed_without_its_start(world):
    import torch

    torch.optim.lr_scheduler.StepLR(torch.optim.SGD(_parameters(), lr=0.1), 1, last_epoch=5)


@case("optimization", remedy="metric|validation loss|val_loss|loss")
def plateau_scheduler_without_metric(world):
    import torch

    torch.optim.lr_scheduler.ReduceLROnPlateau(torch.optim.SGD(_parameters(), lr=0.1)).step()


@case("optimization", remedy="once|update()")
def gradients_unscaled_twice(world):
    import torch

    parameters = _parameters()
    optimizer, scaler = torch.optim.SGD(parameters, lr=0.1), torch.amp.GradScaler("cpu")
    scaler.scale(parameters[0].sum()).backward()
    scaler.unscale_(optimizer)
    scaler.unscale_(optimizer)


@case("optimization", remedy="backward|gradient|.grad|requires_grad")
def scaler_step_without_gradients(world):
    import torch

    parameters = _parameters()
    optimizer, scaler = torch.optim.SGD(parameters, lr=0.1), torch.amp.GradScaler("cpu")
    scaler.scale(parameters[0].sum())
    scaler.step(optimizer)
