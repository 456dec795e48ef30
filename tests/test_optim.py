"""SGD against closed forms and PyTorch's values, and what it refuses or warns of."""

import gc
import tracemalloc
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from autograd_mini import Tensor
from optim import SGD

GOLDEN = nn.load(Path(__file__).parent / "golden" / "pytorch.npz")
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {"lr": 0.1},
    "momentum": {"lr": 0.1, "momentum": 0.9},
    "dampening": {"lr": 0.1, "momentum": 0.9, "dampening": 0.3},
    "nesterov": {"lr": 0.1, "momentum": 0.8, "nesterov": True},
    "decay": {"lr": 0.1, "weight_decay": 0.05},
    "maximize": {"lr": 0.01, "maximize": True},
    "nesterov_decay": {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
    "all": {"lr": 0.02, "momentum": 0.7, "dampening": 0.2, "weight_decay": 0.1, "maximize": True},
}


def parameter(*values, dtype=np.float64):
    return Tensor(np.array(values, dtype), requires_grad=True)


def give(p, *values):
    p.grad = np.array(values, p.dtype)


def stepped(grads, **options):
    """Return where one number that starts at 1 is after a step with each of `grads`."""
    p = parameter(1.0)
    optimizer = SGD([p], **options)
    path = []
    for g in grads:
        give(p, g)
        optimizer.step()
        path.append(p.data.item())
    return path


# Closed forms.


def test_a_plain_step_goes_against_the_gradient():
    p = parameter(1.0, 2.0)
    optimizer = SGD([p], lr=0.5)
    give(p, 4.0, -2.0)
    optimizer.step()
    assert p.data.tolist() == [-1.0, 3.0]


def test_on_a_parabola_the_distance_shrinks_by_one_factor_a_step():
    p = parameter(3.0)
    optimizer = SGD([p], lr=0.1)
    for _ in range(20):
        optimizer.zero_grad()
        (p**2).sum().backward()
        optimizer.step()
    assert p.data[0] == pytest.approx(3.0 * 0.8**20, rel=1e-13)


def test_under_a_constant_force_the_velocity_is_a_geometric_series():
    path = stepped([1.0] * 10, lr=0.1, momentum=0.5)
    velocity = [2 * (1 - 0.5**n) for n in range(1, 11)]
    assert path == pytest.approx(list(1 - 0.1 * np.cumsum(velocity)), rel=1e-13)


def test_dampening_starts_with_the_second_gradient():
    path = stepped([1.0, 1.0, 1.0], lr=1.0, momentum=0.5, dampening=0.75)
    v = [1.0, 0.5 + 0.25, 0.375 + 0.25]
    assert path == pytest.approx(list(1 - np.cumsum(v)), rel=1e-14)


def test_nesterov_looks_ahead_along_the_velocity():
    path = stepped([1.0, 2.0], lr=0.1, momentum=0.5, nesterov=True)
    v = [1.0, 0.5 + 2.0]
    assert path == pytest.approx(
        [1 - 0.1 * (1 + 0.5 * v[0]), 1 - 0.1 * (1 + 0.5 * v[0]) - 0.1 * (2 + 0.5 * v[1])], rel=1e-14
    )


def test_weight_decay_alone_shrinks_by_one_factor_a_step():
    path = stepped([0.0] * 5, lr=0.5, weight_decay=0.2)
    assert path == pytest.approx([0.9**n for n in range(1, 6)], rel=1e-14)


def test_weight_decay_enters_the_velocity():
    path = stepped([0.0, 0.0], lr=1.0, momentum=0.5, weight_decay=0.1)
    p1 = 1 - 0.1
    assert path == pytest.approx([p1, p1 - (0.5 * 0.1 + 0.1 * p1)], rel=1e-14)


def test_maximize_climbs_and_still_decays():
    assert stepped([2.0], lr=0.1, maximize=True) == pytest.approx([1.2], rel=1e-14)
    assert stepped([0.0], lr=0.1, weight_decay=1.0, maximize=True) == pytest.approx(
        [0.9], rel=1e-14
    )


def test_a_learning_rate_of_zero_moves_nothing():
    assert stepped([5.0], lr=0) == [1.0]


