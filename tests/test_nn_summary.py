"""nn.summary: the numbers of a network, counted by hand here, and a network left as it was."""

import copy
import subprocess
import sys
from collections import namedtuple

import numpy as np
import pytest

import nn
from autograd_mini import Tensor, checkpoint, defvjp, no_grad, primitive
from autograd_mini.primitive import TABLE
from nn.multiply_adds import _is_unknown, multiply_adds


class Residual(nn.Module):
    def __init__(self, width):
        self.inner = [nn.Linear(width, width), nn.Linear(width, width)]
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        first, second = self.inner
        return self.drop(x + second(np.tanh(first(x))))


class Apply(nn.Module):
    """A module that computes a given function of itself and its inputs."""

    def __init__(self, function, **parts):
        vars(self).update(parts)
        self.function = function

    def forward(self, *args):
        return self.function(self, *args)


def digits():
    return nn.Sequential(
        nn.Linear(784, 16),
        nn.Sigmoid(),
        nn.Linear(16, 16),
        nn.Sigmoid(),
        nn.Linear(16, 10),
        nn.Sigmoid(),
    )


def row(summary, path):
    return next(row for row in summary.rows if row.path == path)


def column(summary, name):
    return [getattr(row, name) for row in summary.rows]


def of_calls(function, *inputs, **parts):
    """Return the row of a module that computes `function`."""
    return nn.summary(Apply(function, **parts), list(inputs)).rows[0]


# Numbers by hand


def test_the_digits_network_has_13002_parameters_and_12960_multiply_adds():
    found = nn.summary(digits(), (1, 784))
    assert found.parameters == found.trainable == 13_002
    assert found.multiply_adds == 784 * 16 + 16 * 16 + 16 * 10 == 12_960
    assert found.parameter_bytes == 13_002 * 8
    assert found.kept_bytes == 2 * (16 + 16 + 10) * 8
    assert found.uncounted == {}
    assert found.input_shapes == ((1, 784),)
    assert found.input_bytes == 784 * 8


def test_its_rows_tell_path_class_shapes_and_numbers_of_every_layer():
    found = nn.summary(digits(), (1, 784))
    assert column(found, "path") == ["", "0", "1", "2", "3", "4", "5"]
    assert column(found, "depth") == [0, 1, 1, 1, 1, 1, 1]
    assert column(found, "class_name") == ["Sequential", *3 * ["Linear", "Sigmoid"]]
    assert row(found, "2").input_shapes == ((1, 16),)
    assert column(found, "output_shapes") == [
        ((1, 10),),
        ((1, 16),),
        ((1, 16),),
        ((1, 16),),
        ((1, 16),),
        ((1, 10),),
        ((1, 10),),
    ]
    assert column(found, "parameters") == [0, 12_560, 0, 272, 0, 170, 0]
    assert column(found, "multiply_adds") == [0, 12_544, 0, 256, 0, 160, 0]
    assert column(found, "kept_bytes") == [0, 128, 128, 128, 128, 80, 80]


def test_a_batch_of_32_has_32_times_the_multiply_adds_and_the_same_parameters():
    found = nn.summary(digits(), (32, 784))
    assert found.multiply_adds == 32 * 12_960
    assert found.parameters == 13_002


def test_float32_halves_the_bytes_and_is_what_the_network_is_run_on():
    seen = []
    model = nn.Sequential(digits(), Apply(lambda self, x: seen.append(x.dtype) or x))
    found = nn.summary(model.astype(np.float32), (1, 784))
    assert seen == [np.float32]
    assert found.parameter_bytes == 13_002 * 4
    assert found.kept_bytes == 2 * (16 + 16 + 10) * 4
    assert found.input_bytes == 784 * 4


