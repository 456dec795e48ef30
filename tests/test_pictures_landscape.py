"""Pictures of a network's own cost over two directions through its weights."""

import time

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

import nn
import optim
from autograd_mini import Tensor, no_grad
from nn import pictures

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    yield
    plt.close("all")


def rng(seed=0):
    return np.random.default_rng(seed)


X, Y = rng(7).random((20, 6)), rng(8).random((20, 3))
COST = nn.MSELoss()


def loss(model):
    return COST(model(X), Y)


def small(seed=0, dtype=np.float64):
    first, second = nn.Linear(6, 5, rng=rng(seed)), nn.Linear(5, 3, rng=rng(seed + 1))
    return nn.Sequential(first, nn.Tanh(), second).astype(dtype)


def trained(steps=12):
    """Return a network and the states that its training came through."""
    model = small()
    optimizer = optim.SGD(model.parameters(), lr=0.5, momentum=0.5)
    path = [model.state_dict()]
    for _ in range(steps):
        optimizer.zero_grad()
        loss(model).backward()
        optimizer.step()
        path.append(model.state_dict())
    return model, path


def flat(state):
    return np.concatenate([array.ravel() for array in state.values()])


def moved(model, found, a, b):
    """Return the cost with the weights moved by hand, in a network of their own."""
    other = small(seed=50)
    parts = zip(model.state_dict().items(), found.plane.first, found.plane.second, strict=True)
    other.load_state_dict({name: w + a * d + b * e for (name, w), d, e in parts})
    return loss(other).item()


# The costs


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("points", [3, 8, 9])
def test_the_cost_in_the_middle_is_the_models_own_bit_for_bit(dtype, points):
    model = small(dtype=dtype)
    found = pictures.landscape_costs(model, loss, points=points)
    (row,), (column,) = np.flatnonzero(found.y == 0), np.flatnonzero(found.x == 0)
    assert found.costs.shape == (points, points)
    assert found.costs[row, column] == loss(model).item()


@pytest.mark.parametrize(("row", "column"), [(0, 0), (0, -1), (-1, 0), (-1, -1), (2, 3)])
def test_the_cost_elsewhere_is_that_of_weights_moved_by_hand(row, column):
    model = small()
    found = pictures.landscape_costs(model, loss, points=5, radius=0.7)
    expected = moved(model, found, found.x[column], found.y[row])
    assert found.costs[row, column] == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(found.x, [-0.7, -0.35, 0, 0.35, 0.7])


def test_random_directions_are_as_long_as_the_weights_neuron_by_neuron():
    model = small()
    plane = pictures.landscape_costs(model, loss, points=3).plane
    for direction in (plane.first, plane.second):
        for w, d in zip(model.parameters(), direction, strict=True):
            assert d.shape == w.shape
            if w.ndim == 2:
                sizes = np.linalg.norm(d, axis=1)
                np.testing.assert_allclose(sizes, np.linalg.norm(w.data, axis=1), rtol=1e-12)
            else:
                assert not d.any()


def test_the_two_random_directions_differ_and_can_be_drawn_again():
    model = small()
    one, again, other = (
        pictures.landscape_costs(model, loss, points=3, rng=r) for r in (None, None, rng(5))
    )
    assert np.abs(one.plane.first[0] - one.plane.second[0]).max() > 0.01
    np.testing.assert_array_equal(one.costs, again.costs)
    assert np.abs(one.costs - other.costs).max() > 1e-6


def test_frozen_weights_stay_where_they_are():
    model = small()
    model[0].weight.requires_grad = False
    plane = pictures.landscape_costs(model, loss, points=3).plane
    assert [d.shape for d in plane.first] == [(5,), (3, 5), (3,)]


def test_a_neuron_without_weights_does_not_move():
    model = small()
    model[0].weight.data[2] = 0
    plane = pictures.landscape_costs(model, loss, points=3).plane
    assert not plane.first[0][2].any()