# PyTorch's values.


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_takes_pytorchs_steps(variant):
    params = [Tensor(GOLDEN[f"sgd/start/{i}"].copy(), requires_grad=True) for i in range(2)]
    optimizer = SGD(params, **VARIANTS[variant])
    for step in range(6):
        optimizer.zero_grad()
        for p in params:
            (((p - 0.5) ** 4).sum() / 4).backward()
        if step == 3:
            params[1].grad = None
        optimizer.step()
        for i, p in enumerate(params):
            expected = GOLDEN[f"sgd/{variant}/{step}/{i}"]
            np.testing.assert_allclose(p.data, expected, rtol=1e-12, atol=1e-15)


# In place, without allocation.


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_step_writes_in_place_and_leaves_the_gradient_alone(variant):
    p = parameter(1.0, 2.0)
    array, view = p.data, p.data[:1]
    optimizer = SGD([p], **VARIANTS[variant])
    for _ in range(3):
        give(p, 0.5, -0.5)
        optimizer.step()
    assert p.data is array
    assert view[0] == array[0] != 1.0
    assert p.grad.tolist() == [0.5, -0.5]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_step_allocates_no_arrays(variant):
    n = 10_000
    params = [Tensor(np.ones(n), requires_grad=True) for _ in range(3)]
    optimizer = SGD(params, **VARIANTS[variant])
    for p in params:
        p.grad = np.full(n, 1e-3)

    def step():
        for p in params:
            p.grad *= 1  # refreshed in place, so that nothing but the step can allocate
        optimizer.step()

    for _ in range(3):
        step()
    gc.collect()
    tracemalloc.start()
    try:
        step()
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for _ in range(10):
            step()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < n  # bytes; one array has 8 n
    assert after - before < 1000


def test_a_step_moves_the_clock_so_that_a_stale_graph_is_noticed():
    p = parameter(1.0, 2.0)
    optimizer = SGD([p], lr=0.1)
    loss = (p**2).sum()
    give(p, 1.0, 1.0)
    optimizer.step()
    with pytest.raises(RuntimeError, match=r"was used by np\.square .* and written since"):
        loss.backward()


def test_parameters_of_different_dtypes_keep_theirs():
    params = [parameter(1.0, dtype=dtype) for dtype in (np.float16, np.float32, np.float64)]
    optimizer = SGD(params, lr=0.1, momentum=0.9, weight_decay=0.1, nesterov=True)
    for _ in range(2):
        for p in params:
            give(p, 1.0)
        optimizer.step()
    assert [p.dtype for p in params] == [np.float16, np.float32, np.float64]
    assert params[0].data[0] == pytest.approx(params[2].data[0], rel=1e-2)
    assert params[1].data[0] == pytest.approx(params[2].data[0], rel=1e-6)


def test_float32_parameters_are_stepped_in_float32():
    g = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    p = Tensor(np.zeros(1000, np.float32), requires_grad=True)
    optimizer = SGD([p], lr=0.1)
    p.grad = g
    optimizer.step()
    assert np.array_equal(p.data, -(g * np.float32(0.1)))


def test_numbers_matrices_and_strided_arrays_are_stepped_alike():
    number = Tensor(np.array(1.0), requires_grad=True)
    matrix = Tensor(np.ones((2, 3)), requires_grad=True)
    strided = Tensor(np.ones((4, 6)).T[::2], requires_grad=True)
    optimizer = SGD([number, matrix, strided], lr=0.5, momentum=0.9)
    for _ in range(2):
        for p in (number, matrix, strided):
            p.grad = np.ones(p.shape)
        optimizer.step()
    for p in (number, matrix, strided):
        assert np.allclose(p.data, 1 - 0.5 - 0.5 * 1.9)
        assert type(p.data) is np.ndarray


def test_a_model_converted_after_the_optimizer_was_made_still_trains():
    p = parameter(1.0, 2.0)
    optimizer = SGD([p], lr=0.5, momentum=0.5)
    give(p, 1.0, 1.0)
    optimizer.step()
    p.grad = None
    p.data = p.data.astype(np.float32)
    give(p, 1.0, 1.0)
    optimizer.step()
    assert p.dtype == np.float32
    assert p.data.tolist() == [1 - 0.5 - 0.75, 2 - 0.5 - 0.75]