def test_a_nested_residual_network_with_flatten_and_dropout():
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(9, 4), Residual(4), nn.Dropout(), nn.Linear(4, 2, bias=False)
    )
    found = nn.summary(model, (5, 3, 3))
    assert column(found, "path") == [
        "",
        "0",
        "1",
        "2",
        "2.inner.0",
        "2.inner.1",
        "2.drop",
        "3",
        "4",
    ]
    assert column(found, "name") == ["", "0", "1", "2", "inner.0", "inner.1", "drop", "3", "4"]
    assert column(found, "depth") == [0, 1, 1, 1, 2, 2, 2, 1, 1]
    assert column(found, "calls") == 9 * [1]
    assert column(found, "parameters") == [0, 0, 40, 0, 20, 20, 0, 0, 8]
    assert column(found, "multiply_adds") == [0, 0, 180, 0, 80, 80, 0, 0, 40]
    # A view of the input is kept for nothing, Dropout hands through; tanh and + are the block's.
    assert column(found, "kept_bytes") == [0, 0, 160, 320, 160, 160, 0, 0, 80]
    assert row(found, "0").input_shapes == ((5, 3, 3),)
    assert row(found, "2.drop").output_shapes == ((5, 4),)


def test_the_columns_add_up_to_the_totals():
    found = nn.summary(nn.Sequential(nn.Linear(4, 4), Residual(4)), (3, 4))
    for name in ("parameters", "trainable", "parameter_bytes", "multiply_adds", "kept_bytes"):
        assert sum(column(found, name)) == getattr(found, name) > 0


def test_frozen_parameters_count_as_parameters_and_hide_no_multiply_adds():
    model = digits()
    trained = nn.summary(model, (1, 784))
    for p in model.parameters():
        p.requires_grad = False
    found = nn.summary(model, (1, 784))
    assert found.trainable == 0
    assert found.parameters == 13_002
    assert found.multiply_adds == 12_960
    assert found.kept_bytes == trained.kept_bytes
    assert "13,002 parameters (0 trainable, 13,002 frozen)" in str(found)
    assert "12,560 (12,560 frozen)" in str(found)


def test_a_layer_that_is_called_twice_has_its_parameters_once_and_its_multiply_adds_twice():
    layer = nn.Linear(3, 3)
    found = nn.summary(nn.Sequential(layer, nn.Tanh(), layer), (2, 3))
    assert found.parameters == 12
    assert found.multiply_adds == 2 * 2 * 9
    assert row(found, "0").calls == 2
    assert row(found, "0").multiply_adds == 36
    assert row(found, "2").same_as == "0"
    assert row(found, "2").parameters == row(found, "2").multiply_adds == 0
    assert "0: Linear, 2 calls" in str(found)
    assert "2: the same as 0" in str(found)


def test_a_weight_that_two_layers_share_is_counted_once():
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    second.weight = first.weight
    found = nn.summary(nn.Sequential(first, second), (1, 3))
    assert column(found, "parameters") == [0, 12, 3]
    assert found.multiply_adds == 18


def test_calls_of_different_shapes_are_all_told():
    layer = nn.Linear(3, 2)
    model = Apply(lambda self, x: [self.layer(x[:n]) for n in (1, 2, 3, 4, 1)], layer=layer)
    found = row(nn.summary(model, (4, 3)), "layer")
    assert found.calls == 5
    assert found.input_shapes == ((1, 3), (2, 3), (3, 3), (4, 3))
    assert found.multiply_adds == (1 + 2 + 3 + 4 + 1) * 6
    assert "(1, 2) or (2, 2) or (3, 2) or 1 more" in str(nn.summary(model, (4, 3)))


def test_modules_in_lists_and_dicts_are_found_and_one_that_is_not_called_is_said_so():
    parts = {"layers": [nn.Linear(2, 2)], "heads": {"a": nn.Linear(2, 1), "b": nn.Linear(2, 9)}}
    model = Apply(lambda self, x: self.heads["a"](self.layers[0](x)), **parts)
    found = nn.summary(model, (1, 2))
    assert column(found, "path") == ["", "layers.0", "heads.a", "heads.b"]
    assert column(found, "calls") == [1, 1, 1, 0]
    assert row(found, "heads.b").output_shapes == ()
    assert found.parameters == 6 + 3 + 27
    assert found.multiply_adds == 4 + 2
    (line,) = [line for line in str(found).splitlines() if "heads.b" in line]
    assert line.split() == ["heads.b:", "Linear", "not", "called", "27", "-", "-"]


