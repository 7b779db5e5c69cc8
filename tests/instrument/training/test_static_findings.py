"""Small real programs that are put together wrongly: what is said of them, and when."""

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812
from torch.utils.data import Dataset  # noqa: E402

from tests.instrument.training.put_together import fit, samples, tabular  # noqa: E402


def softmax_before_cross_entropy():
    x, classes, _ = samples()
    model = tabular(3, nn.Softmax(dim=-1))
    fit(model, lambda a, b: F.cross_entropy(model(a), b), x, classes)


def sigmoid_before_logits_loss():
    x, classes, _ = samples()
    model = tabular(1, nn.Sigmoid())
    loss = nn.BCEWithLogitsLoss()
    fit(model, lambda a, b: loss(model(a).squeeze(-1), b), x, (classes > 0).float())


def raw_outputs_into_nll():
    x, classes, _ = samples()
    model = tabular()
    fit(model, lambda a, b: F.nll_loss(model(a), b), x, classes)


def probabilities_into_divergence():
    x, classes, _ = samples()
    model = tabular(3, nn.Softmax(dim=-1))
    wanted = F.one_hot(classes, 3) * 0.7 + 0.1
    fit(model, lambda a, b: F.kl_div(model(a), b, reduction="batchmean"), x, wanted)


def broadcast_in_loss():
    x, _, y = samples()
    model = tabular(1)
    fit(model, lambda a, b: F.huber_loss(model(a), b), x, y)


def broadcast_by_hand():
    x, _, y = samples()
    model = tabular(1)
    fit(model, lambda a, b: ((b - model(a)) ** 2).mean(), x, y)


def softmax_over_samples():
    x, classes, _ = samples()
    model = tabular(3, nn.LogSoftmax(dim=0))
    fit(model, lambda a, b: F.nll_loss(model(a), b), x, classes)


def softmax_of_one_unit():
    x, classes, _ = samples()
    model = tabular(1, nn.Softmax(dim=1))
    fit(model, lambda a, b: F.binary_cross_entropy(model(a)[:, 0], b), x, (classes > 0).float())


def relu_on_regression():
    x, _, y = samples()
    model = tabular(1, nn.ReLU())
    fit(model, lambda a, b: F.mse_loss(model(a).squeeze(-1), b), x, y)


def relu_on_logits():
    x, classes, _ = samples()
    model = tabular(3, nn.ReLU())
    fit(model, lambda a, b: F.cross_entropy(model(a), b), x, classes)


def labels_of_minus_one():
    x, classes, _ = samples()
    model = tabular(1)
    loss = nn.BCEWithLogitsLoss()
    fit(model, lambda a, b: loss(model(a)[:, 0], b), x, (classes > 0).float() * 2 - 1)


def dropout_on_output():
    x, classes, _ = samples()
    model = tabular(3, nn.Dropout(0.5))
    fit(model, lambda a, b: F.cross_entropy(model(a), b), x, classes)


def nearly_everything_dropped():
    x, classes, _ = samples()
    model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Dropout(0.95), nn.Linear(32, 3))
    fit(model, lambda a, b: F.cross_entropy(model(a), b), x, classes)


def pixels_left_as_they_are():
    images = torch.randint(0, 256, (256, 1, 8, 8)).float()
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2))
    fit(model, lambda a, b: F.cross_entropy(model(a), b), images, torch.randint(0, 2, (256,)))