# The path of a training


def test_a_path_lies_on_the_first_two_principal_components_of_its_differences():
    model, path = trained()
    plane = pictures.landscape_costs(model, loss, path=path, points=5).plane
    differences = np.array([flat(state) - flat(path[-1]) for state in path])
    # The components by another way than the one under test: eigenvectors of the covariance.
    variances, vectors = np.linalg.eigh(np.cov(differences[:-1].T))
    first, second = (np.concatenate([d.ravel() for d in x]) for x in plane[:2])
    for direction, vector in ((first, vectors[:, -1]), (second, vectors[:, -2])):
        assert abs(direction @ vector) == pytest.approx(1, abs=1e-9)
    np.testing.assert_allclose(plane.path, differences @ np.transpose([first, second]))
    np.testing.assert_allclose(plane.shares, variances[[-1, -2]] / variances.sum(), rtol=1e-9)
    np.testing.assert_allclose(plane.path[-1], 0, atol=1e-12)
    assert np.all(plane.path[0] >= 0)


def test_a_path_may_be_state_dicts_flat_arrays_or_tensors():
    model, path = trained()
    one = pictures.landscape_costs(model, loss, path=path, points=3)
    for given in ([flat(state) for state in path], [Tensor(flat(state)) for state in path]):
        again = pictures.landscape_costs(model, loss, path=given, points=3)
        np.testing.assert_array_equal(one.costs, again.costs)


def test_the_plane_shows_the_whole_path_and_the_cost_at_its_corner():
    model, path = trained()
    found = pictures.landscape_costs(model, loss, path=path, points=7)
    for numbers, places in ((found.x, found.plane.path[:, 0]), (found.y, found.plane.path[:, 1])):
        assert numbers[0] < places.min()
        assert places.max() < numbers[-1]
        assert 0 in numbers
    expected = moved(model, found, found.x[-1], found.y[0])
    assert found.costs[0, -1] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda path: path[-1:], ValueError, "at least three points.*found 0 other points"),
        (lambda path: path[-3:], ValueError, "at least three points.*found 2 other points"),
        (lambda path: [], ValueError, "found 0 other points"),
        (lambda path: [{"0.bias": np.ones(5)}], ValueError, "point 0 of the path does not fit"),
        (lambda path: [*path, {**path[0], "0.bias": np.ones(4)}], ValueError, "0.bias is missing"),
        (lambda path: [np.ones(5)], TypeError, r"found ndarray of shape \(5,\) as point 0"),
        (lambda path: ["abc"], TypeError, "53 parameters, found str"),
    ],
)
def test_a_path_that_is_none_is_refused(change, error, message):
    model, path = trained(steps=5)
    with pytest.raises(error, match=message):
        pictures.landscape(model, loss, path=change(path), points=3)
    assert plt.get_fignums() == []


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_path_on_a_line_spans_no_plane_though_its_points_are_rounded(dtype):
    model = small(dtype=dtype)
    end, way = model.state_dict(), small(seed=9).state_dict()
    path = [{k: (w + t * way[k]).astype(dtype) for k, w in end.items()} for t in (4, 3, 2, 1)]
    with pytest.raises(ValueError, match="not on one line, found 4 other points"):
        pictures.landscape_costs(model, loss, path=path)


# The model is lent


def snapshot(model):
    """Return everything of a model that a picture might change, with the arrays themselves."""
    tensors = [
        (p, p.data, p.data.tobytes(), p.grad, None if p.grad is None else p.grad.tobytes())
        for p in model.parameters()
    ]
    return tensors, [dict(vars(module)) for module in model.modules()]


def assert_unchanged(model, before):
    tensors, parts = before
    for p, data, values, grad, slopes in tensors:
        assert p.data is data
        assert p.data.tobytes() == values
        assert p.grad is grad
        assert grad is None or grad.tobytes() == slopes
    assert [dict(vars(module)) for module in model.modules()] == parts