Pair = namedtuple("Pair", ["mean", "deviation"])


def test_a_module_may_return_a_tuple_and_take_several_inputs():
    parts = {"left": nn.Linear(3, 2), "right": nn.Linear(4, 5)}
    model = Apply(lambda self, x, y: Pair(self.left(x), [self.right(y)]), **parts)
    found = nn.summary(model, [(7, 3), (7, 4)])
    assert found.input_shapes == ((7, 3), (7, 4))
    assert found.rows[0].input_shapes == (((7, 3), (7, 4)),)
    assert found.rows[0].output_shapes == (Pair((7, 2), [(7, 5)]),)
    assert found.multiply_adds == 7 * 6 + 7 * 20


def test_a_network_without_tensors_has_a_table_too():
    found = nn.summary(Apply(lambda self, x: None), (2, 3))
    assert found.parameters == found.multiply_adds == found.kept_bytes == 0
    assert found.rows[0].output_shapes == (None,)
    assert nn.summary(Apply(lambda self: "text"), []).rows[0].output_shapes == ("str",)
    assert nn.summary(nn.Sequential(), (2, 3)).rows[0].output_shapes == ((2, 3),)


def test_a_network_that_contains_itself_ends():
    model = nn.Sequential(nn.Linear(2, 2))
    model.itself = [model]
    found = nn.summary(model, (1, 2))
    assert [(each.path, each.same_as) for each in found.rows] == [
        ("", None),
        ("0", None),
        ("itself.0", ""),
    ]
    assert "itself.0: the same as the network" in str(found)


def test_bytes_shared_by_views_are_counted_once():
    found = of_calls(lambda self, x: np.exp(x).T.reshape(2, 6)[:, :3], (3, 4))
    # exp, and the copy that reshape has to make of a transposed array
    assert found.kept_bytes == 2 * 12 * 8


# What is counted


@pytest.mark.parametrize(
    ("function", "shapes", "count"),
    [
        (lambda self, x, y: x @ y, [(2, 3), (3, 5)], 30),
        (lambda self, x, y: np.matmul(x, y), [(4, 2, 3), (3, 5)], 120),
        (lambda self, x, y: x @ y, [(3,), (3,)], 3),
        (lambda self, x, y: np.linalg.matmul(x, y), [(2, 3), (3, 5)], 30),
        (lambda self, x, y: np.dot(x, y), [(2, 3), (3, 5)], 30),
        (lambda self, x: np.dot(a=x, b=np.full((3, 5), 7.0)), [(2, 3)], 30),
        (lambda self, x: np.convolve(x, v=np.full(3, 7.0)), [(7,)], 21),
        (lambda self, x, y: x.dot(y), [(4, 2, 3), (3,)], 24),
        (lambda self, x: np.dot(x, 3.0), [(2, 3)], 0),
        (lambda self, x: np.inner(2, x), [(2, 3)], 0),
        (lambda self, x: np.tensordot(x.sum(), x, axes=0), [(2, 3)], 0),
        (lambda self, x: np.einsum(",ij->ij", x.sum(), x), [(2, 3)], 0),
        (lambda self, x, y: np.inner(x, y), [(2, 3), (5, 3)], 30),
        (lambda self, x, y: np.vdot(x, y), [(2, 3), (2, 3)], 6),
        (lambda self, x, y: np.vecdot(x, y), [(2, 3), (2, 3)], 6),
        (lambda self, x, y: np.vecdot(x, y, axis=0), [(2, 3), (2, 3)], 6),
        (lambda self, x, y: np.tensordot(x, y, axes=1), [(2, 3), (3, 5)], 30),
        (lambda self, x, y: np.tensordot(x, y, ([0, 1], [1, 0])), [(2, 3), (3, 2)], 6),
        (lambda self, x, y: np.linalg.tensordot(x, y), [(4, 2, 3), (2, 3, 5)], 120),
        (lambda self, x, y: np.einsum("bi,oi->bo", x, y), [(2, 3), (5, 3)], 30),
        (lambda self, x, y: np.einsum("...i,io", x, y), [(4, 2, 3), (3, 5)], 120),
        (lambda self, x, y: np.einsum(x, [..., 0], y, [0, 1]), [(4, 2, 3), (3, 5)], 120),
        (lambda self, x, y: np.einsum(x, [0, 1]) + np.einsum(y, [1, 0]), [(2, 3), (3, 2)], 0),
        # Of a single array nothing is multiplied.
        (lambda self, x, y: np.einsum("ij->j", x) + np.einsum("ji->j", y), [(2, 3), (3, 5)], 0),
        (lambda self, x, y: np.convolve(x, y), [(7,), (3,)], 21),
        (lambda self, x, y: np.convolve(x, y, "valid"), [(7,), (3,)], 15),
        (lambda self, x, y: np.correlate(x, y), [(7,), (3,)], 15),
        # At each end of "same" one of three products falls off the edge.
        (lambda self, x, y: np.convolve(x, y, "same"), [(7,), (3,)], 19),
        (lambda self, x, y: nn.functional.linear(x, y), [(4, 2, 3), (5, 3)], 120),
        (lambda self, x, y: nn.functional.linear(weight=y, x=x), [(2, 3), (5, 3)], 30),
        (lambda self, x, y: x @ y, [(0, 3), (3, 5)], 0),
        (lambda self, x: np.exp(x) * x + x**2, [(2, 3)], 0),
        (lambda self, x: nn.functional.softmax(x).sum(axis=0).reshape(3, 1), [(2, 3)], 0),
        (lambda self, x: np.outer(x, x), [(3,)], 0),
    ],
)
def test_products_that_are_added_up_are_counted(function, shapes, count):
    found = of_calls(function, *shapes)
    assert found.multiply_adds == count
    assert found.uncounted == ()


