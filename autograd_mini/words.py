"""Attributes and keywords that a Tensor lacks, with what to write instead.

Those of other libraries, as in `t.unsqueeze(0)` and `t.mean(dim=0)`, raise with NumPy's word; so do
array methods that write into memory or describe it.
"""

from typing import Any

# Keywords of PyTorch and TensorFlow; functions of this project and of NumPy have others.
KEYWORDS = {
    "correction": "ddof=",
    "descending": "np.flip of the sorted",
    "dim": "axis=",
    "dim0": "swapaxes(axis1, axis2)",
    "dim1": "swapaxes(axis1, axis2)",
    "dims": "axis=",
    "keep_dims": "keepdims=",
    "keepdim": "keepdims=",
    "unbiased": "ddof=1 for True, ddof=0 for False",
}

_SAME = "t alone, leave it out: its array is where it is; for a dtype, t.astype(np.float32)"
_MEMORY = "t.data.{name}, of the bare array"
_WRITES = "t += x and the like, or under no_grad() t[...] = value"
_WORDS = {
    # Arrays: methods that write, and attributes that describe memory.
    "sort": "np.sort(t), which makes a new Tensor",
    "partition": "np.partition(t, kth), which makes a new Tensor",
    "fill": "t[...] = value",
    "put": "t[index] = values, or np.where",
    "itemset": "t[index] = value",
    "resize": "np.resize(t, shape) or t.reshape(shape)",
    "setfield": "t.real, t.imag or t.astype(dtype)",
    "getfield": "t.real, t.imag or t.astype(dtype)",
    "setflags": "t.data.setflags(...), of the bare array",
    "byteswap": "t.astype(t.dtype.newbyteorder())",
    "view": "t.reshape(shape), or t.astype(dtype)",
    "flat": "t.ravel(), or t.data.flat for a look at the numbers",
    **dict.fromkeys(("base", "ctypes", "flags", "strides"), _MEMORY),
    **dict.fromkeys(
        ("dump", "dumps", "tobytes", "tofile", "tostring"), "t.data.{name}(...), of the bare array"
    ),
    **dict.fromkeys(("device", "to_device"), _SAME),
    # PyTorch and TensorFlow.
    **dict.fromkeys(("to", "cpu", "cuda", "contiguous", "is_cuda", "pin_memory"), _SAME),
    "numpy": "t.data for the bare array, through which no gradient flows",
    "unsqueeze": "np.expand_dims(t, axis) or t[:, None]",
    "permute": "t.transpose(axes)",
    "expand": "np.broadcast_to(t, shape)",
    "expand_as": "np.broadcast_to(t, other.shape)",
    "view_as": "t.reshape(other.shape)",
    "reshape_as": "t.reshape(other.shape)",
    "clone": "t.copy()",
    "dim": "t.ndim",
    "numel": "t.size",
    "nelement": "t.size",
    "element_size": "t.itemsize",
    "type": "t.astype(dtype)",
    "float": "t.astype(np.float32)",
    "double": "t.astype(np.float64)",
    "half": "t.astype(np.float16)",
    "int": "t.astype(np.int32)",
    "long": "t.astype(np.int64)",
    "short": "t.astype(np.int16)",
    "bool": "t.astype(bool)",
    "t": "t.T",
    "mH": "t.mT.conj()",
    "H": "t.T.conj()",
    "add": "t + x",
    "sub": "t - x",
    "mul": "t * x",
    "div": "t / x",
    "pow": "t**n",
    "neg": "-t",
    **dict.fromkeys(("mm", "bmm", "mv", "matmul"), "t @ x"),
    **dict.fromkeys(("eq", "ne", "lt", "le", "gt", "ge"), "the comparison, such as t == x"),
    "clamp": "t.clip(min, max)",
    "rsqrt": "1 / np.sqrt(t)",
    "erf": "scipy.special.erf(t)",
    "gather": "np.take_along_axis(t, indices, axis)",
    "index_select": "np.take(t, indices, axis)",
    "masked_fill": "np.where(mask, value, t)",
    "masked_select": "t[mask]",
    "scatter": "t[index] = values on a copy",
    "scatter_add": "np.bincount, or a matrix product with a one-hot matrix",
    "narrow": "a slice, t[start:stop]",
    "chunk": "np.array_split(t, n, axis)",
    "unbind": "[*t]",
    "unfold": "np.lib.stride_tricks.sliding_window_view(t, n, axis)",
    "topk": "np.sort(t, axis)[..., -k:]",
    "logsumexp": "np.logaddexp.reduce of bare arrays, or np.log(np.sum(np.exp(t - t.max())))",
    "log_softmax": "nn.functional.log_softmax(t)",
    "norm": "np.linalg.norm(t)",
    "inverse": "np.linalg.inv(t)",
    "det": "np.linalg.det(t)",
    "grad_fn": "t.origin, the line that made it",
    "requires_grad_": "t.requires_grad = True",
    "detach_": "t = t.detach()",
    "retain_grad": "loss.backward(retain_graph=True), which leaves .grad on results, too",
    "register_hook": "hook(t, f)",
    "zero_grad": "t.grad = None",
    **dict.fromkeys(("add_", "sub_", "mul_", "div_", "copy_", "fill_", "zero_", "clamp_"), _WRITES),
    **dict.fromkeys(("normal_", "uniform_", "masked_fill_", "index_put_", "set_"), _WRITES),
    "at": "t[index] = value, on a copy",
    "block_until_ready": "leave it out, every call is done when it returns",
    "assign": "t.data = value",
}
INSTEAD = {name: way.format(name=name) for name, way in _WORDS.items()}


class Missing:
    """An attribute that is not there, whose error says what to write.

    One descriptor a word: a __getattr__ in the class would slow down every other attribute.
    """

    def __init__(self, name: str, way: str) -> None:
        self.name, self.way = name, way

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        text = f"a Tensor has no attribute {self.name!r}: write {self.way}"
        raise AttributeError(text, name=self.name)


def instead_of_keyword(name: str) -> str:
    """Return NumPy's word for the keyword `name` as a clause, empty if there is none."""
    return f"; NumPy's word is {KEYWORDS[name]}" if name in KEYWORDS else ""