def greedy(model):
    """Train the model, leave gradients and modes: what a loss should not do, and may."""
    with_grad = Tensor(1.0, requires_grad=True)
    (loss(model) * with_grad).item()
    for p in model.parameters():
        p.grad = np.ones_like(p.data)
        p.data -= 1.0
        p.data = p.data * 2
    model.train()
    return loss(model)


@pytest.mark.parametrize("function", [loss, greedy])
@pytest.mark.parametrize("mode", [None, True, False])
def test_the_model_is_bit_by_bit_what_it_was(function, mode):
    model = small(dtype=np.float32)
    loss(model).backward()
    model[0].bias.grad = None
    if mode is not None:
        model.train(mode)
    before = snapshot(model)
    pictures.landscape(model, function, points=5, ax=Figure().subplots())
    assert_unchanged(model, before)


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_the_model_is_what_it_was_also_when_the_loss_raises(error):
    model, calls = small(), []

    def fails(model):
        calls.append(greedy(model))
        if len(calls) == 5:
            raise error
        return calls[-1]

    loss(model).backward()
    before = snapshot(model)
    with pytest.raises(error):
        pictures.landscape(model, fails, points=3)
    assert_unchanged(model, before)
    assert plt.get_fignums() == []


class Remembering(nn.Module):
    """Keeps what it computed, and counts its calls."""

    def __init__(self):
        self.inner, self.calls, self.last = nn.Linear(6, 3, rng=rng()), 0, None

    def forward(self, x):
        self.calls, self.last = self.calls + 1, self.inner(x)
        return self.last


def test_what_a_model_remembers_of_its_calls_is_what_it_was():
    model = Remembering()
    last = model(X)
    pictures.landscape_costs(model, loss, points=3)
    pictures.network(model, X[0])
    assert model.last is last
    assert model.calls == 1


def test_a_graph_recorded_before_can_still_be_walked_after():
    model = small()
    cost = loss(model)
    pictures.landscape_costs(model, greedy, points=3)
    cost.backward()
    expected = small()
    loss(expected).backward()
    for p, other in zip(model.parameters(), expected.parameters(), strict=True):
        np.testing.assert_array_equal(p.grad, other.grad)


def test_what_one_point_does_to_the_model_does_not_reach_the_next():
    model = small()
    once = pictures.landscape_costs(model, greedy, points=3).costs
    fresh = small()
    np.testing.assert_array_equal(once[1, 1], float(greedy(fresh).item()))


def test_dropout_is_off_and_its_random_numbers_are_not_used_up():
    dropout = nn.Dropout(0.5, rng=rng())
    model = nn.Sequential(nn.Linear(6, 5), dropout, nn.Linear(5, 3))
    state = dropout.rng.bit_generator.state
    found = pictures.landscape_costs(model, loss, points=3)
    assert model.training
    assert dropout.rng.bit_generator.state == state
    assert found.costs[1, 1] == loss(model.eval()).item()


# The picture


def test_contours_are_labelled_with_the_directions_and_the_models_cost():
    model = small()
    ax = pictures.landscape(model, loss, points=9)
    assert (ax.get_xlabel(), ax.get_ylabel()) == (
        "first random direction",
        "second random direction",
    )
    assert ax.get_title() == f"The cost around the network's weights, here {loss(model).item():.3g}"
    assert (ax.get_xlim(), ax.get_ylim()) == ((-1, 1), (-1, 1))
    assert [axes.get_ylabel() for axes in ax.figure.axes[1:]] == ["cost"]
    assert "the network" in [text.get_text() for text in ax.texts]