def test_new_weights_loaded_after_the_optimizer_was_made_are_the_ones_stepped():
    model = nn.Linear(1, 1, bias=False)
    optimizer = SGD(model.parameters(), lr=1.0)
    model.load_state_dict({"weight": [[5.0]]})
    model.weight.grad = np.array([[1.0]])
    optimizer.step()
    assert model.weight.item() == 4.0


CONVERSIONS: dict[str, Any] = {
    "astype": lambda model, _: model.astype(np.float64),
    "other data": lambda model, _: [
        setattr(p, "data", p.data.astype(np.float64)) for p in model.parameters()
    ],
    "load, then astype": lambda model, optimizer: (
        optimizer.load_state_dict(optimizer.state_dict()),
        model.astype(np.float64),
    ),
    "astype, then load": lambda model, optimizer: (
        model.astype(np.float64),
        optimizer.load_state_dict(optimizer.state_dict()),
    ),
    "there and back and there": lambda model, _: (
        model.astype(np.float64).astype(np.float32).astype(np.float64)
    ),
}


@pytest.mark.parametrize("conversion", CONVERSIONS)
@pytest.mark.parametrize("steps_before", [0, 2])
@pytest.mark.parametrize("variant", VARIANTS)
def test_after_a_conversion_steps_are_those_of_the_new_dtype(variant, steps_before, conversion):
    """Steps with numbers that float32 can't hold show in which arithmetic they were made."""

    def train(model, optimizer, steps):
        for step in range(steps):
            for p in model.parameters():
                p.grad = np.asarray(np.full(p.shape, 1 / 3 + step), p.dtype)
            optimizer.step()

    model = nn.Linear(2, 2, dtype=np.float32, rng=np.random.default_rng(0))
    optimizer = SGD(model.parameters(), **VARIANTS[variant])
    train(model, optimizer, steps_before)
    model.zero_grad()
    CONVERSIONS[conversion](model, optimizer)
    twin = nn.Linear(2, 2)
    twin.load_state_dict(model.state_dict())
    other = SGD(twin.parameters(), lr=1)
    other.load_state_dict(optimizer.state_dict())
    for one, two in ((model, optimizer), (twin, other)):
        train(one, two, 3)
    assert {p.dtype for p in model.parameters()} == {np.dtype(np.float64)}
    assert np.array_equal(model.weight.data, twin.weight.data)
    buffers = [x for name, x in optimizer.state_dict().items() if "buffer" in name]
    assert {x.dtype for x in buffers} <= {np.dtype(np.float64)}


def test_a_step_after_astype_is_as_exact_as_the_new_dtype():
    p = parameter(1.0, dtype=np.float32)
    optimizer = SGD([p], lr=0.1, momentum=0.9)
    p.data = p.data.astype(np.float64)
    for _ in range(2):
        give(p, 1 / 3)
        optimizer.step()
    assert p.data[0] == pytest.approx(1 - 0.1 / 3 - 0.1 * 1.9 / 3, rel=1e-15)


# Options while it runs.


def test_the_learning_rate_may_be_changed_between_steps():
    p = parameter(0.0)
    optimizer = SGD([p], lr=1.0)
    for lr in (1.0, 0.1, np.float64(0.01)):
        optimizer.lr = lr
        give(p, -1.0)
        optimizer.step()
    assert p.data[0] == pytest.approx(1.11, rel=1e-14)


@pytest.mark.parametrize("lr", [-0.1, float("nan"), float("inf")])
def test_a_learning_rate_changed_to_nonsense_is_refused_before_anything_moves(lr):
    p = parameter(1.0)
    optimizer = SGD([p], lr=0.1)
    optimizer.lr = lr
    give(p, 1.0)
    with pytest.raises(ValueError, match=f"lr is a finite number, at least 0, found {lr}"):
        optimizer.step()
    assert p.data[0] == 1.0