@pytest.mark.skipif(not hasattr(np, "matvec"), reason="NumPy has matvec since 2.2")
def test_the_newer_products_are_counted():
    assert of_calls(lambda self, x, y: np.matvec(x, y), (4, 2, 3), (3,)).multiply_adds == 24
    assert of_calls(lambda self, x, y: np.vecmat(y, x), (4, 2, 3), (2,)).multiply_adds == 24


@primitive
def doubled(x):
    return 2 * x


defvjp(doubled, lambda g, out, x: 2 * g)


@pytest.mark.parametrize(
    ("function", "shape", "name"),
    [
        (lambda self, x: doubled(doubled(x)), (2, 2), "doubled"),
        (lambda self, x: [np.linalg.inv(x)] * 2 + [np.linalg.inv(x)], (2, 2), "np.linalg.inv"),
        (lambda self, x: [np.linalg.svd(x), np.linalg.svd(x)], (2, 2), "np.linalg.svd"),
        (lambda self, x: np.fft.rfft(x) + np.fft.rfft(x), (8,), "np.fft.rfft"),
        (
            lambda self, x: np.einsum("ij,jk,kl", x, x, x) + np.einsum("ij,jk,kl", x, x, x),
            (2, 2),
            "np.einsum",
        ),
        (lambda self, x: [checkpoint(np.dot)(x, x) for _ in range(2)], (2, 2), "again"),
    ],
)
def test_operations_that_can_not_be_counted_are_named(function, shape, name):
    x = np.eye(2) if shape == (2, 2) else np.ones(shape)  # zeros have no inverse
    found = nn.summary(Apply(lambda self, x: [function(self, x), x @ x]), x)
    assert found.uncounted == {name: 2}
    assert found.multiply_adds == 8
    assert "8 + ?" in str(found)
    assert f"? multiply-adds not known (calls): {name} (2)" in str(found)


