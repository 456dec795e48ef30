"""The ufuncs of scipy.special: known derivatives, singular points, and who imports whom first."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from autograd_mini import Tensor, defvjp, grad, gradients, hessian, nondifferentiable
from autograd_mini.primitive import TABLE, when_imported
from autograd_mini.testing import check_grads

special: Any = pytest.importorskip("scipy.special", reason="the rules of scipy.special need SciPy")

ROOT = Path(__file__).resolve().parent.parent
EULER = np.euler_gamma
ZETA3 = 1.2020569031595942  # Apery's constant, OEIS A002117
ZETA7 = 1.008349277381922827  # OEIS A013665
E, PI = math.e, math.pi
HALF = np.array(0.5)
ROOT_PI = math.sqrt(PI)
QUARTER_GAMMA = 3.6256099082219083  # gamma(1/4), OEIS A068466
LEMNISCATIC = QUARTER_GAMMA**2 / (4 * ROOT_PI)  # K(1/2), DLMF 19.20.2 and 23.5.7
# Abramowitz & Stegun, Handbook of Mathematical Functions (1964), tables 9.1 and 9.8.
J0, J1, Y0, Y1 = 0.7651976865579666, 0.4400505857449335, 0.0882569642156769, -0.7812128213002887
I0, I1, K0, K1 = 1.2660658777520084, 0.5651591039924850, 0.4210244382407083, 0.6019072301972346


def slopes(function: Any, *args: Any) -> list[Any]:
    """Return the derivatives by the arguments that are floats; other numbers are constants."""
    drawn = [Tensor(x, requires_grad=True) if isinstance(x, float) else x for x in args]
    variables = [x for x in drawn if isinstance(x, Tensor)]
    return [float(g) for g in gradients(function(*drawn), variables)]


# Each: the function, its arguments (the floats are differentiated), the derivatives. Where no
# source is given it is the function's definition, or the closed form of that special case.
KNOWN: list[tuple[str, tuple[Any, ...], tuple[float, ...]]] = [
    ("erf", (0.0,), (2 / ROOT_PI,)),
    ("erfc", (1.0,), (-2 / ROOT_PI / E,)),
    ("erfcx", (0.0,), (-2 / ROOT_PI,)),
    ("erfi", (1.0,), (2 / ROOT_PI * E,)),
    ("erfinv", (0.0,), (ROOT_PI / 2,)),
    ("erfcinv", (1.0,), (-ROOT_PI / 2,)),
    ("dawsn", (0.0,), (1.0,)),
    ("ndtr", (0.0,), (1 / math.sqrt(2 * PI),)),
    ("ndtri", (0.5,), (math.sqrt(2 * PI),)),
    ("ndtri_exp", (math.log(0.5),), (math.sqrt(PI / 2),)),
    ("log_ndtr", (0.0,), (math.sqrt(2 / PI),)),
    ("gamma", (1.0,), (-EULER,)),
    ("rgamma", (1.0,), (EULER,)),
    ("gammaln", (0.5,), (-EULER - 2 * math.log(2),)),
    ("loggamma", (0.5,), (-EULER - 2 * math.log(2),)),
    ("psi", (1.0,), (PI**2 / 6,)),
    ("digamma", (0.5,), (PI**2 / 2,)),
    ("zeta", (2, 1.0), (-2 * ZETA3,)),
    ("beta", (3.0, 1.0), (-1 / 9, (-11 / 6) / 3)),  # psi(1) - psi(4) = -11/6
    ("betaln", (3.0, 1.0), (-1 / 3, -11 / 6)),
    ("gammainc", (1, 0.5), (math.exp(-0.5),)),
    ("gammaincc", (1, 0.5), (-math.exp(-0.5),)),
    ("gammaincinv", (1, 0.25), (1 / 0.75,)),
    ("gammainccinv", (1, 0.25), (-1 / 0.25,)),
    ("betainc", (2, 1, 0.3), (0.6,)),
    ("betaincc", (2, 1, 0.3), (-0.6,)),
    ("betaincinv", (2, 1, 0.25), (1.0,)),
    ("expit", (0.0,), (0.25,)),
    ("logit", (0.25,), (16 / 3,)),
    ("log_expit", (0.0,), (0.5,)),
    ("xlogy", (2.0, E), (1.0, 2 / E)),
    ("xlog1py", (2.0, E - 1), (1.0, 2 / E)),
    ("entr", (1.0,), (-1.0,)),
    ("rel_entr", (2.0, 1.0), (math.log(2) + 1, -2.0)),
    ("kl_div", (2.0, 1.0), (math.log(2), -1.0)),
    ("cbrt", (8.0,), (1 / 12,)),
    ("exp2", (0.0,), (math.log(2),)),
    ("exp10", (0.0,), (math.log(10),)),
    ("expm1", (1.0,), (E,)),
    ("log1p", (1.0,), (0.5,)),
    ("cosm1", (PI / 2,), (-1.0,)),
    ("hyp0f1", (HALF, 1.0), (math.sinh(2),)),
    ("hyp1f1", (1, 1, 2.0), (E**2,)),
    ("hyp2f1", (1, 1, 2, 0.5), (4 - 4 * math.log(2),)),
    ("exprel", (0.0,), (0.5,)),
    ("spence", (2.0,), (-math.log(2),)),
    ("expi", (1.0,), (E,)),
    ("exp1", (1.0,), (-1 / E,)),
    ("expn", (1, 1.0), (-1 / E,)),
    ("expn", (0, 1.0), (-2 / E,)),
    ("ellipk", (0.0,), (PI / 8,)),
    ("ellipk", (0.5,), (PI / (2 * LEMNISCATIC),)),  # with Legendre's relation, DLMF 19.7.1
    ("ellipe", (0.5,), (PI / (4 * LEMNISCATIC) - LEMNISCATIC / 2,)),
    ("wrightomega", (1.0,), (0.5,)),
    ("j0", (1.0,), (-J1,)),
    ("j1", (1.0,), (J0 - J1,)),
    ("y0", (1.0,), (-Y1,)),
    ("y1", (1.0,), (Y0 - Y1,)),
    ("i0", (1.0,), (I1,)),
    ("i1", (1.0,), (I0 - I1,)),
    ("k0", (1.0,), (-K1,)),
    ("k1", (1.0,), (-K0 - K1,)),
    ("jn", (1, 1.0), (J0 - J1,)),
    ("yn", (1, 1.0), (Y0 - Y1,)),
    ("iv", (1, 1.0), (I0 - I1,)),
    ("kn", (1, 1.0), (-K0 - K1,)),
    ("i0e", (1.0,), ((I1 - I0) / E,)),
    ("i0e", (-1.0,), ((I0 - I1) / E,)),
    ("i1e", (1.0,), ((I0 - 2 * I1) / E,)),
    ("i1e", (-1.0,), ((I0 - 2 * I1) / E,)),
    ("k0e", (1.0,), ((K0 - K1) * E,)),
    ("k1e", (1.0,), (-K0 * E,)),
    # J, Y, I, K of order 1/2: DLMF 10.16.1 and 10.39.
    ("jv", (HALF, PI), (-math.sqrt(2) / PI,)),
    ("yv", (HALF, PI), (-1 / (math.sqrt(2) * PI**2),)),
]


@pytest.mark.parametrize(("name", "args", "wanted"), KNOWN, ids=[f"{k[0]}{k[1]}" for k in KNOWN])
def test_a_derivative_has_its_known_value(name: str, args: Any, wanted: Any) -> None:
    assert_allclose(slopes(getattr(special, name), *args), wanted, rtol=4e-15)


def test_each_of_several_results_has_its_own_derivative() -> None:
    def part(name: str, i: int, x: float) -> float:
        return slopes(lambda t: getattr(special, name)(t)[i], x)[0]

    assert_allclose(part("fresnel", 0, 1.0), 1.0, rtol=1e-15)
    assert_allclose(part("fresnel", 1, 0.0), 1.0, rtol=1e-15)
    assert_allclose(part("sici", 0, PI / 2), 2 / PI, rtol=1e-15)
    assert_allclose(part("sici", 1, PI), -1 / PI, rtol=1e-15)
    assert_allclose(part("shichi", 0, 2.0), math.sinh(2) / 2, rtol=1e-15)
    assert_allclose(part("shichi", 1, 2.0), math.cosh(2) / 2, rtol=1e-15)
    values = special.airy(0.5)
    wanted = [values[1], 0.5 * values[0], values[3], 0.5 * values[2]]
    assert_allclose([part("airy", i, 0.5) for i in range(4)], wanted, rtol=1e-15)


def test_the_unused_result_does_no_harm_where_its_slope_is_infinite() -> None:
    for name in ("sici", "shichi"):
        assert slopes(lambda t, name=name: getattr(special, name)(t)[0], 0.0) == [1.0]


def test_lambertw_of_a_real_tensor_is_complex_and_its_gradient_real() -> None:
    x = Tensor([0.0, E], requires_grad=True)
    w = special.lambertw(x)
    assert w.dtype == np.complex128
    assert_allclose(gradients(np.sum(np.real(w)), [x])[0], [1, 1 / (2 * E)], rtol=1e-15)
    assert_allclose(
        slopes(lambda z: np.real(special.lambertw(z, -1)), -2 * math.exp(-2)), [-(E**2)]
    )


# Every order.
def test_the_sixth_derivative_of_digamma_at_1_is_minus_6_factorial_zeta_7() -> None:
    f = special.digamma
    for _ in range(6):
        f = grad(f)
    assert_allclose(f(1.0), -math.factorial(6) * ZETA7, rtol=1e-14)


@pytest.mark.parametrize(
    ("name", "x", "wanted"),
    [
        ("exprel", 0.0, 1 / 4),  # sum x^n / (n+1)!
        ("spence", 1.0, -2 / 3),  # sum (1-z)^n / n^2
        ("wrightomega", 1.0, -1 / 32),  # w'' = w / (1+w)^3
        ("ellipk", 0.0, 75 * PI / 256),  # DLMF 19.5.1
        ("ellipe", 0.0, -15 * PI / 256),
        ("erf", 0.0, -4 / ROOT_PI),
        ("log_ndtr", 0.0, (2 / PI) ** 1.5 * 2 - math.sqrt(2 / PI)),
        ("rgamma", 0.0, 6 * (EULER**2 / 2 - PI**2 / 12)),  # DLMF 5.7.2
    ],
)
def test_the_third_derivative_has_its_known_value(name: str, x: float, wanted: float) -> None:
    found = grad(grad(grad(getattr(special, name))))(x)
    assert_allclose(found, wanted, rtol=1e-13)


@pytest.mark.parametrize(
    ("name", "x", "wanted"),
    [  # by mpmath 1.4, with 60 digits
        ("dawsn", 9.0, 2.2383183157714679e-4),
        ("dawsn", 19.0, 4.9490123314494897e-6),
        ("dawsn", -19.0, -4.9490123314494897e-6),
        ("erfcx", 9.0, 2.0975853491687471e-4),
        ("erfcx", 19.0, 5.3570477868899083e-6),
    ],
)
def test_the_fourth_derivative_far_out_keeps_its_digits(name: str, x: float, wanted: float) -> None:
    found = grad(grad(grad(grad(getattr(special, name)))))(x)
    assert_allclose(found, wanted, rtol=1e-12)


def test_the_third_derivative_of_the_sine_integral_at_0() -> None:
    assert_allclose(grad(grad(grad(lambda x: special.sici(x)[0])))(0.0), -1 / 3, rtol=1e-14)
    assert_allclose(grad(grad(grad(lambda x: special.shichi(x)[0])))(0.0), 1 / 3, rtol=1e-14)


# Singular points.
@pytest.mark.parametrize("n", range(5))
def test_the_slope_of_1_over_gamma_at_its_zeros(n: int) -> None:
    assert_allclose(slopes(special.rgamma, float(-n)), [(-1) ** n * math.factorial(n)], rtol=1e-14)


@pytest.mark.parametrize("name", ["xlogy", "rel_entr", "kl_div"])
def test_0_times_a_logarithm_is_flat_in_its_argument_also_at_0(name: str) -> None:
    function, flat = getattr(special, name), 1.0 if name == "kl_div" else 0.0  # x log(x/y) - x + y
    for y in (0.0, 2.0):
        assert slopes(lambda t: function(0.0, t), y) == [flat]
    assert slopes(lambda t: special.xlog1py(0.0, t), -1.0) == [0.0]


def test_x_log_x_has_an_infinite_slope_at_0_as_the_square_root_has() -> None:
    with np.errstate(divide="ignore"):
        assert slopes(special.entr, 0.0) == [math.inf]
        assert slopes(lambda t: special.xlogy(t, 0.0), 0.0) == [-math.inf]
        assert slopes(lambda t: special.rel_entr(t, 1.0), 0.0) == [-math.inf]


def test_labels_that_are_0_leave_a_cross_entropy_finite() -> None:
    labels, p = np.array([1.0, 0.0, 0.0]), Tensor([0.5, 0.5, 0.0], requires_grad=True)
    (-np.sum(special.xlogy(labels, p))).backward()
    assert_allclose(p.grad, [-2, 0, 0])


def test_a_quotient_that_overflows_has_a_logarithm() -> None:
    assert_allclose(slopes(lambda t: special.rel_entr(t, 1e-200), 1e200)[0], 400 * math.log(10) + 1)


def test_a_scaled_modified_bessel_function_has_a_mean_slope_at_its_kink() -> None:
    assert slopes(special.i0e, 0.0) == [0.0]
    assert slopes(lambda t: special.ive(0, t), 0.0) == [0.0]


def test_inverse_error_functions_have_infinite_slopes_at_their_ends() -> None:
    assert slopes(special.erfinv, 1.0) == [math.inf]
    assert slopes(special.erfinv, -1.0) == [math.inf]
    assert slopes(special.erfcinv, 0.0) == [-math.inf]


# Far out, where the plain formulas overflow, vanish or cancel. Each by the leading terms of its
# asymptotic series (DLMF 7.12.1, 10.40), which give nine digits there.
@pytest.mark.parametrize(
    ("name", "args", "wanted"),
    [
        ("expit", (700.0,), math.exp(-700)),
        ("expit", (-700.0,), math.exp(-700)),
        ("expit", (-800.0,), 0.0),
        ("log_expit", (-800.0,), 1.0),
        ("log_ndtr", (-1e8,), 1e8),
        ("log_ndtr", (50.0,), 0.0),
        ("erfcx", (1e8,), -1 / (ROOT_PI * 1e16)),
        ("dawsn", (-1e8,), -1 / 2e16),
        ("ndtri_exp", (-5e9,), -1 / special.ndtri_exp(-5e9)),
        ("exprel", (-1e8,), 1e-16),
        ("spence", (1e-200,), math.log(1e-200)),
        ("ellipk", (-1e16,), -math.log(4e8) / -2e24 * (1 - 1 / math.log(4e8))),
        ("i0e", (1e12,), -0.5 / math.sqrt(2 * PI) * 1e-18),
        ("ive", (2, -1e8), 0.5 / math.sqrt(2 * PI) * 1e-12 * (1 - 5.625e-8)),
        ("k1e", (1e12,), -0.5 * math.sqrt(PI / 2) * 1e-18),
        ("kve", (2, 1e8), -0.5 * math.sqrt(PI / 2) * 1e-12 * (1 + 5.625e-8)),
    ],
)
def test_a_slope_far_out_keeps_its_digits(name: str, args: Any, wanted: float) -> None:
    assert_allclose(slopes(getattr(special, name), *args), [wanted], rtol=1e-9)


def test_the_slope_of_a_kve_of_half_order_is_exact_on_both_sides_of_the_switch() -> None:
    # exp(x) K_1/2(x) = sqrt(pi / 2x), DLMF 10.39.2
    for x in (0.1, 3.0, 29.0, 31.0, 1e3, 1e9):
        wanted = -0.5 * math.sqrt(PI / 2) * x**-1.5
        assert_allclose(slopes(lambda t: special.kve(0.5, t), x), [wanted], rtol=3e-14)


# By mpmath 1.4, with 60 digits.
@pytest.mark.parametrize(
    ("name", "wanted"), [("ive", 2.594492123084237e-8), ("kve", -1.8065915501988236e-6)]
)
def test_the_slope_of_a_scaled_bessel_function_of_high_order(name: str, wanted: float) -> None:
    found = slopes(lambda t: getattr(special, name)(200, t), 2e4)
    assert_allclose(found, [wanted], rtol=1e-12)


def test_parameters_in_single_precision_cost_no_digits() -> None:
    x, a, b = Tensor(0.4, requires_grad=True), np.float32(2.5), np.float32(1.5)
    single = gradients(special.betainc(a, b, x), [x])
    double = gradients(special.betainc(2.5, 1.5, x), [x])
    assert_allclose(single, double, rtol=1e-15)


def test_a_slope_in_single_precision_is_single() -> None:
    x = Tensor(np.array([0.25, 0.5], np.float32), requires_grad=True)
    for function in (special.erf, special.gammaln, special.expit, special.i0e, special.ndtri):
        out = function(x)
        assert out.dtype == np.float32
        (g,) = gradients(np.sum(out), [x], create_graph=True)
        assert g.dtype == np.float32
        assert gradients(np.sum(g), [x])[0].dtype == np.float32


# Whole computations.
def test_the_gamma_likelihood_has_the_score_and_the_information_of_the_textbook() -> None:
    data, at = np.array([0.4, 1.1, 2.5, 3.0]), np.array([1.7, 0.8])

    def cost(params: Any) -> Any:
        shape, rate = params
        terms = shape * np.log(rate) - special.gammaln(shape) + (shape - 1) * np.log(data)
        return -np.sum(terms - rate * data)

    n, (shape, rate) = len(data), at
    by_shape = n * (special.digamma(shape) - np.log(rate)) - np.sum(np.log(data))
    assert_allclose(grad(cost)(at), [by_shape, np.sum(data) - n * shape / rate], rtol=1e-14)
    trigamma = special.polygamma(1, shape)
    information = n * np.array([[trigamma, -1 / rate], [-1 / rate, shape / rate**2]])
    assert_allclose(hessian(cost)(at), information, rtol=1e-14)


def test_the_checker_approves_of_a_composition() -> None:
    def f(x: Any, y: Any) -> Any:
        mixed = special.gammaln(1 + special.expit(x * y)) + special.xlogy(y, special.ndtr(x))
        return np.sum(mixed * special.jv(1, x) + special.zeta(3, y) * special.erfcx(x))

    report = check_grads(f, np.array([0.3, -0.8, 1.4]), np.array([[0.9], [1.6]]))
    assert report.verdict == "right"


# What is refused.
def test_a_function_without_a_rule_refuses_by_the_name_that_users_know() -> None:
    x = Tensor(0.5, requires_grad=True)
    with pytest.raises(NotImplementedError, match=r"^scipy\.special\.owens_t has no .* rule: add"):
        special.owens_t(x, 0.3)
    with pytest.raises(NotImplementedError, match=r"scipy\.special.*zeta has no derivative rule"):
        special.zeta(x)


@pytest.mark.parametrize(
    ("name", "parameter"),
    [("gammainc", "a"), ("jv", "v"), ("expn", "n"), ("zeta", "x"), ("betainc", "a")],
)
def test_a_parameter_without_a_derivative_refuses(name: str, parameter: str) -> None:
    a, x = Tensor(2.0, requires_grad=True), Tensor(0.5, requires_grad=True)
    args = (a, 2.0, x) if name == "betainc" else (a, x)
    out = getattr(special, name)(*args)
    refusal = rf"scipy\.special.*{name} has no rule for its argument '{parameter}': if that is flat"
    with pytest.raises(NotImplementedError, match=refusal):
        out.backward()


def test_ive_of_complex_numbers_refuses_and_says_what_to_write() -> None:
    z = Tensor(np.array(1 + 1j), requires_grad=True)
    with pytest.raises(NotImplementedError, match=r"iv\(v, z\) \* np\.exp\(-z\)"):
        np.real(special.ive(1, z)).backward()
    (g,) = gradients(np.real(special.iv(1, z) * np.exp(-z)), [z])
    assert g.dtype == np.complex128


def test_a_method_of_a_ufunc_refuses_by_name_and_outer_works() -> None:
    x, y = Tensor([0.5, 1.0], requires_grad=True), np.array([2.0, 3.0])
    with pytest.raises(TypeError, match=r"^scipy\.special\.xlogy\.reduce can't be recorded"):
        special.xlogy.reduce(x)
    (g,) = gradients(np.sum(special.xlogy.outer(x, y)), [x])
    assert_allclose(g, [math.log(6)] * 2)


def test_out_is_refused() -> None:
    with pytest.raises(TypeError, match=r"scipy\.special\.erf.*out"):
        special.erf(Tensor(0.5, requires_grad=True), out=np.zeros(()))


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("logsumexp", ()),
        ("softmax", ()),
        ("log_softmax", ()),
        ("multigammaln", (2,)),
        ("factorial", ()),
    ],
)
def test_a_python_function_never_loses_a_gradient(name: str, args: Any) -> None:
    x = Tensor([2.5, 3.5], requires_grad=True)
    with pytest.raises(TypeError, match=r"requires grad, so its gradient would be lost.*detach"):
        getattr(special, name)(x, *args)


def test_polygamma_is_no_ufunc_and_says_so_but_digamma_goes_the_same_way() -> None:
    x = Tensor(2.5, requires_grad=True)
    with pytest.raises(TypeError, match="detach"):
        special.polygamma(1, x)
    assert_allclose(float(special.zeta(2, x).detach()), special.polygamma(1, 2.5))


def test_defvjp_refuses_what_numpy_would_never_send() -> None:
    with pytest.raises(TypeError, match="polygamma is neither"):
        defvjp(special.polygamma, None, lambda g, out, n, x: g)


# Rules of the user's own.
@pytest.fixture
def forgotten() -> Any:
    """Yield a function without a rule, and take what the test gave it out of the table."""
    yield special.owens_t
    TABLE.pop(special.owens_t, None)


def test_a_user_can_add_a_rule(forgotten: Any) -> None:
    defvjp(forgotten, None, lambda g, out, h, a: g * np.exp(-h * h / 2 * (1 + a * a)) / (1 + a * a))
    assert TABLE[forgotten].name == "scipy.special.owens_t"
    assert slopes(lambda a: forgotten(0.0, a), 1.0) == [0.5]


def test_a_user_can_say_that_a_function_is_flat(forgotten: Any) -> None:
    nondifferentiable(forgotten)
    assert not forgotten(Tensor(1.0, requires_grad=True), 2.0).requires_grad


# Who imports whom, and when.
def run(program: str, warnings: str = "error", **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", warnings, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


GRADIENT = """
x = Tensor(0.0, requires_grad=True)
scipy.special.expit(x).backward()
print(x.grad)
"""


def test_the_rules_are_there_when_scipy_was_imported_first() -> None:
    assert run(f"import scipy.special\nfrom autograd_mini import Tensor\n{GRADIENT}") == "0.25"


def test_nothing_here_imports_scipy_and_the_rules_are_there_once_the_user_does() -> None:
    program = """