def pixels_divided_to_nothing():
    images = torch.randint(0, 255, (256, 1, 8, 8))
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2))
    fit(model, lambda a, b: F.cross_entropy(model((a // 255).float()), b), images, torch.randint(0, 2, (256,)))


def targets_of_thousands():
    x, _, y = samples()
    model = tabular(1)
    fit(model, lambda a, b: F.mse_loss(model(a)[:, 0], b), x, y * 4e4 + 2e5)


class SameSample(Dataset):
    """Does not look at the index."""

    def __len__(self):
        return 256

    def __getitem__(self, index):
        return torch.arange(20.0) / 20, 1


def the_same_sample():
    model = tabular()
    fit(model, lambda a, b: F.cross_entropy(model(a), b), SameSample())


def sorted_by_class():
    x, classes, _ = samples()
    x, classes = torch.cat([x] * 4), torch.cat([classes] * 4)
    order = classes.argsort()
    model = tabular()
    fit(model, lambda a, b: F.cross_entropy(model(a), b), x[order], classes[order], shuffle=False)


def evaluation_mode():
    x, classes, _ = samples()
    model = nn.Sequential(nn.Linear(20, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 3)).eval()
    fit(model, lambda a, b: F.cross_entropy(model(a), b), x, classes)


def no_activation():
    x, classes, _ = samples()
    model = nn.Sequential(nn.Linear(20, 32), nn.Dropout(0.1), nn.Linear(32, 32), nn.Linear(32, 3))
    fit(model, lambda a, b: F.cross_entropy(model(a), b), x, classes)


def rate_of_one():
    x, classes, _ = samples()
    model = tabular()
    optimizer = torch.optim.AdamW(model.parameters(), 1.0)
    fit(model, lambda a, b: F.cross_entropy(model(a), b), x, classes, optimizer=optimizer)


def loss_made_anew():
    x, _, y = samples()
    model = tabular(1)
    fit(model, lambda a, b: torch.tensor(F.mse_loss(model(a)[:, 0], b).item(), requires_grad=True), x, y)


def sigmoid_twice():
    x, classes, _ = samples()
    model = tabular(1, nn.Sigmoid())
    fit(model, lambda a, b: F.binary_cross_entropy(torch.sigmoid(model(a))[:, 0], b), x, (classes > 0).float())


def recurrent_in_evaluation_mode():
    x, classes, _ = samples()
    layer, head = nn.LSTM(4, 8, 2, dropout=0.5, batch_first=True), nn.Linear(8, 3)
    model = nn.ModuleList([layer, head]).eval()
    fit(model, lambda a, b: F.cross_entropy(head(layer(a.view(-1, 5, 4))[0][:, -1]), b), x, classes)


FAULTY = [
    (loss_made_anew, "loss.detached"),
    (sigmoid_twice, "loss.probabilities_twice"),
    (recurrent_in_evaluation_mode, "training.eval_mode"),
    (softmax_before_cross_entropy, "loss.expects_logits"),
    (sigmoid_before_logits_loss, "loss.expects_logits"),
    (raw_outputs_into_nll, "loss.expects_log_probabilities"),
    (probabilities_into_divergence, "loss.expects_log_probabilities"),
    (broadcast_in_loss, "loss.broadcast"),
    (broadcast_by_hand, "loss.broadcast"),
    (softmax_over_samples, "loss.softmax_dimension"),
    (softmax_of_one_unit, "loss.softmax_dimension"),
    (relu_on_regression, "loss.output_range"),
    (relu_on_logits, "loss.bounded_logits"),
    (labels_of_minus_one, "loss.target_range"),
    (dropout_on_output, "model.dropout_output"),
    (nearly_everything_dropped, "model.dropout_chance"),
    (pixels_left_as_they_are, "data.unnormalised_input"),
    (pixels_divided_to_nothing, "data.constant_input"),
    (targets_of_thousands, "data.target_scale"),
    (the_same_sample, "data.repeated_batch"),
    (sorted_by_class, "data.constant_target"),
    (evaluation_mode, "training.eval_mode"),
    (no_activation, "model.no_activation"),
    (rate_of_one, "optimizer.learning_rate"),
]


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize(("program", "rule"), FAULTY, ids=[program.__name__ for program, _ in FAULTY])
def test_what_is_put_together_wrongly_is_named_within_a_few_steps(watched, program, rule):
    program()

    found = {finding.rule: where["step"] for finding, where in reversed(watched.found)}
    assert rule in found
    assert found[rule] <= 4