def test_the_path_is_drawn_with_the_share_of_variance_of_each_direction():
    model, path = trained()
    ax = pictures.landscape(model, loss, path=path, points=9)
    found = pictures.landscape_costs(model, loss, path=path, points=9).plane
    (line,) = [line for line in ax.lines if line.get_label() == "path of the training"]
    np.testing.assert_array_equal(line.get_xydata(), found.path)
    assert ax.get_xlabel() == (
        f"first principal direction, {found.shares[0]:.1%} of the path's variance"
    )
    assert {"start", "the network"} <= {text.get_text() for text in ax.texts}


def test_axes_in_three_dimensions_get_a_surface():
    model, path = trained()
    ax = Figure().add_subplot(projection="3d")
    assert pictures.landscape(model, loss, path=path, points=5, ax=ax) is ax
    assert ax.get_zlabel() == "cost"
    assert len(ax.lines) == 2  # the path, and the star where the network is
    ax.figure.canvas.draw()


def test_costs_that_are_not_finite_are_left_out_of_the_picture():
    def breaks(model):
        cost = loss(model).item()
        return np.inf if cost > 1 else cost

    ax = pictures.landscape(small(), breaks, points=5, radius=3.0)
    ax.figure.canvas.draw()
    assert np.isfinite(ax.dataLim.get_points()).all()


@pytest.mark.parametrize("kind", [None, "3d"])
def test_a_flat_landscape_is_drawn(kind):
    ax = plt.figure().add_subplot(projection=kind)
    pictures.landscape(small(), lambda _: 2.0, points=3, ax=ax).figure.canvas.draw()


@pytest.mark.parametrize(
    ("model", "function", "options", "error", "message"),
    [
        (np.tanh, loss, {}, TypeError, "landscape moves the weights of a module"),
        (small(), loss, {"points": 2}, ValueError, "points is a whole number from 3 on"),
        (small(), loss, {"radius": 0}, ValueError, "radius is a finite number above 0"),
        (small(), loss, {"points": 4.5}, ValueError, "points is a whole number from 3 on"),
        (small(), lambda m: m(X), {}, TypeError, r"one real number .* found a Tensor of shape"),
        (small(), nn.MSELoss(), {}, TypeError, "a function of the model .* found a MSELoss"),
        (small(), Tensor(1.0), {}, TypeError, r"of the model .* found a Tensor of shape \(\)"),
        (small(), lambda: 1.0, {}, TypeError, r"function of the model .* <lambda>\(\)"),
        (nn.Sequential, loss, {}, TypeError, "moves the weights of a module, found the class"),
        (small(), loss, {"path": 3}, TypeError, "a path is a list of state dicts, found 3"),
        (small(), loss, {"rng": 0}, TypeError, "rng is a numpy.random.Generator, found 0"),
        (small(), lambda _: None, {}, TypeError, "one real number for a model, found None"),
        (small(), lambda _: np.nan, {}, ValueError, "the cost of the model itself is nan"),
        (nn.Sequential(nn.ReLU()), lambda _: 1.0, {}, ValueError, "has no parameters of two axes"),
    ],
)
def test_what_is_no_landscape_is_refused(model, function, options, error, message):
    with pytest.raises(error, match=message):
        pictures.landscape(model, function, **options)
    assert plt.get_fignums() == []


def test_625_costs_take_hardly_longer_than_the_model_itself():
    x, y = rng().random((1000, 784), np.float32), rng().random((1000, 10), np.float32)
    layers = nn.Linear(784, 16), nn.Sigmoid(), nn.Linear(16, 16), nn.Sigmoid(), nn.Linear(16, 10)
    model = nn.Sequential(*layers).astype(np.float32)
    with no_grad():
        bare = processor_seconds(lambda: [COST(model(x), y) for _ in range(625)])
    drawn = processor_seconds(lambda: pictures.landscape_costs(model, lambda m: COST(m(x), y)))
    assert drawn < 3 * bare + 1


def processor_seconds(task):
    """Return the least of three runs: threads that wait for a busy machine count as well."""
    seconds = []
    for _ in range(3):
        start = time.process_time()
        task()
        seconds.append(time.process_time() - start)
    return min(seconds)