import sys
import numpy as np
import autograd_mini.drawing, autograd_mini.testing, nn, optim
from autograd_mini import Tensor
try:
    np.polyfit(Tensor([1.0]), [1.0], 0)  # a miss in the table
except NotImplementedError:
    print([name for name in sys.modules if name.partition(".")[0] == "scipy"])
import scipy.special
"""
    assert run(program + GRADIENT).split() == ["[]", "0.25"]


def test_a_rule_of_the_users_wins_whether_it_came_before_ours_or_after() -> None:
    program = """
from autograd_mini import Tensor, defvjp
import scipy.special as special
x = Tensor(0.0, requires_grad=True)
defvjp(special.erf, lambda g, out, x: 42 * g)
special.expit(x)
defvjp(special.ndtr, lambda g, out, x: 100 * g)
(special.erf(x) + special.ndtr(x) + special.expit(x)).backward()
print(x.grad)
"""
    assert run(program) == "142.25"


def test_a_thread_that_asks_while_another_fills_the_table_gets_the_rule() -> None:
    function = np.frompyfunc(math.cosh, 1, 1)
    filling, asked = threading.Event(), threading.Event()

    def fill(module: Any) -> None:
        if filling.is_set():
            asked.set()
        filling.set()
        assert asked.wait(10)
        defvjp(function, lambda g, out, x: g)

    when_imported("math", fill)
    first = threading.Thread(target=lambda: TABLE[function])
    first.start()
    try:
        assert filling.wait(10)
        assert TABLE[function].vjps
    finally:
        asked.set()
        first.join()
        TABLE.pop(function, None)


# With SCIPY_ARRAY_API=1 the functions of scipy.special are no ufuncs, but functions around them.
EVERY_RULE = """
import numpy as np
import scipy.special
from autograd_mini import Tensor, defvjp, gradients
from autograd_mini.rules.special import _RULES
from tests.test_special import KNOWN