def test_momentum_may_be_changed_between_steps():
    p = parameter(0.0)
    optimizer = SGD([p], lr=1.0)
    for momentum in (0.0, 0.5, 0.5):
        optimizer.momentum = momentum
        give(p, -1.0)
        optimizer.step()
    assert p.data[0] == pytest.approx(1 + 1 + 1.5, rel=1e-14)


# Gradients that are missing or left over.


def test_zero_grad_forgets_every_gradient():
    params = [parameter(1.0), parameter(2.0)]
    optimizer = SGD(params, lr=0.1)
    give(params[0], 1.0)
    optimizer.zero_grad()
    assert all(p.grad is None for p in params)


def test_a_step_without_any_gradient_raises_and_says_to_call_backward():
    p = parameter(1.0)
    optimizer = SGD([p, parameter(2.0)], lr=0.1)
    with pytest.raises(RuntimeError, match=r"any of its 2 parameters: call loss\.backward\(\)"):
        optimizer.step()
    assert p.data[0] == 1.0


def test_a_parameter_without_a_gradient_is_passed_over_and_keeps_its_velocity():
    p, q = parameter(1.0), parameter(1.0)
    optimizer = SGD([p, q], lr=0.1, momentum=0.5, weight_decay=0.1)
    give(p, 1.0)
    optimizer.step()
    assert q.data[0] == 1.0
    assert "momentum_buffer.1" not in optimizer.state_dict()


@pytest.mark.parametrize("refreshed", [0, 1])
def test_a_gradient_that_was_not_refreshed_is_warned_of_once(refreshed):
    params = [parameter(1.0), parameter(1.0)]
    optimizer = SGD(params, lr=0.1)
    for p in params:
        give(p, 1.0)
    optimizer.step()
    give(params[refreshed], 1.0)
    with pytest.warns(UserWarning, match="earlier step again, in 1 of 2 parameters") as caught:
        optimizer.step()
    assert caught[0].filename == __file__
    optimizer.step()  # a second warning would be an error here
    assert [p.data[0] for p in params] == pytest.approx([0.7, 0.7])


def test_a_warning_made_an_error_leaves_the_parameters_alone():
    p = parameter(1.0)
    optimizer = SGD([p], lr=0.1)
    give(p, 1.0)
    optimizer.step()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="zero_grad"):
            optimizer.step()
    assert p.data[0] == 0.9


def test_no_warning_for_gradients_that_accumulate_over_batches():
    p = parameter(1.0)
    optimizer = SGD([p], lr=0.1)
    for _ in range(3):
        (p * 2).sum().backward()
        (p * 2).sum().backward()
        optimizer.step()  # without zero_grad: 4, 8 and 12 are accumulated on purpose
    assert p.data[0] == pytest.approx(1 - 0.1 * (4 + 8 + 12))


def test_no_warning_for_a_parameter_that_gets_its_first_gradient_later():
    p, q = parameter(1.0), parameter(1.0)
    optimizer = SGD([p, q], lr=0.1)
    (p * 1).sum().backward()
    optimizer.step()
    optimizer.zero_grad()
    (q * 1).sum().backward()
    optimizer.step()
    assert p.data[0] == q.data[0] == 0.9


def test_two_optimizers_each_warn_for_themselves():
    p = parameter(1.0)
    first, second = SGD([p], lr=0.1), SGD([p], lr=0.1)
    give(p, 1.0)
    first.step()
    second.step()
    with pytest.warns(UserWarning, match="earlier step"):
        second.step()


# State.


@pytest.mark.parametrize("variant", VARIANTS)
def test_an_optimizer_continues_from_its_saved_state(variant, tmp_path):
    def trained(steps, p, optimizer):
        for _ in range(steps):
            optimizer.zero_grad()
            ((p - 0.5) ** 4).sum().backward()
            optimizer.step()

    options = VARIANTS[variant]
    whole = parameter(1.0, -0.5)
    trained(6, whole, SGD([whole], **options))
    first = parameter(1.0, -0.5)
    optimizer = SGD([first], **options)
    trained(3, first, optimizer)
    nn.save(optimizer.state_dict(), tmp_path / "sgd.npz")
    second = Tensor(first.data.copy(), requires_grad=True)
    restored = SGD([second], lr=123.0)
    restored.load_state_dict(nn.load(tmp_path / "sgd.npz"))
    trained(3, second, restored)
    assert np.array_equal(second.data, whole.data)


