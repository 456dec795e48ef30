"""The program that defines its own operation, layer and network: its claim, and what it teaches."""

import contextlib
import doctest
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nn
from autograd_mini import Tensor, gradients
from autograd_mini.testing import GradientError
from examples import custom_network, mnist
from examples.custom_network import HELD_OUT, Reader, Residual, accuracy, prove, small, swish

ROOT = Path(__file__).parents[1]


def run_program(*argv):
    """Run the program and return its result and what it printed."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        result = custom_network.main([str(word) for word in argv])
    return result, printed.getvalue()


@pytest.fixture(scope="module")
def few():
    return mnist.load_embedded()[np.random.default_rng(3).permutation(10_000)[:400]]


@pytest.mark.slow
def test_it_reads_95_percent_of_the_digits_that_it_has_never_seen(tmp_path):
    found, text = run_program("--out", tmp_path)
    assert found >= 0.95
    assert text.splitlines()[-1].startswith(f"{found:.1%} of {HELD_OUT:,} digits")


def test_one_epoch_tells_the_whole_story_and_leaves_the_picture(tmp_path):
    found, text = run_program("--out", tmp_path / "new", "--epochs", 1)
    assert 0.8 < found < 0.95
    assert "6,634 parameters: 53,072 bytes" in text
    assert "6,464 + ?" in text
    assert "swish agrees with its numeric derivatives, orders 1 to 2, rev and fwd" in text
    assert "Reader agrees with its numeric derivatives, orders 1 to 2, rev and fwd" in text
    assert text.count("average cost") == 1
    graph = (tmp_path / "new" / "cost-graph.dot").read_text(encoding="utf-8")
    assert "swish" in graph
    assert "enter.weight" in graph


def test_one_seed_gives_the_same_words_again_and_another_one_others(tmp_path, few, monkeypatch):
    monkeypatch.setattr(custom_network, "load", lambda *_: (few[:300], few[300:]))
    monkeypatch.setattr(custom_network, "prove", lambda *_: None)  # seconds, and tested above
    texts = [run_program("--out", tmp_path, "--epochs", 1, "--seed", n)[1] for n in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_the_examples_in_its_docstrings_run():
    results = doctest.testmod(custom_network)
    assert results.attempted >= 5
    assert results.failed == 0


def test_it_starts_as_a_program_and_without_graphviz_or_matplotlib_says_what_to_install():
    program = (
        "import sys; sys.modules['graphviz'] = None; import runpy; "
        "runpy.run_path('examples/custom_network.py', run_name='__main__')"
    )
    command = [sys.executable, "-c", program]
    missing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert missing.returncode == 1
    assert "pip install -e '.[examples,draw]'" in missing.stderr
    helped = subprocess.run(
        [sys.executable, "-m", "examples.custom_network", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert helped.returncode == 0
    assert "--epochs" in helped.stdout


def test_swish_is_x_times_the_sigmoid_and_stays_finite_far_out():
    x = np.linspace(-30, 30, 13)
    np.testing.assert_allclose(swish(x), x / (1 + np.exp(-x)), rtol=1e-14)
    assert swish(np.array([-1e4, 1e4])).tolist() == [0.0, 1e4]
    far = Tensor([-1e4, 1e4], requires_grad=True)
    assert gradients(swish(far).sum(), [far])[0].tolist() == [0.0, 1.0]


def test_swish_keeps_float32():
    x = Tensor(np.float32([-1, 2]), requires_grad=True)
    out = swish(x)
    out.sum().backward()
    assert out.dtype == x.grad.dtype == np.float32


def test_a_block_adds_to_its_input():
    block = Residual(3, np.random.default_rng(0))
    x = np.arange(6.0).reshape(2, 3)
    inner = x @ block.inner.weight.data.T + block.inner.bias.data
    added = swish(inner) @ block.outer.weight.data.T + block.outer.bias.data
    np.testing.assert_allclose(block(x).data, x + added)
    block.outer.weight.data *= 0
    block.outer.bias.data *= 0
    np.testing.assert_array_equal(block(x).data, x)


def test_a_network_with_a_wrong_rule_is_not_proved(few, monkeypatch):
    rng = np.random.default_rng(0)
    network = Reader(rng)

    @custom_network.primitive
    def wrong(x):
        return x**3

    custom_network.defvjp(wrong, lambda g, out, x: 3.00001 * g * x**2)
    monkeypatch.setattr(custom_network, "swish", wrong)
    with pytest.raises(GradientError, match="the rule of wrong"):
        prove(network, small(few[:3]))


def test_small_digits_are_the_means_of_three_by_three_pixels(few):
    pixels = small(few)
    assert pixels.shape == (400, 64)
    assert 0 <= pixels.min() < pixels.max() <= 1
    square = few.images[7, 2 + 3 * 4 : 5 + 3 * 4, 2 + 3 * 2 : 5 + 3 * 2]
    assert pixels[7, 8 * 4 + 2] == pytest.approx(square.mean() / 255)


def test_accuracy_is_the_share_of_digits_whose_own_score_is_highest(few):
    network = Reader(np.random.default_rng(0))
    for p in network.leave.parameters():
        p.data = np.zeros_like(p.data)
    network.leave.bias.data = np.eye(10)[4]
    assert accuracy(network, few) == (few.labels == 4).mean() > 0


def test_the_summary_counts_what_the_program_says(few):
    found = nn.summary(Reader(np.random.default_rng(0)), small(few[:5]))
    assert found.multiply_adds == 5 * (64 * 32 + 4 * 32 * 32 + 32 * 10)
    assert found.uncounted == {"swish": 3}


@pytest.mark.parametrize("words", [("--epochs", "0"), ("--seed", "-1"), ("--epochs", "x")])
def test_a_bad_argument_is_told(tmp_path, capsys, words):
    with pytest.raises(SystemExit) as stop:
        custom_network.main(["--out", str(tmp_path), *words])
    assert stop.value.code == 2
    assert words[0] in capsys.readouterr().err.splitlines()[-1]


def test_a_folder_that_can_not_be_written_is_told_before_the_training(tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SystemExit):
        custom_network.main(["--out", str(tmp_path / "file")])
    assert "name another folder with --out" in capsys.readouterr().err