def called(name, args):
    drawn = [Tensor(x, requires_grad=True) if isinstance(x, float) else np.array(x) for x in args]
    xs = [x for x in drawn if isinstance(x, Tensor)]
    out = getattr(scipy.special, name)(*drawn)
    total = sum(out) if isinstance(out, tuple) else out
    first = gradients(np.real(total), xs, create_graph=True)
    second = [gradients(g, xs) if g.requires_grad else [] for g in first]
    return [g.data.tolist() for g in first], [[float(g) for g in row] for row in second]

calls = [(name, args) for name, args, _ in KNOWN]
calls += [(name, (0.7,)) for name in ("fresnel", "sici", "shichi", "airy")]
calls += [(name, (1, 0.7)) for name in ("kv", "kve", "ive")]
calls += [(name, (1, 0.7)) for name in ("hankel1", "hankel2")]
calls += [("zeta", (3, 0.7)), ("lambertw", (0.7,))]
missing = {name.lstrip("_") for name in _RULES} - {name for name, _ in calls}
assert not missing, missing
for name, args in calls:
    print(name, called(name, args))
t = Tensor([0.5], requires_grad=True)
print(scipy.special.jv([1.0], t), scipy.special.jv(np.array([1.0]), t))
for call in (lambda: np.polyfit(t, t, 1), lambda: scipy.special.pdtri(1, t), lambda: t.sum(out=t)):
    try:
        call()
    except (NotImplementedError, TypeError) as error:
        print(error)