def test_what_numpy_and_the_library_have_is_counted_unknown_or_neither_on_purpose():
    unknown = {x.name for f, x in TABLE.items() if _is_unknown(x) and not isinstance(f, np.ufunc)}
    own = {name for name in unknown if not name.startswith("np.")}
    linalg = {name for name in unknown if name.startswith("np.linalg.")}
    assert {"again", "doubled"} <= own
    assert {"np.linalg.solve", "np.linalg.multi_dot", "np.linalg.qr"} <= linalg
    assert {"np.fft.fft", "np.cov", "np.polyval", "np.interp"} <= unknown
    known = {x.name for x in TABLE.values()} - unknown
    assert {"np.sum", "np.where", "np.linalg.norm", "relu", "mse_loss", "getitem"} <= known


def test_the_multiply_adds_of_a_call_whose_graph_was_released_are_not_known():
    x = Tensor([[1.0, 2.0]], requires_grad=True)
    loss = (x @ x.T).sum()
    product = loss._args[0]
    assert multiply_adds(product) == 2
    loss.backward()
    assert multiply_adds(product) is None


def test_a_forward_that_differentiates_says_that_its_graph_is_gone():
    def slope(self, x):
        y = self.layer(x)
        y.sum().backward()
        return y

    found = nn.summary(Apply(slope, layer=nn.Linear(2, 1)), (1, 2))
    assert found.uncounted == {"linear, whose graph was released": 1}


@pytest.mark.parametrize("hidden", [no_grad, None])
def test_a_layer_whose_output_is_detached_or_run_without_recording_is_counted(hidden):
    def forward(self, x):
        if hidden is None:
            return self.head(self.body(x).detach())
        with hidden():
            y = self.body(x)
        return self.head(y)

    found = nn.summary(Apply(forward, body=nn.Linear(3, 4), head=nn.Linear(4, 2)), (1, 3))
    assert row(found, "body").multiply_adds == 12
    assert row(found, "head").multiply_adds == 8


def test_what_is_computed_without_recording_is_said_and_not_taken_for_nothing():
    def forward(self, x):
        with no_grad():
            y = x @ self.weight
        return y * x

    found = nn.summary(Apply(forward, weight=nn.Parameter(np.eye(3))), (1, 3))
    assert found.multiply_adds == 0
    assert found.uncounted == {"values computed without recording": 1}
    assert found.rows[0].uncounted == (("values computed without recording", 1),)


def test_a_branch_that_leads_nowhere_is_counted():
    model = Apply(lambda self, x: (self.probe(x), x)[1], probe=nn.Linear(3, 4))
    assert nn.summary(model, (1, 3)).multiply_adds == 12


def test_a_frozen_network_of_class_indices_is_counted():
    class Embedding(nn.Module):
        def __init__(self):
            self.weight = nn.Parameter(np.ones((10, 4)))

        def forward(self, indices):
            return self.weight[indices]

    model = nn.Sequential(Embedding(), nn.Linear(4, 2))
    indices = np.zeros((3, 5), int)
    assert nn.summary(model, indices).multiply_adds == 3 * 5 * 8
    for p in model.parameters():
        p.requires_grad = False
    found = nn.summary(model, indices)
    assert found.multiply_adds == 3 * 5 * 8
    assert found.input_shapes == ((3, 5),)


# Inputs


@pytest.mark.parametrize(
    "given",
    [
        (2, 3),
        [2, 3],
        [(2, 3)],
        [[2, 3]],
        np.ones((2, 3)),
        Tensor(np.ones((2, 3))),
        (np.ones((2, 3)),),
    ],
)
def test_an_input_is_a_shape_an_array_or_a_tensor(given):
    assert nn.summary(nn.Linear(3, 4), given).multiply_adds == 24


def test_shapes_and_arrays_may_be_mixed():
    model = Apply(lambda self, x, i: self.layer(x)[i], layer=nn.Linear(3, 4))
    found = nn.summary(model, [(2, 3), np.array([0, 1, 1])])
    assert found.rows[0].output_shapes == ((3, 4),)
    assert found.input_shapes == ((2, 3), (3,))


