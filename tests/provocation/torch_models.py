"""Models and their inputs: shapes, dtypes, devices."""

from tests.provocation.case import Table

case = Table("torch")


@case("model", remedy="in_features|shape|dimension")
def linear_gets_another_width(world):
    import torch

    torch.nn.Linear(4, 2)(torch.zeros(3, 5))


@case("model", remedy="shape|transpose|dimension")
def matmul_of_shapes_that_do_not_fit(world):
    import torch

    return torch.zeros(2, 3) @ torch.zeros(2, 3)


@case("model", "data", remedy="channel")
def convolution_gets_grey_images(world):
    import torch

    torch.nn.Conv2d(3, 8, 3)(torch.zeros(1, 1, 8, 8))


@case("model", "data input_validation", remedy="kernel|padding|larger")
def convolution_kernel_is_larger_than_the_image(world):
    import torch

    torch.nn.Conv2d(3, 8, 9)(torch.zeros(1, 3, 4, 4))


@case("model", "data input_validation", remedy="batch|unsqueeze|dimension")
def convolution_gets_five_dimensions(world):
    import torch

    torch.nn.Conv2d(3, 8, 3)(torch.zeros(1, 1, 3, 8, 8))


@case("model", "data input_validation", remedy="vocab|num_embeddings|embedding")
def token_id_is_beyond_the_vocabulary(world):
    import torch

    torch.nn.Embedding(10, 4)(torch.tensor([1, 10]))


@case("model", "data input_validation", remedy="long|int64|integer")
def embedding_gets_floats(world):
    import torch

    torch.nn.Embedding(10, 4)(torch.tensor([1.0]))


@case("model", remedy="broadcast|shape|unsqueeze")
def addition_of_sizes_that_do_not_broadcast(world):
    import torch

    return torch.zeros(2, 3) + torch.zeros(2, 4)


@case("model", remedy="reshape|number of elements|flatten|view")
def view_with_another_number_of_elements(world):
    import torch

    torch.zeros(8).view(3, 5)


@case("model", remedy="contiguous|reshape")
def view_of_a_transposed_tensor(world):
    import torch

    torch.zeros(2, 3).t().view(6)


@case("model", "data", remedy="dim|shape|size")
def cat_of_sizes_that_differ(world):
    import torch

    torch.cat([torch.zeros(2, 3), torch.zeros(2, 4)])


@case("data", "model", remedy="pad|collate|same size|resize|equal")
def stack_of_sizes_that_differ(world):
    import torch

    torch.stack([torch.zeros(3), torch.zeros(4)])


@case("model", remedy=".to(|dtype|float()")
def matmul_of_two_dtypes(world):
    import torch

    torch.nn.Linear(4, 2)(torch.zeros(3, 4, dtype=torch.float64))


@case("model", remedy=".to(|dtype|half")
def convolution_in_half_gets_float(world):
    import torch

    torch.nn.Conv2d(3, 8, 3).half()(torch.zeros(1, 3, 8, 8))


@case("model", "model_loading", remedy="to_empty|meta|device")
def meta_tensor_is_copied(world):
    import torch

    torch.nn.Linear(4, 2, device="meta").to("cpu")


@case("model", "model_loading", remedy="meta|device")
def meta_model_gets_cpu_input(world):
    import torch

    torch.nn.Linear(4, 2, device="meta")(torch.zeros(3, 4))


@case("model", "model_loading inference", remedy="meta|device|to_empty")
def value_of_a_meta_tensor(world):
    import torch

    torch.zeros(1, device="meta").item()


@case("model", "data", remedy="input_size|size|shape|dimension")
def lstm_gets_another_width(world):
    import torch

    torch.nn.LSTM(4, 8)(torch.zeros(5, 2, 3))


@case("model", "training data", remedy="drop_last|batch|eval()")
def batch_norm_of_one_sample(world):
    import torch

    torch.nn.BatchNorm1d(4)(torch.zeros(1, 4))


@case("model", remedy="num_features|channel")
def batch_norm_of_other_channels(world):
    import torch

    torch.nn.BatchNorm2d(4)(torch.zeros(2, 3, 5, 5))


@case("model", remedy="normalized_shape|hidden|last dimension|shape")
def layer_norm_of_another_width(world):
    import torch

    torch.nn.LayerNorm(8)(torch.zeros(2, 6))


@case("model", remedy="embed_dim|dimension|shape|hidden")
def attention_gets_another_width(world):
    import torch

    x = torch.zeros(3, 1, 6)
    torch.nn.MultiheadAttention(8, 2)(x, x, x)


@case("model", "input_validation", remedy="divisible|head")
def heads_do_not_divide_the_width(world):
    import torch

    torch.nn.MultiheadAttention(10, 3)


@case("model", "data input_validation", remedy="pool|kernel|image size|larger input|stride")
def pooling_leaves_nothing(world):
    import torch

    torch.nn.MaxPool2d(4)(torch.zeros(1, 3, 2, 2))


@case("training", "loss optimization model data input_validation", remedy="singular|regulari|jitter|pinv|lstsq")
def inverse_of_a_singular_matrix(world):
    import torch

    torch.linalg.inv(torch.zeros(2, 2))


@case("training", "loss optimization model data input_validation", remedy="jitter|positive|eps|diagonal")
def cholesky_of_an_indefinite_matrix(world):
    import torch

    torch.linalg.cholesky(-torch.eye(2))


@case("model", "input_validation", remedy="equation|subscript|dimension|letter")
def einsum_with_too_few_subscripts(world):
    import torch

    torch.einsum("i,j->ij", torch.zeros(2, 2), torch.zeros(2))


@case("model", "input_validation", remedy="dim|shape")
def sum_over_a_dimension_that_is_not_there(world):
    import torch

    torch.zeros(2, 3).sum(2)


@case("model", "data input_validation", remedy="index|bounds|size|range")
def row_that_is_not_there(world):
    import torch

    return torch.zeros(3, 2)[5]


@case("model", "data input_validation", remedy="index|range|bounds|size")
def gather_beyond_the_end(world):
    import torch

    torch.zeros(3).gather(0, torch.tensor([7]))


@case("model", "input_validation training loss unknown", remedy="any()|all()|item()")
def truth_of_several_values(world):
    import torch

    return bool(torch.zeros(2))


@case("model", "input_validation training loss evaluation", remedy="mean()|sum()|reduc|one element|tolist")
def scalar_of_several_values(world):
    import torch

    torch.zeros(2).item()
