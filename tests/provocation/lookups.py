"""What looks for something and does not find it: keys, indices, attributes, None."""

import random
import re

from tests.provocation.case import Table, World

case = Table()


@case("data", "unknown", remedy="pattern|none|match|path")
def group_of_no_match(_: World) -> object:
    return re.match("epoch", "step 3").group()  # type: ignore[union-attr]


@case("gradient", "unknown", needs="torch", remedy="is not None|backward|requires_grad")
def gradient_that_is_not_there(_: World) -> object:
    import torch

    return torch.nn.Linear(2, 2).weight.grad.data  # type: ignore[union-attr]


@case("data", "model", needs="numpy", remedy="shape|dimension")
def more_indices_than_dimensions(_: World) -> object:
    import numpy as np

    return np.zeros(3)[0, 1]


@case("data", "model", needs="numpy", remedy="shape|empty")
def last_of_an_empty_array(_: World) -> object:
    import numpy as np

    return np.zeros((0, 4))[-1]


@case("data", "input_validation model", needs="numpy", remedy="transpose|axes")
def axes_of_another_array(_: World) -> object:
    import numpy as np

    return np.transpose(np.zeros((4, 4)), (2, 0, 1))


@case("data", "system", needs="numpy", remedy="copy")
def writing_into_an_array_that_is_read_only(_: World) -> None:
    import numpy as np

    fixed = np.zeros(3)
    fixed.flags.writeable = False
    fixed[0] = 1


@case("data", "model", needs="torch", remedy="empty|shape")
def first_of_an_empty_tensor(_: World) -> object:
    import torch

    return torch.zeros(0, 4)[0]


@case("data", remedy="column|key|rename|map")
def field_that_a_sample_lacks(_: World) -> object:
    return {"text": "a"}["input_ids"]


@case("model_loading", needs="torch", remedy="checkpoint|key|state_dict")
def weight_that_a_checkpoint_lacks(_: World) -> object:
    import torch

    return torch.nn.Linear(2, 2).state_dict()["layer1.0.bn1.running_mean"]


@case("training", "evaluation", remedy="log|keys|name")
def metric_that_was_not_logged(_: World) -> object:
    return {"loss": 0.5}["val_loss"]


@case("dependency", "data", needs="pandas", remedy="concat|version|pandas<2")
def method_that_pandas_no_longer_has(_: World) -> object:
    import pandas as pd

    return pd.DataFrame({"a": [1]}).append({"a": 2})  # type: ignore[operator]


@case("data", "input_validation", remedy="crop|size|resize|empty")
def crop_that_is_larger_than_the_image(_: World) -> object:
    return random.randrange(0, 32 - 64)


@case("dependency", "model_loading", needs="transformers torch", remedy="version|upgrade|pin")
def field_that_a_configuration_lacks(_: World) -> object:
    from transformers import BertConfig

    return BertConfig().rope_frobnication


@case("data", "input_validation", needs="transformers torch", remedy="resample|sampling_rate")
def audio_of_another_rate(_: World) -> object:
    import numpy as np
    from transformers import Wav2Vec2FeatureExtractor

    return Wav2Vec2FeatureExtractor()(np.zeros(100, dtype="float32"), sampling_rate=44100)


@case("evaluation", "input_validation", needs="torchmetrics torch", remedy="task=|num_classes")
def metric_without_a_task(_: World) -> object:
    from torchmetrics import Accuracy

    return Accuracy()  # type: ignore[call-arg]
