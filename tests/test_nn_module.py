"""Modules find what they hold, name it as PyTorch does, and give and take their state."""

import copy
import pickle
import weakref
from typing import Any

import numpy as np
import pytest

import nn
from autograd_mini import Tensor, no_grad


class Plain(nn.Module):
    """A module that never calls a base constructor."""

    def __init__(self):
        self.layers = [nn.Linear(3, 2), nn.Linear(2, 2, bias=False)]
        self.heads: dict[str, Any] = {
            "left": nn.Linear(2, 1),
            "right": (nn.Sigmoid(), nn.Parameter([1.0, 2.0])),
        }
        self.scale = nn.Parameter(2.0)
        self.offset = Tensor([0.0, 1.0])
        self.title = "plain"

    def forward(self, x):
        return self.layers[1](self.layers[0](x)) * self.scale


class Named(nn.Module):
    """A module with the parts it is given."""


def named(**parts: object) -> Any:
    """Return a module with `parts` as its attributes."""
    module = Named()
    vars(module).update(parts)
    return module


def names(module):
    return [name for name, _ in module.named_parameters()]


def test_parameters_are_found_in_attributes_lists_tuples_and_dicts():
    assert names(Plain()) == [
        "layers.0.weight",
        "layers.0.bias",
        "layers.1.weight",
        "heads.left.weight",
        "heads.left.bias",
        "heads.right.1",
        "scale",
    ]


def test_parameters_are_the_tensors_themselves_in_the_same_order():
    model = Plain()
    found = list(model.parameters())
    assert found[0] is model.layers[0].weight
    assert found[-1] is model.scale
    assert len(found) == 7


def test_a_sequential_names_its_layers_by_number_alone():
    model = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.Tanh(), nn.Linear(3, 1)))
    assert names(model) == ["0.weight", "0.bias", "1.1.weight", "1.1.bias"]


def test_a_subclass_of_sequential_has_its_other_attributes_found_too():
    class Scaled(nn.Sequential):
        def __init__(self):
            super().__init__(nn.Linear(2, 2))
            self.scale = nn.Parameter([1.0])

    assert names(Scaled()) == ["0.weight", "0.bias", "scale"]


def test_a_layer_appended_to_a_list_is_found():
    model = Plain()
    model.layers.append(nn.Linear(2, 2))
    assert "layers.2.bias" in names(model)


def test_a_tensor_without_grad_and_a_bare_array_are_no_parameters():
    model = named(constant=Tensor([1.0]), array=np.ones(2), frozen=nn.Parameter([1.0]))
    model.frozen.requires_grad = False
    assert names(model) == []


def test_a_recorded_result_kept_as_an_attribute_is_neither_parameter_nor_state():
    model: Any = nn.Linear(2, 2)
    model.last_output = model(np.ones((1, 2)))
    assert names(model) == ["weight", "bias"]
    assert list(model.state_dict()) == ["weight", "bias"]


def test_a_shared_parameter_appears_once_under_its_first_name():
    weight = nn.Parameter([1.0])
    model = named(a=weight, b=[weight], c=nn.Parameter([2.0]))
    assert names(model) == ["a", "c"]


def test_a_shared_module_appears_once():
    layer = nn.Linear(2, 2)
    model = nn.Sequential(layer, nn.Tanh(), layer)
    assert names(model) == ["0.weight", "0.bias"]
    assert len(list(model.modules())) == 3
    assert len(list(model.children())) == 2


def test_modules_and_their_names_come_in_order_and_start_with_the_module_itself():
    model = Plain()
    assert [name for name, _ in model.named_modules()] == [
        "",
        "layers.0",
        "layers.1",
        "heads.left",
        "heads.right.0",
    ]
    assert next(model.modules()) is model


def test_children_are_the_modules_held_directly_or_in_containers_but_no_grandchildren():
    inner = nn.Sequential(nn.Linear(1, 1))
    model = named(inner=inner, several=[nn.Tanh(), {"key": nn.ReLU()}])
    assert [type(child).__name__ for child in model.children()] == ["Sequential", "Tanh", "ReLU"]


def test_a_cycle_of_modules_ends():
    model = named(layer=nn.Linear(1, 1))
    model.layer.owner = model
    model.itself = [model]
    assert names(model) == ["layer.weight", "layer.bias"]
    assert list(model.children()) == [model.layer]
    assert "the same Named as above" in repr(model)