def test_state_dict_holds_options_and_velocities_as_copied_arrays():
    p = parameter(1.0, 2.0)
    optimizer = SGD([parameter(0.0), p], lr=0.1, momentum=0.9, nesterov=True)
    give(p, 3.0, 4.0)
    optimizer.step()
    state = optimizer.state_dict()
    assert {name: array.tolist() for name, array in state.items()} == {
        "lr": 0.1,
        "momentum": 0.9,
        "dampening": 0,
        "weight_decay": 0,
        "nesterov": True,
        "maximize": False,
        "momentum_buffer.1": [3.0, 4.0],
    }
    state["momentum_buffer.1"][:] = 0
    assert optimizer.state_dict()["momentum_buffer.1"].tolist() == [3.0, 4.0]


def test_a_loaded_velocity_is_copied_in_the_parameters_dtype():
    p = parameter(1.0, dtype=np.float32)
    optimizer = SGD([p], lr=1.0, momentum=0.5)
    velocity = np.array([2.0])
    optimizer.load_state_dict(SGD([p], 1.0, 0.5).state_dict() | {"momentum_buffer.0": velocity})
    velocity[:] = 100
    give(p, 0.0)
    optimizer.step()
    assert p.data[0] == 0.0
    assert optimizer.state_dict()["momentum_buffer.0"].dtype == np.float32


def test_a_state_that_does_not_fit_is_refused_as_a_whole_and_changes_nothing():
    p = parameter(1.0, 2.0)
    optimizer = SGD([p], lr=0.1, momentum=0.9)
    give(p, 1.0, 1.0)
    optimizer.step()
    before = optimizer.state_dict()
    state: dict[str, object] = {**before, "momentum_buffer.0": np.ones(3), "beta": 1, "lr": [1, 2]}
    state["momentum_buffer.1"] = np.ones(2)
    del state["momentum"]
    with pytest.raises(ValueError, match="nothing was loaded") as caught:
        optimizer.load_state_dict(state)  # type: ignore[arg-type]
    for part in (
        "missing in the state: momentum",
        "unexpected in the state: beta",
        "unexpected in the state: momentum_buffer.1",
        "wrong shape: momentum_buffer.0 is (2,) here, (3,) in the state",
        "wrong shape: lr is () here, (2,) in the state",
    ):
        assert f"  {part}" in str(caught.value).splitlines()
    after = optimizer.state_dict()
    assert all(np.array_equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("lr", -1.0, ValueError),
        ("momentum", 0.0, ValueError),
        ("lr", "fast", TypeError),
        ("momentum_buffer.0", [1j, 1j], ValueError),
        ("momentum_buffer.0", ["a", "b"], ValueError),
        ("momentum_buffer.0", [True, False], ValueError),
        ("momentum_buffer.0", [2**60 + 1, 0], ValueError),
        ("momentum_buffer.0", [[1.0], [2.0]], ValueError),
        ("lr", True, TypeError),
        ("lr", None, TypeError),
        ("lr", 1j, TypeError),
        ("nesterov", 1, TypeError),
    ],
)
def test_a_state_with_a_bad_value_changes_nothing(name, value, error):
    optimizer = SGD([parameter(1.0, 2.0)], lr=0.1, momentum=0.9, nesterov=True)
    with pytest.raises(error, match=name.partition("_")[0]):
        optimizer.load_state_dict(optimizer.state_dict() | {name: np.array(value)})
    assert optimizer.lr == 0.1
    assert optimizer.momentum == 0.9
    assert "momentum_buffer.0" not in optimizer.state_dict()