defvjp(scipy.special.pdtri, None, lambda g, out, k, y: g * 3)
print(gradients(scipy.special.pdtri(1, t), [t]))
"""


def test_with_scipys_array_api_every_rule_gives_what_it_gives_without() -> None:
    plain = run(EVERY_RULE, "ignore")
    assert "scipy.special.pdtri has no derivative rule" in plain
    assert run(EVERY_RULE, "ignore", SCIPY_ARRAY_API="1") == plain


@pytest.mark.parametrize(
    "z", [0.6 + 0.1j, 3 - 2j, -2.3 + 0.4j, -0.4 - 1e-3j, 0.2 + 40j, -9.75 - 300j, 500 + 1j]
)
def test_psi_of_complex_numbers_has_its_derivatives(z: complex) -> None:
    def by_difference(f: Any) -> complex:
        h = 1e-3 * min(abs(z - round(z.real)), 1)
        rough, fine = ((f(z + h) - f(z - h)) / (2 * h) for h in (h, h / 2))
        return complex((4 * fine - rough) / 3)

    def slope(z: Any) -> Any:
        x = Tensor(z, requires_grad=True)
        (found,) = gradients(special.psi(x), [x], np.array(1 + 0j), create_graph=True)
        return found, x

    found, x = slope(z)
    assert_allclose(found.item(), by_difference(special.psi), rtol=1e-8)
    (second,) = gradients(found, [x], np.array(1 + 0j))
    assert_allclose(second.item(), by_difference(lambda z: slope(z)[0].item()), rtol=1e-7)


def test_the_trigamma_of_complex_numbers_is_that_of_real_ones_on_their_line() -> None:
    x = np.array([0.3, 0.5, 2.0, 15.5, -0.7, -20.25, 1e5])
    found = grad(lambda z: np.real(special.psi(z)).sum())(x + 0j)
    above = x > 0
    assert_allclose(found[above], special.polygamma(1, x[above]), rtol=1e-13)
    low = x[~above]
    reflected = (math.pi / np.sin(math.pi * low)) ** 2 - special.polygamma(1, 1 - low)
    assert_allclose(found[~above], reflected, rtol=1e-11)