def test_a_list_that_holds_itself_ends():
    items: list[object] = [nn.Linear(1, 1)]
    items.append(items)
    assert names(named(items=items)) == ["items.0.weight", "items.0.bias"]


def test_modules_nested_deeper_than_the_recursion_limit_are_walked():
    model: Any = nn.Linear(1, 1)
    for _ in range(3000):
        model = nn.Sequential(model)
    assert len(list(model.parameters())) == 2
    assert len(list(model.modules())) == 3001
    assert len(model.state_dict()) == 2
    assert model.eval().layers[0].training is False
    assert repr(model).count("Sequential()") == 3000


def test_many_paths_to_the_same_parts_are_walked_in_linear_time():
    part: nn.Module = nn.Linear(1, 1)
    for _ in range(200):
        part = named(left=part, right=part)
    assert len(list(part.parameters())) == 2
    assert repr(part).count("the same Named as above") == 199


def test_two_models_of_one_class_share_nothing():
    first, second = Plain(), Plain()
    first.eval()
    assert second.training
    assert not set(map(id, first.parameters())) & set(map(id, second.parameters()))


def test_training_is_true_at_first_and_train_and_eval_reach_every_module():
    model = Plain()
    assert model.training
    assert model.eval() is model
    assert not any(module.training for module in model.modules())
    assert model.train() is model
    assert all(module.training for module in model.modules())
    model.train(mode=False)
    assert not model.heads["left"].training


def test_zero_grad_forgets_every_gradient():
    model = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1))
    model(np.ones((3, 2))).sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())


def test_a_module_without_forward_says_which_class_lacks_it():
    class Unfinished(nn.Module):
        pass

    with pytest.raises(NotImplementedError, match=r"Unfinished was called and has no forward"):
        Unfinished()(1)


def test_a_call_passes_positional_and_keyword_arguments_on():
    class Affine(nn.Module):
        def forward(self, x, *, slope, shift=0):
            return slope * x + shift

    assert Affine()(2, slope=3, shift=1) == 7


def test_a_parameter_is_a_tensor_that_requires_grad():
    p = nn.Parameter([1, 2], dtype=np.float32)
    assert type(p) is Tensor
    assert p.requires_grad
    assert p.dtype == np.float32


def test_a_parameter_of_integers_is_refused():
    with pytest.raises(TypeError, match="int64"):
        nn.Parameter(np.array([1, 2]))


# State dicts.


def test_state_dict_holds_parameters_and_constants_by_path():
    state = Plain().state_dict()
    assert list(state) == [*names(Plain()), "offset"]
    assert {name: array.shape for name, array in state.items()}["heads.right.1"] == (2,)
    assert all(type(array) is np.ndarray for array in state.values())


def test_state_dict_gives_copies():
    model = nn.Linear(2, 2)
    before = model.weight.data.copy()
    model.state_dict()["weight"][:] = 7
    assert np.array_equal(model.weight.data, before)


def test_a_state_loads_into_another_model_of_the_same_shape():
    first, second = Plain(), Plain()
    second.load_state_dict(first.state_dict())
    x = np.array([[1.0, -2.0, 0.5]])
    assert np.array_equal(first(x).data, second(x).data)


def test_a_loaded_array_is_copied():
    model = nn.Linear(1, 1, bias=False)
    weight = np.array([[3.0]])
    model.load_state_dict({"weight": weight})
    weight[:] = 9
    assert model.weight.item() == 3.0


def test_loading_keeps_the_tensor_objects_so_that_an_optimizer_still_sees_them():
    model = nn.Linear(2, 2)
    weight = model.weight
    model.load_state_dict(nn.Linear(2, 2).state_dict())
    assert model.weight is weight
    assert weight.requires_grad


def test_loading_lists_everything_that_does_not_fit_and_changes_nothing():
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    before = model.state_dict()
    state = {
        "0.weight": np.zeros((3, 2)),
        "0.bias": np.zeros(2),
        "1.weight": np.zeros((1, 2), complex),
        "2.weight": np.zeros(1),
        "extra": np.zeros(1),
    }
    with pytest.raises(ValueError, match="does not fit this Sequential") as caught:
        model.load_state_dict(state)
    message = str(caught.value)
    assert "missing in the state: 1.bias" in message
    assert "unexpected in the state: 2.weight" in message
    assert "unexpected in the state: extra" in message
    assert "wrong shape: 0.weight is (2, 3) here, (3, 2) in the state" in message
    assert "wrong dtype: 1.weight is float64 here, complex128 in the state" in message
    assert "0.bias" not in message
    assert all(np.array_equal(array, before[name]) for name, array in model.state_dict().items())


