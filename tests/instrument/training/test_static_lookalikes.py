"""Small real programs that look as if they were put together wrongly, and are not."""

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

from otel_mldebug.rules.detectors.statics import FAMILIES  # noqa: E402
from tests.instrument.training.put_together import STEPS, fit, samples, tabular  # noqa: E402

OURS = frozenset((
    *FAMILIES, "training.eval_mode", "data.constant_target", "data.shifted_labels", "data.target_is_input",
    "data.batch_of_one", "model.no_activation", "model.dropout_chance", "optimizer.momentum", "optimizer.weight_decay",
))  # fmt: skip


def probabilities_where_they_are_wanted():
    x, classes, _ = samples()
    model = tabular(1, nn.Sigmoid())
    loss = nn.BCELoss()
    fit(model, lambda a, b: loss(model(a)[:, 0], b), x, (classes > 0).float())


def attention_to_one_place():
    x, classes, _ = samples()
    layer = nn.TransformerEncoderLayer(20, 2, 16, batch_first=True)
    model = nn.ModuleList([layer, nn.Linear(20, 3)])
    fit(model, lambda a, b: F.cross_entropy(model[1](layer(a[:, None])[:, 0]), b), x, classes)


def right_one_at_place_zero():
    x, classes, _ = samples()
    model, queue = tabular(16), F.normalize(torch.randn(64, 16), dim=1)

    def loss(a, _):
        z, key = F.normalize(model(a), dim=1), F.normalize(model(a).detach(), dim=1)
        logits = torch.cat([(z * key).sum(1, keepdim=True), z @ queue.T], 1) / 0.1
        return F.cross_entropy(logits, torch.zeros(len(a), dtype=torch.long))

    fit(model, loss, x, classes)


def all_pairs_on_purpose():
    _, _, y = samples()
    model = tabular(1)

    def loss(values):
        made, real = model(torch.randn(len(values), 20)), values[:, None]
        return 2 * (made - real.T).abs().mean() - (made - made.T).abs().mean() - (real - real.T).abs().mean()

    fit(model, loss, y)


def student_of_a_teacher():
    x, classes, _ = samples()
    teacher, model = tabular(3, nn.Dropout(0.95)).eval(), tabular()

    def loss(a, b):
        with torch.no_grad():
            soft = F.softmax(teacher(a) / 2, dim=-1)
        logits = model(a)
        return F.kl_div(F.log_softmax(logits / 2, dim=-1), soft, reduction="batchmean") + F.cross_entropy(logits, b)

    fit(model, loss, x, classes)


def fine_tuning_with_fixed_normalisation():
    x, classes, _ = samples()
    model = nn.Sequential(nn.Linear(20, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 3))
    model[1].eval()
    fit(model, lambda a, b: F.cross_entropy(model(a), b), x, classes)


def all_data_at_once():
    x, classes, _ = samples()
    model = tabular()
    fit(model, lambda a, b: F.cross_entropy(model(a), b), x, classes, shuffle=False, size=256)


def the_same_order_in_each_pass():
    x, classes, _ = samples()
    model = tabular()
    fit(model, lambda a, b: F.cross_entropy(model(a), b), x[:32], classes[:32], shuffle=False)


def a_first_state_of_zeros():
    tokens = torch.randint(0, 30, (128, 7))
    model = nn.ModuleList([nn.Embedding(30, 16), nn.GRU(16, 16, batch_first=True), nn.Linear(16, 30)])

    def loss(a):
        return F.cross_entropy(model[2](model[1](model[0](a[:, :-1]))[0]).transpose(1, 2), a[:, 1:])

    fit(model, loss, tokens)


def scaled_by_the_model():
    images = torch.randint(0, 256, (256, 1, 8, 8))
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2))
    fit(model, lambda a, b: F.cross_entropy(model(a / 255), b), images, torch.randint(0, 2, (256,)))


def normalised_by_the_model():
    images = torch.rand(32, 1, 8, 8) * 255
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.InstanceNorm2d(4, affine=True), nn.ReLU(), nn.Conv2d(4, 1, 1))
    fit(model, lambda a: F.mse_loss(model(a), a[:, :, 1:-1, 1:-1] / 255), images, size=1)


def narrow_in_the_middle():
    x, _, _ = samples()
    model = nn.Sequential(nn.Linear(20, 4), nn.Linear(4, 20))
    fit(model, lambda a: F.mse_loss(model(a), a), x)


HEALTHY = [
    probabilities_where_they_are_wanted, attention_to_one_place, right_one_at_place_zero, all_pairs_on_purpose,
    student_of_a_teacher, fine_tuning_with_fixed_normalisation, all_data_at_once, the_same_order_in_each_pass,
    a_first_state_of_zeros, scaled_by_the_model, normalised_by_the_model, narrow_in_the_middle,
]  # fmt: skip


@pytest.mark.parametrize("program", HEALTHY, ids=lambda program: program.__name__)
def test_what_only_looks_like_it_is_left_alone(watched, program):
    program()

    assert len(watched.steps) >= STEPS
    assert [rule for rule in watched.rules() if rule in OURS] == []