def test_an_input_given_is_not_written_into_and_a_forward_may_write_into_its_own():
    def forward(self, x):
        x += 1.0
        x[0] = 5.0
        return self.layer(x)

    model = Apply(forward, layer=nn.Linear(3, 4))
    for given in (np.zeros((2, 3)), Tensor(np.zeros((2, 3))), Tensor(np.zeros((2, 3)), True)):
        assert nn.summary(model, given).multiply_adds == 24
        assert not np.any(given.data if isinstance(given, Tensor) else given)


def test_it_works_inside_no_grad():
    with no_grad():
        assert nn.summary(digits(), (1, 784)).multiply_adds == 12_960


# Nothing is changed


def everything(model):
    """Return all that a summary could change, in a form that compares by value."""
    state = {}
    for path, module in model.named_modules():
        state[path] = [(name, repr(x)) for name, x in vars(module).items()]
        rng = vars(module).get("rng")
        state[path].append(None if rng is None else repr(rng.bit_generator.state))
    for name, x in model.named_parameters():
        grad = None if x.grad is None else x.grad.tobytes()
        state[f"{name}!"] = (id(x), id(x.data), x.data.tobytes(), grad, x.requires_grad)
    return state, repr(nn.init.generator().bit_generator.state)


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("training", [None, True, False])
def test_mode_gradients_values_and_random_numbers_are_as_before(fails, training):
    model = nn.Sequential(nn.Linear(4, 4), Residual(4), nn.Dropout(0.5), nn.Linear(4, 2))
    if training is not None:
        model.train(training)
    model[1].eval()
    model(np.ones((2, 4))).sum().backward()
    model[3].weight.requires_grad = False
    before = everything(model)
    if fails:
        with pytest.raises(ValueError, match="layer 0"):
            nn.summary(model, (2, 5))
    else:
        nn.summary(model, (2, 4))
    assert everything(model) == before


def test_an_attribute_that_forward_sets_and_its_random_numbers_are_as_before():
    def forward(self, x):
        self.last = x
        self.training = True
        return nn.functional.dropout(nn.functional.dropout(x, rng=self.rng))

    model = Apply(forward, rng=np.random.default_rng(0))
    before = everything(model)
    nn.summary(model, (2, 3))
    assert everything(model) == before
    assert "last" not in vars(model)
    assert "forward" not in vars(model)


def test_random_numbers_from_a_list_of_generators_are_not_used_up():
    generators = [np.random.default_rng(0)]
    model = Apply(lambda self, x: x * self.generators[0].normal(), generators=generators)
    nn.summary(model, (2, 3))
    assert generators[0].random() == np.random.default_rng(0).random()


def test_a_graph_recorded_before_can_be_walked_afterwards():
    model, x = digits(), np.ones((1, 784))
    model(x).sum().backward()
    wanted = [p.grad.copy() for p in model.parameters()]
    model.zero_grad()
    loss = model(x).sum()
    nn.summary(model, (1, 784))
    loss.backward()
    for p, grad in zip(model.parameters(), wanted, strict=True):
        np.testing.assert_array_equal(p.grad, grad)


def test_a_forward_of_the_object_itself_stays_its_own():
    model = nn.Linear(2, 2)
    model.forward = lambda x: x @ np.ones((2, 5))
    mine = model.forward
    assert nn.summary(model, (1, 2)).multiply_adds == 10
    assert model.forward is mine


def test_dropout_is_off_during_the_run_and_no_warning_of_zeros_is_heard():
    model = nn.Sequential(nn.Dropout(1.0), Apply(lambda self, x: np.log(x) / x))
    found = nn.summary(model, (2, 3))
    assert row(found, "0").kept_bytes == 0
    assert row(found, "1").kept_bytes == 2 * 6 * 8


def test_the_table_is_the_same_on_every_run_and_in_every_process():
    program = (
        "import numpy as np, nn\n"
        "print(nn.summary(nn.Sequential(nn.Linear(3, 4), nn.Dropout(), nn.Linear(4, 1)), (2, 3)))"
    )
    texts = set()
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
        texts.add(done.stdout)
    model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(), nn.Linear(4, 1))
    assert texts == {f"{nn.summary(model, (2, 3))}\n"}
    assert str(nn.summary(copy.deepcopy(model), (2, 3))) == str(nn.summary(model, (2, 3)))


