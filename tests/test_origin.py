"""Every recorded Tensor knows the line of the user's code that made it."""

import subprocess
import sys
from functools import partial, reduce
from typing import Any

import numpy as np
import pytest

import nn
from autograd_mini import Tensor, defvjp, gradients, primitive, sigmoid
from autograd_mini.origin import Origin

xp: Any = np


def leaf(*values: float) -> Tensor:
    return Tensor(np.array(values), requires_grad=True)


def line_after() -> int:
    """Return the number of the line below the call."""
    return sys._getframe(1).f_lineno + 1


def assert_made(x: Tensor, line: int, function: str) -> None:
    assert x.origin == Origin(__file__, line, function)


def here() -> str:
    """Return the name of the function that calls."""
    return sys._getframe(1).f_code.co_name


def test_a_leaf_has_no_line():
    assert leaf(1.0).origin is None
    assert (leaf(1.0) + 1).detach().origin is None


def test_the_line_of_an_operator():
    x = leaf(1.0, 2.0)
    ones = np.ones(2)
    line = line_after()
    made: list[Any] = [
        x + 1,
        1 - x,
        ones * x,
        -x,
        x @ ones,
        ones @ x,
        x**2,
        x**x,
        x[0],
        x % 2,
        divmod(x, 2)[1],
        x * [1.0, 2.0],
        np.float64(2) * x,
    ]
    for position, out in enumerate(made):
        assert_made(out, line + 1 + position, here())


def test_the_line_of_a_method_a_function_and_an_attribute():
    x = Tensor(np.ones((2, 2)), requires_grad=True)
    line = line_after()
    made: list[Any] = [
        x.sum(axis=0),
        x.exp(),
        x.reshape(4),
        x.T,
        x.softmax(),
        xp.sum(x),
        xp.exp(x),
        xp.stack([x, x]),
        xp.split(x, 2)[1],
        xp.clip(x, a_min=0.0, a_max=1.0),
        xp.einsum("ij->i", x),
        sigmoid(x),
        next(iter(x)),
        x.astype(np.float32),
    ]
    for position, out in enumerate(made):
        assert_made(out, line + 1 + position, here())


def test_the_line_of_an_assignment():
    x = leaf(1.0, 2.0)
    y = x * 1
    line = line_after()
    y += 1
    assert_made(y, line, here())
    line = line_after()
    y[0] = 3.0
    assert_made(y, line, here())


def helper(x: Any) -> Any:
    return x * x


def test_the_line_within_a_helper_function_of_the_user():
    assert_made(helper(leaf(1.0)), helper.__code__.co_firstlineno + 1, "helper")


def test_the_line_within_a_lambda_a_comprehension_and_a_method():
    class Model:
        def forward(self, x):
            return x + 1

    x = leaf(1.0)
    double = lambda x: x * 2  # noqa: E731 - what is tested
    line = sys._getframe().f_lineno
    assert_made(double(x), line - 1, "<lambda>")
    assert_made(Model().forward(x), line - 4, "forward")
    generated = list(x * i for i in range(1))  # noqa: C400 - what is tested
    assert_made(generated[0], line + 3, "<genexpr>")


@pytest.mark.parametrize(
    "call",
    [
        lambda x: next(map(xp.exp, [x])),
        lambda x: partial(xp.exp, x)(),
        lambda x: reduce(xp.multiply, [x, x]),
        lambda x: sum([x, x]),
        lambda x: max([x], key=lambda y: (y * 2).item()) * 3,
    ],
)
def test_the_line_of_a_call_that_c_code_makes(call):
    assert_made(call(leaf(1.0)), call.__code__.co_firstlineno, "<lambda>")


def test_the_line_of_a_statement_that_stands_on_several_lines():
    names: dict[str, Any] = {"x": leaf(1.0), "exp": xp.exp}
    exec("y = (\n  x\n  + x\n  * exp(\n    x,\n  )\n)", names)
    product = names["y"]._args[1]
    power = product._args[1]
    assert names["y"].origin.line == 2
    assert product.origin.line == 3
    assert power.origin.line == 4


def test_the_line_of_code_that_was_executed_from_text():
    x = leaf(1.0)
    names: dict[str, Any] = {"x": x}
    source = "y = x + 1\n\ndef f(x):\n    return (\n        x * 2)\nz = f(y)\n"
    exec(compile(source, "notebook cell 3", "exec"), names)
    assert names["y"].origin == ("notebook cell 3", 1, "<module>")
    assert names["z"].origin == ("notebook cell 3", 5, "f")
    exec("w = x * 3", names)
    assert names["w"].origin == ("<string>", 1, "<module>")


def test_a_layer_of_the_library_points_at_the_line_that_calls_it():
    model = nn.Sequential(nn.Linear(2, 3), nn.Sigmoid(), nn.Linear(3, 1))
    line = line_after()
    out = model(np.ones((4, 2)))
    assert_made(out, line, here())
    pending, seen = [out], 0
    while pending:
        node = pending.pop()
        if not node.is_leaf:
            seen += 1
            assert_made(node, line, here())
            pending.extend(x for x in node._args if isinstance(x, Tensor))
    assert seen == 3


def test_an_operation_of_the_user_points_at_its_call():
    @primitive
    def double(x):
        return 2 * x

    defvjp(double, lambda g, out, x: 2 * g)
    line = line_after()
    out = double(leaf(1.0))
    assert_made(out, line, here())


def test_the_operations_of_a_recorded_walk_point_at_the_walk():
    x = leaf(2.0)
    y = x**3
    line = line_after()
    (slope,) = gradients(y, [x], create_graph=True)
    assert_made(slope, line, here())


def test_an_origin_reads_like_a_traceback():
    x = leaf(1.0)
    line = line_after()
    y = x * 2
    assert str(y.origin) == f'File "{__file__}", line {line}, in {here()}'


def test_one_of_several_results_knows_the_line_of_the_call():
    a = Tensor(np.eye(2), requires_grad=True)
    line = line_after()
    q, r = np.linalg.qr(a)
    expected = f'File "{__file__}", line {line}, in {here()}'
    assert str(q.origin) == str(r.origin) == expected


def test_a_file_beside_the_library_is_the_users(tmp_path):
    script = tmp_path / "autograd_mini_user.py"
    script.write_text(
        "from autograd_mini import Tensor\n"
        "x = Tensor(1.0, requires_grad=True)\n"
        "print((x * 2).origin.line, (x * 2).origin.file)\n"
    )
    done = subprocess.run([sys.executable, str(script)], check=True, capture_output=True, text=True)
    assert done.stdout.split(maxsplit=1) == ["3", f"{script}\n"]


def test_a_call_that_no_python_code_makes_is_recorded_too():
    script = (
        "import atexit, operator\n"
        "import numpy as np\n"
        "from autograd_mini import Tensor, sigmoid\n"
        "x = Tensor([1.0], requires_grad=True)\n"
        "for function in (sigmoid, np.exp, operator.neg):\n"
        "    atexit.register(function, x)\n"
        "atexit.register(operator.add, 1, x)\n"
        "atexit.register(np.concatenate, [x, x])\n"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stderr == ""
