"""Every Dropout draws masks of its own: copies, what was unpickled, and forked processes."""

import copy
import itertools
import multiprocessing
import os
import pickle
import warnings

import numpy as np
import pytest

import nn
from nn import init


def mask(model):
    return np.asarray(model(np.ones(64)))


def network():
    return nn.Sequential(nn.Dropout(0.5), nn.Sequential(nn.Dropout(0.5)))


def all_differ(masks):
    return not any(np.array_equal(a, b) for a, b in itertools.combinations(masks, 2))


class Slotted(nn.Dropout):
    """A Dropout with an attribute in a slot."""

    __slots__ = ("note",)


COPIES = {
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
    "the oldest pickle": lambda x: pickle.loads(pickle.dumps(x, protocol=2)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("rng", [None, 0])
def test_a_layer_copied_twice_draws_three_different_streams(way, rng):
    layer = nn.Dropout(0.5, rng=None if rng is None else np.random.default_rng(rng))
    twins = [COPIES[way](layer) for _ in range(2)]
    assert all_differ([mask(each) for each in (layer, *twins, *twins)])
    assert all(each.p == 0.5 and each.training for each in twins)


@pytest.mark.parametrize("way", ["pickle", "deepcopy"])
def test_a_network_loaded_twice_draws_other_masks_in_every_layer(way):
    model = network()
    found = [COPIES[way](model) for _ in range(3)]
    assert all_differ([mask(layer) for each in found for layer in each])


def test_one_stream_of_two_layers_becomes_two_when_it_is_loaded():
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Dropout(0.5, rng=rng), nn.Dropout(0.5, rng=rng))
    first, second = COPIES["pickle"](model)
    assert not np.array_equal(mask(first), mask(second))


def test_after_one_seed_everything_that_is_loaded_draws_the_same_again():
    saved = pickle.dumps(network())
    runs = []
    for _ in range(2):
        init.seed(3)
        runs.append([mask(pickle.loads(saved)) for _ in range(2)])
    assert np.array_equal(*runs)
    assert all_differ(runs[0])


def test_copying_a_model_changes_nothing_that_is_drawn_later():
    drawn = []
    for copies in (0, 3):
        init.seed(0)
        model = network()
        for _ in range(copies):
            copy.deepcopy(model).eval()(np.ones(3))
        drawn.append([mask(model), nn.Linear(2, 2).weight.data, mask(nn.Dropout(0.5))])
    assert all(np.array_equal(a, b) for a, b in zip(*drawn, strict=True))


def test_a_slot_of_a_subclass_is_copied_too():
    layer = Slotted(0.25)
    layer.note = "kept"
    for way in COPIES.values():
        twin = way(layer)
        assert (twin.note, twin.p, "note" in vars(twin)) == ("kept", 0.25, False)


def test_a_generator_can_be_read_and_replaced():
    layer = nn.Dropout(0.5, rng=np.random.default_rng(0))
    first = mask(layer)
    layer.rng = np.random.default_rng(0)
    assert np.array_equal(mask(layer), first)
    assert layer.rng is layer.rng


def in_children(work, count):
    """Return what `work` returns in each of `count` forked processes."""
    context = multiprocessing.get_context("fork")
    found = []
    for _ in range(count):
        here, there = context.Pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads of other tests
            child = context.Process(target=lambda end: end.send(work()), args=(there,))
            child.start()
        found.append(here.recv())
        child.join()
    return found


forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked on POSIX")


@forks
def test_workers_that_load_one_model_draw_different_masks():
    saved = pickle.dumps(network())
    assert all_differ(in_children(lambda: mask(pickle.loads(saved)), 4))


@forks
def test_a_model_that_was_there_before_the_fork_draws_other_masks_in_each_worker():
    model = network()
    masks = in_children(lambda: mask(model), 4)
    assert all_differ([*masks, mask(model)])


@forks
def test_workers_draw_different_numbers_by_the_default_generator_and_the_same_on_every_run():
    def drawn():
        return [init.generator().random(), mask(model)]

    runs = []
    for _ in range(2):
        init.seed(0)
        model = network()
        runs.append(in_children(drawn, 3))
        runs[-1].append([init.generator().random(), mask(model)])
    numbers = [number for number, _ in runs[0]]
    assert len(set(numbers)) == 4
    assert all_differ([each for _, each in runs[0]])
    assert numbers == [number for number, _ in runs[1]]
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(*runs, strict=True))


@forks
def test_children_of_children_draw_other_numbers_too():
    def drawn():
        return [init.generator().random(), *in_children(lambda: init.generator().random(), 2)]

    found = [init.generator().random(), *itertools.chain(*in_children(drawn, 2))]
    assert len(set(found)) == len(found) == 7