def test_a_velocity_that_would_be_lost_is_refused():
    p = parameter(1.0, 2.0, dtype=np.float32)
    optimizer = SGD([p], lr=0.1, momentum=0.9)
    state: dict[str, Any] = dict(optimizer.state_dict())
    with pytest.raises(ValueError, match=r"momentum_buffer\.0 holds 1e\+300, which float32 can't"):
        optimizer.load_state_dict(state | {"momentum_buffer.0": np.array([1e300, 0])})
    masked = np.ma.masked_array([1.0, 2.0], [False, True])
    with pytest.raises(ValueError, match=r"no array: momentum_buffer\.0, since masked"):
        optimizer.load_state_dict(state | {"momentum_buffer.0": masked})
    for name, value in (("lr", parameter(1.0)[0]), ("momentum_buffer.0", parameter(1.0, 2.0))):
        with pytest.raises(TypeError, match=rf"would lose the gradient of '{name}'"):
            optimizer.load_state_dict(state | {name: value})


def test_the_repr_shows_the_options():
    optimizer = SGD(nn.Linear(3, 2).parameters(), lr=0.1, momentum=0.9)
    assert repr(optimizer) == (
        "SGD(lr=0.1, momentum=0.9, dampening=0, weight_decay=0, nesterov=False, maximize=False)"
        "  2 Tensors, 8 numbers"
    )


def test_a_state_that_is_no_mapping_is_refused():
    with pytest.raises(TypeError, match="takes a dict of arrays by name, found 'sgd'"):
        SGD([parameter(1.0)], 0.1).load_state_dict("sgd")  # type: ignore[arg-type]


# Bad arguments.


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["lr", "momentum", "weight_decay"])
def test_a_negative_or_infinite_option_is_refused(name, value):
    options: dict[str, Any] = {"lr": 0.1, name: value}
    with pytest.raises(ValueError, match=f"{name} is a finite number, at least 0, found {value}"):
        SGD([parameter(1.0)], **options)


@pytest.mark.parametrize("name", ["lr", "momentum", "dampening", "weight_decay"])
def test_an_option_that_is_no_number_is_refused(name):
    for value in ("0.1", None, True, np.array(0.1), 1j, parameter(0.1)[0], Tensor(0.1)):
        options: dict[str, Any] = {"lr": 0.1, name: value}
        with pytest.raises(TypeError, match=f"{name} is a number, found"):
            SGD([parameter(1.0)], **options)


def test_a_dampening_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="dampening is a finite number, found nan"):
        SGD([parameter(1.0)], lr=0.1, dampening=float("nan"))


@pytest.mark.parametrize("name", ["nesterov", "maximize"])
def test_a_switch_that_is_neither_on_nor_off_is_refused(name):
    options: dict[str, Any] = {name: 0.9}
    with pytest.raises(TypeError, match=f"{name} is True or False, found 0.9"):
        SGD([parameter(1.0)], 0.1, 0.9, **options)


@pytest.mark.parametrize("options", [{}, {"momentum": 0.9, "dampening": 0.1}])
def test_nesterov_without_momentum_or_with_dampening_is_refused(options):
    with pytest.raises(ValueError, match="nesterov needs momentum > 0 and dampening = 0"):
        SGD([parameter(1.0)], lr=0.1, nesterov=True, **options)


@pytest.mark.parametrize("params", [[], (), iter([])])
def test_an_empty_list_is_refused(params):
    with pytest.raises(ValueError, match="at least one Tensor, found an empty list"):
        SGD(params, lr=0.1)


def test_a_single_tensor_is_refused_with_the_remedy():
    with pytest.raises(TypeError, match=r"found a single one: write \[tensor\]"):
        SGD(parameter(1.0), lr=0.1)


def test_a_model_in_the_place_of_its_parameters_is_refused_with_the_remedy():
    with pytest.raises(TypeError, match=r"such as model\.parameters\(\), found Linear"):
        SGD(nn.Linear(2, 2), lr=0.1)  # type: ignore[arg-type]
    with pytest.raises(
        TypeError, match=r"such as model\.parameters\(\), found Linear at position 0"
    ):
        SGD(nn.Sequential(nn.Linear(2, 2)), lr=0.1)  # type: ignore[arg-type]


@pytest.mark.parametrize("other", [np.ones(2), 1.0, ("weight", parameter(1.0)), None])
def test_anything_but_tensors_is_refused(other):
    with pytest.raises(TypeError, match=f"found {type(other).__name__} at position 1"):
        SGD([parameter(1.0), other], lr=0.1)