@pytest.mark.parametrize(
    ("given", "kept"),
    [(np.float64, np.float32), (np.float32, np.float64), (np.int64, np.float32)],
)
def test_loading_casts_to_the_dtype_of_the_tensor(given, kept):
    model = nn.Linear(2, 1, bias=False, dtype=kept)
    model.load_state_dict({"weight": np.array([[1, 2]], given)})
    assert model.weight.dtype == kept
    assert model.weight.data.tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize("values", [["a", "b"], [1j, 2], [None, 1]])
def test_what_is_no_real_number_is_not_loaded(values):
    model = nn.Linear(2, 1, bias=False)
    with pytest.raises(ValueError, match="wrong dtype: weight"):
        model.load_state_dict({"weight": np.array([values])})


def test_an_integer_constant_takes_no_fractions():
    model = named(counter=Tensor([1, 2]))
    with pytest.raises(ValueError, match="wrong dtype: counter is int64 here, float64"):
        model.load_state_dict({"counter": [0.5, 1.5]})


def test_a_state_that_is_a_path_is_refused_with_the_remedy():
    with pytest.raises(TypeError, match=r"'model\.npz': read a file with nn\.load first"):
        nn.Linear(1, 1).load_state_dict("model.npz")  # type: ignore[arg-type]


def test_a_state_may_hold_tensors():
    model = nn.Linear(2, 1)
    model.load_state_dict({"weight": Tensor([[1.0, 2.0]]), "bias": Tensor([3.0])})
    assert model(np.array([1.0, 1.0])).data.tolist() == [6.0]


@pytest.mark.parametrize(
    "value",
    [
        nn.Parameter([[1.0, 2.0]]),
        nn.Parameter([[1.0, 2.0]]) * 3,
        [[nn.Parameter(1.0), 2.0]],
        ([1.0, nn.Parameter(2.0)],),
    ],
)
def test_a_state_whose_gradient_would_be_lost_is_refused(value):
    model = nn.Linear(2, 1, bias=False)
    before = model.weight.data.copy()
    with pytest.raises(TypeError, match=r"gradient of 'weight'.* nn\.functional_call"):
        model.load_state_dict({"weight": value})
    assert np.array_equal(model.weight.data, before)
    with no_grad():
        model.load_state_dict({"weight": nn.Parameter([[1.0, 2.0]])})
    assert model.weight.data.tolist() == [[1.0, 2.0]]


LOSSES = {  # a value, the dtype that it does not fit into, and the reason
    "an overflow": (1e300, np.float32, "holds 1e+300, which float32 can't: it would become inf"),
    "a negative overflow": (-70000.0, np.float16, "it would become -inf"),
    "an overflow of a whole number": (70000, np.float16, "it would become inf"),
    "a large whole number": (2**60 + 1, np.float64, "which float64 can't: it would become 1.15"),
    "the largest whole number": (
        2**64 - 1,
        np.float64,
        "wrong value: x holds 18446744073709551615",
    ),
    "a whole number of a float32": (2**24 + 1, np.float32, "which float32 can't"),
    "a whole number that wraps": (300, np.int8, "which int8 can't: it would become 44"),
    "a negative one without a sign": (-1, np.uint8, "which uint8 can't: it would become 255"),
    "a truth": (True, np.float64, "wrong dtype: x is float64 here, bool in the state"),
    "a truth among integers": (True, np.int64, "wrong dtype: x is int64 here, bool in the state"),
    "a fraction": (0.5, np.int64, "wrong dtype: x is int64 here, float64 in the state"),
    "a complex number": (1j, np.float64, "wrong dtype: x is float64 here, complex128"),
    "a complex overflow": (1e300j, np.complex64, "which complex64 can't"),
    "text": ("1.5", np.float64, "wrong dtype: x is float64 here, <U3"),
    "a date": (np.datetime64("2020-01-01"), np.float64, "wrong dtype: x is float64 here, dat"),
    "a span of time": (np.timedelta64(1, "s"), np.int64, "wrong dtype: x is int64 here, tim"),
    "records": (np.zeros((), [("a", float)]), np.float64, "wrong dtype: x is float64 here"),
    "an object": (2**70, np.float64, "wrong dtype: x is float64 here, object"),
    "nothing": (None, np.float64, "wrong dtype: x is float64 here, object"),
    "a masked number": (np.ma.masked_array(1.0, True), np.float64, "no array: x, since masked"),
    "rows of two lengths": ([[1.0], [1.0, 2.0]], np.float64, "no array: x, since"),
}