# Errors


def test_a_wrong_shape_names_the_layer_and_the_shapes():
    model = nn.Sequential(nn.Flatten(), Residual(4), nn.Linear(4, 2))
    with pytest.raises(ValueError, match="linear multiplies") as caught:
        nn.summary(model, (5, 3))
    said = str(caught.value)
    assert "ran the network on (5, 3) and failed in layer 1.inner.0, Linear(4 -> 4)" in said
    assert "which was given (5, 3)" in said
    assert "such as (1, 784)" in said


def test_a_batch_axis_forgotten_is_told():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    with pytest.raises(ValueError, match=r"layer 0, Flatten.*a whole batch"):
        nn.summary(model, (4,))


def test_too_few_inputs_and_a_module_without_forward_keep_their_kind_of_error():
    model = Apply(lambda self, x, y: x + y)
    with pytest.raises(TypeError, match=r"the network itself, Apply.*one for each input"):
        nn.summary(model, (2, 3))
    with pytest.raises(NotImplementedError, match=r"layer 0, Module.*define"):
        nn.summary(nn.Sequential(nn.Module()), (2, 3))


def test_an_error_that_forward_handles_is_none_and_a_later_one_is_blamed_on_its_own_layer():
    def forward(self, x):
        try:
            return self.wrong(x)
        except ValueError:
            raise KeyError("no such layer") from None

    model = nn.Sequential(Apply(forward, wrong=nn.Linear(9, 9)))
    with pytest.raises(RuntimeError, match=r"layer 0, Apply\(\), .*no such layer") as caught:
        nn.summary(model, (2, 3))
    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize("model", [nn.Linear, np.tanh, None])
def test_what_is_no_module_is_refused(model):
    with pytest.raises(TypeError, match="summary takes a module"):
        nn.summary(model, (1, 2))


@pytest.mark.parametrize("given", ["(1, 784)", 784, None, (1, 2.5), [(1, 784), "x"], (1, True)])
def test_what_is_no_shape_is_refused(given):
    with pytest.raises(TypeError, match="a shape such as"):
        nn.summary(nn.Linear(784, 2), given)


def test_a_negative_length_is_refused():
    with pytest.raises(ValueError, match="how many examples"):
        nn.summary(nn.Linear(784, 2), (-1, 784))


# Text and HTML


def test_the_text_is_aligned_with_thousands_separators():
    lines = str(nn.summary(digits(), (32, 784))).splitlines()
    table = lines[:10]
    assert table[0].split("  ")[0] == "layer"
    assert table[2] == "  0: Linear   (32, 16)          12,560        401,408       4,096"
    assert table[-1].split() == ["total", "13,002", "414,720", "21,504"]
    assert {len(line) for line in table} == {len(table[0])}
    assert lines[10:] == ["", "input (32, 784): 200,704 bytes", "13,002 parameters: 104,016 bytes"]


def test_repr_and_str_are_the_table():
    found = nn.summary(digits(), (1, 784))
    assert repr(found) == str(found)


def test_the_html_has_every_cell_and_nothing_in_it_is_markup():
    name = "</td><script>alert(1)</script>"
    model = Apply(lambda self, x: doubled(self.parts[name](x)), parts={name: nn.Linear(3, 4)})
    html = nn.summary(model, (1, 3))._repr_html_()
    assert "<script" not in html
    assert "parts.&lt;/td&gt;&lt;script&gt;alert(1)&lt;/script&gt;: Linear" in html
    assert html.count("<tr>") == html.count("</tr>") == 4
    assert html.count("<th ") == 5
    assert html.count("<td ") == 15
    assert "doubled (1)" in html


def test_a_line_break_in_a_key_does_not_break_the_table():
    model = Apply(lambda self, x: self.parts["a\nb"](x), parts={"a\nb": nn.Linear(3, 4)})
    assert "  parts.a b: Linear" in str(nn.summary(model, (1, 3))).splitlines()[2]