def test_a_tensor_that_requires_no_grad_is_refused():
    with pytest.raises(ValueError, match=r"shape \(1,\) at position 1 does not require grad"):
        SGD([parameter(1.0), Tensor([1.0])], lr=0.1)


def test_a_complex_parameter_is_refused():
    with pytest.raises(ValueError, match="found complex128 at position 0: make it of two real"):
        SGD([Tensor([1j], requires_grad=True)], lr=0.1)


def test_a_tensor_that_is_no_leaf_is_refused():
    with pytest.raises(ValueError, match="position 0 is the result of an operation"):
        SGD([parameter(1.0) * 2], lr=0.1)


def test_a_parameter_that_is_there_twice_is_refused():
    p = parameter(1.0)
    with pytest.raises(ValueError, match="twice in a step: positions 0 and 2"):
        SGD([p, parameter(1.0), p], lr=0.1)


def test_parameters_of_equal_values_are_not_the_same_parameter():
    assert len(SGD([parameter(1.0), parameter(1.0)], lr=0.1).params) == 2


def test_a_generator_of_parameters_is_fine():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    optimizer = SGD(model.parameters(), lr=0.1)
    assert all(a is b for a, b in zip(optimizer.params, model.parameters(), strict=True))


# The whole way.


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_network_learns_exclusive_or(dtype):
    rng = np.random.default_rng(1)
    model = nn.Sequential(
        nn.Linear(2, 8, rng=rng), nn.Tanh(), nn.Linear(8, 1, rng=rng), nn.Sigmoid()
    ).astype(dtype)
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype)
    y = np.array([[0], [1], [1], [0]], dtype)
    optimizer = SGD(model.parameters(), lr=1.0, momentum=0.9)
    for _ in range(400):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()
    assert np.array_equal(model(x).data.round(), y)
    assert {p.dtype for p in model.parameters()} == {np.dtype(dtype)}


# Beside other code


def test_a_walk_in_the_middle_of_a_step_knows_what_was_written(monkeypatch):
    a, b, x = parameter(1.0), parameter(1.0), parameter(1.0)
    give(a, 1.0)
    give(b, 1.0)
    loss, after = (a * x).sum(), (b * x).sum()
    product = np.multiply

    def walking(*args):
        if args[0] is b.grad:  # `a` has been written
            with pytest.raises(RuntimeError, match="written since"):
                loss.backward()
        return product(*args)

    monkeypatch.setattr(np, "multiply", walking)
    SGD([a, b], lr=0.5).step()
    with pytest.raises(RuntimeError, match="written since"):
        after.backward()
    assert (a.data, b.data, x.grad) == (0.5, 0.5, None)


class Lazy(np.lib.mixins.NDArrayOperatorsMixin):
    """An array of another library, which never writes into one."""

    def __init__(self, array):
        self.array = np.asarray(array)
        self.shape, self.ndim, self.size = self.array.shape, self.array.ndim, self.array.size
        self.dtype = self.array.dtype

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kwargs):
        return Lazy(ufunc(*(x.array if isinstance(x, Lazy) else x for x in inputs), **kwargs))

    def __array_function__(self, function, types, args, kwargs):
        return Lazy(function(*(x.array if isinstance(x, Lazy) else x for x in args), **kwargs))

    def copy(self):
        return Lazy(self.array.copy())


def test_an_array_that_is_never_written_in_place_is_stepped_too():
    p = Tensor(Lazy([1.0, 2.0]), requires_grad=True)
    p.grad = Lazy([1.0, 1.0])
    before = p.data
    SGD([p], lr=0.5).step()
    assert p.data.array.tolist() == [0.5, 1.5]
    assert before.array.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_steps_arrays_of_another_library_alike(variant):
    p, q = parameter(1.0, 2.0), Tensor(Lazy([1.0, 2.0]), requires_grad=True)
    optimizers = SGD([p], **VARIANTS[variant]), SGD([q], **VARIANTS[variant])
    for step in range(4):
        p.grad, q.grad = np.array([0.5, -step]), Lazy([0.5, -step])
        for optimizer in optimizers:
            optimizer.step()
    assert type(q.data) is Lazy
    assert q.data.array.tolist() == pytest.approx(p.data.tolist(), rel=1e-14)