@pytest.mark.parametrize("kind", LOSSES)
def test_a_value_that_would_be_changed_is_not_loaded(kind):
    value, dtype, reason = LOSSES[kind]
    model = named(x=Tensor(dtype(1)), y=Tensor(2.0))
    with pytest.raises(ValueError, match="so nothing was loaded") as caught:
        model.load_state_dict({"x": value, "y": 3.0})
    assert reason in str(caught.value)
    assert (model.x.item(), model.y.item()) == (1, 2)


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (0.1, np.float32),  # rounded
        (1e-300, np.float32),  # a number that small becomes 0
        (np.nan, np.float32),
        (-np.inf, np.float16),
        (2**60, np.float64),
        (-(2**63), np.float32),
        (2**24, np.float32),
        (127, np.int8),
        (2**63, np.uint64),
        (np.uint8(200), np.int64),
        (np.float32(0.1), np.float64),
        (np.longdouble("0.1"), np.float64),
        (1.5, np.complex64),
        (True, np.bool_),
        (np.array(2.0, ">f8"), np.float64),
    ],
)
def test_a_value_that_keeps_its_meaning_is_loaded(value, dtype):
    model = named(x=Tensor(dtype(1)))
    model.load_state_dict({"x": value})
    assert model.x.dtype == dtype
    np.testing.assert_array_equal(model.x.data, np.asarray(value).astype(dtype))


def test_one_number_among_many_that_would_be_lost_is_named():
    model = named(x=nn.Parameter(np.zeros((2, 3), np.float32)))
    array = np.zeros((2, 3))
    array[1, 1] = 1e39
    with pytest.raises(ValueError, match=r"x holds 1e\+39, which float32 can't"):
        model.load_state_dict({"x": array})


@pytest.mark.parametrize("is_gradient", [False, True])
def test_astype_that_would_overflow_is_refused_and_changes_nothing(is_gradient):
    model = nn.Linear(1, 1)
    x = model.bias
    if is_gradient:
        x.grad = np.array([1e300])
    else:
        x.data = np.array([1e300])
    with pytest.raises(ValueError, match=r"bias holds 1e\+300, which float32 can't"):
        model.astype(np.float32)
    assert model.weight.dtype == x.dtype == np.float64
    assert is_gradient == (x.grad is not None)


def test_a_tied_parameter_stands_under_both_names_as_in_pytorch():
    model = named(encoder=nn.Linear(2, 2), decoder=nn.Linear(2, 2))
    model.decoder.weight = model.encoder.weight
    state = model.state_dict()
    assert list(state) == ["encoder.weight", "encoder.bias", "decoder.weight", "decoder.bias"]
    state["encoder.weight"] = state["decoder.weight"] = np.array([[np.nan, 1.0], [2.0, 3.0]])
    model.load_state_dict(state)
    assert np.array_equal(model.decoder.weight.data, state["decoder.weight"], equal_nan=True)
    assert model.decoder.weight is model.encoder.weight


def test_two_values_for_a_tied_parameter_are_refused():
    model = named(encoder=nn.Linear(2, 2), decoder=nn.Linear(2, 2))
    model.decoder.weight = model.encoder.weight
    state = model.state_dict()
    state["decoder.weight"] += 1
    with pytest.raises(ValueError, match=r"encoder\.weight and decoder\.weight differ"):
        model.load_state_dict(state)


def test_two_tensors_with_one_path_are_refused():
    model = named(parts={0: Tensor([1.0]), "0": Tensor([2.0])})
    with pytest.raises(ValueError, match=r"the path 'parts\.0'"):
        model.state_dict()


def test_a_model_can_be_copied_and_pickled():
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.1))
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert np.array_equal(twin[0].weight.data, model[0].weight.data)
        assert twin[0].weight is not model[0].weight
        assert twin[0].weight.requires_grad


# Conversion.


def test_astype_converts_every_float_in_place_and_returns_the_model():
    model: Any = Plain()
    scale = model.scale
    model.counter = Tensor([1, 2])
    assert model.astype(np.float32) is model
    assert model.scale is scale
    assert {x.dtype for x in model.parameters()} == {np.dtype(np.float32)}
    assert model.offset.dtype == np.float32
    assert model.counter.dtype == np.int64


def test_astype_keeps_values_and_shared_parameters():
    model = named(a=nn.Parameter([0.5, 0.25]))
    model.b = model.a
    model.astype("float32").astype(np.float64)
    assert model.b is model.a
    assert model.a.data.tolist() == [0.5, 0.25]


def test_astype_converts_gradients_too():
    model = nn.Linear(2, 1)
    model(np.ones(2)).sum().backward()
    model.astype(np.float32)
    assert model.weight.grad.dtype == np.float32
    assert model.weight.grad.tolist() == [[1.0, 1.0]]


def test_a_float32_model_computes_and_trains_in_float32():
    model = nn.Sequential(nn.Linear(3, 4), nn.Sigmoid(), nn.Linear(4, 2), nn.Softmax())
    model.astype(np.float32)
    out = model(np.ones((5, 3), np.float32))
    out.sum().backward()
    assert out.dtype == np.float32
    assert {p.grad.dtype for p in model.parameters()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("dtype", [int, complex, bool, "U3", object])
def test_astype_to_anything_but_a_float_is_refused(dtype):
    model = nn.Linear(2, 2)
    with pytest.raises(TypeError, match="floating-point"):
        model.astype(dtype)
    assert model.weight.dtype == np.float64


# The repr.


def test_repr_shows_the_tree_with_shapes_and_counts():
    model = nn.Sequential(
        nn.Linear(784, 16),
        nn.Sigmoid(),
        nn.Sequential(nn.Dropout(0.2), nn.Linear(16, 10, bias=False)),
    )
    assert repr(model).splitlines() == [
        "Sequential()",
        "  0: Linear(784 -> 16)  weight (16, 784), bias (16,): 12,560 parameters",
        "  1: Sigmoid()",
        "  2: Sequential()",
        "    0: Dropout(p=0.2)",
        "    1: Linear(16 -> 10, bias=False)  weight (10, 16): 160 parameters",
        "12,720 parameters in total",
    ]


def test_repr_of_one_layer_is_one_line():
    assert repr(nn.Linear(3, 2)) == "Linear(3 -> 2)  weight (2, 3), bias (2,): 8 parameters"
    assert repr(nn.Softmax()) == "Softmax(axis=-1)"
    assert repr(nn.Flatten()) == "Flatten(axes 1 to -1)"
    assert repr(nn.MSELoss("batchmean")) == "MSELoss('batchmean')"


def test_repr_counts_a_shared_parameter_once():
    layer = nn.Linear(2, 2)
    text = repr(nn.Sequential(layer, layer))
    assert text.endswith("  1: the same Linear as above\n6 parameters in total")


def test_repr_counts_a_tensor_with_two_names_in_one_module_once():
    model = named(a=nn.Parameter([1.0]))
    model.b = model.a
    assert repr(model) == "Named()  a (1,), b (1,): 1 parameter"


def test_the_digits_network_has_13002_parameters():
    model = nn.Sequential(
        nn.Linear(784, 16),
        nn.Sigmoid(),
        nn.Linear(16, 16),
        nn.Sigmoid(),
        nn.Linear(16, 10),
        nn.Sigmoid(),
    )
    assert repr(model).endswith("13,002 parameters in total")


# The line that made a Tensor.


def test_a_tensor_made_by_a_layer_points_at_the_line_that_called_the_model():
    model = nn.Sequential(nn.Linear(2, 2), nn.Sigmoid())
    out = model(np.ones((1, 2)))
    assert out.origin.file == __file__
    assert (
        out.origin.function
        == "test_a_tensor_made_by_a_layer_points_at_the_line_that_called_the_model"
    )


def test_nothing_is_recorded_under_no_grad():
    model = nn.Sequential(nn.Linear(2, 2), nn.Sigmoid())
    with no_grad():
        assert not model(np.ones((1, 2))).requires_grad


def test_a_result_without_a_graph_keeps_no_module_alive():
    model = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    gone = weakref.ref(model)
    with no_grad():
        kept = [model(np.ones((1, 2))), nn.Sigmoid()(Tensor([1.0]))]
    del model
    assert gone() is None
    assert all(x._returned_by is None for x in kept)


@pytest.mark.skipif(np.finfo(np.longdouble).max <= 1e308, reason="longdouble is double here")
def test_a_number_beyond_double_is_named_in_the_error():
    state = {"weight": np.full((1, 1), np.longdouble("1e400")), "bias": np.zeros(1)}
    with pytest.raises(ValueError, match=r"weight holds 1e\+400, which float64 can't"):
        nn.Linear(1, 1).load_state_dict(state)
