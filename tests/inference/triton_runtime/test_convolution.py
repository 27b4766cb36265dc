"""One launch of the kernel against torch's convolution."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

pytestmark = pytest.mark.usefixtures("interpreted")

APPLY = {
    "none": lambda x: x,
    "relu": torch.relu,
    "leaky": lambda x: F.leaky_relu(x, 0.01),
    "sigmoid": torch.sigmoid,
}
TOLERANCES = {torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 8e-3}


def within_nan(values: Tensor, before: int = 3, behind: int = 2) -> Tensor:
    """(H, W, C) as a slice of a buffer whose other channels are NaN."""
    buffer = torch.full((*values.shape[:2], before + values.shape[2] + behind), torch.nan)
    view = buffer.to(values.dtype)[..., before : before + values.shape[2]]
    view.copy_(values)
    return view


def check(
    *,
    size: tuple[int, int] = (5, 7),
    inputs: int = 16,
    outputs: int = 16,
    taps: int = 3,
    dilation: int = 1,
    bias: bool = True,
    activation: str = "none",
    active: int | None = None,
    combine: str = "none",
    in_place: bool = False,
    copied: bool = False,
    dtype: torch.dtype = torch.float32,
) -> None:
    from ahdr_cli.inference.triton_convolution import TritonConvolution

    torch.manual_seed(0)
    weight = torch.randn(outputs, inputs, taps, taps) / (inputs * taps**2) ** 0.5
    weight = weight.to(dtype)
    shift = torch.randn(outputs).to(dtype) if bias else None
    source = within_nan(torch.randn(*size, inputs).to(dtype))
    other = within_nan(torch.randn(*size, outputs).to(dtype)) if combine != "none" else None
    expected = F.conv2d(
        source.float().permute(2, 0, 1)[None],
        weight.float(),
        None if shift is None else shift.float(),
        padding=dilation * (taps // 2),
        dilation=dilation,
    )[0].permute(1, 2, 0)
    if combine == "add":
        expected = expected + other.float()
    count = outputs if active is None else active
    passed = APPLY[activation](expected[..., :count])
    expected = torch.cat((passed, expected[..., count:]), dim=2)
    if combine == "multiply":
        expected = expected * other.float()

    target = other if in_place else within_nan(torch.full((*size, outputs), torch.nan).to(dtype))
    copy = within_nan(torch.full((*size, outputs), torch.nan).to(dtype), 1, 0) if copied else None
    convolution = TritonConvolution(
        weight,
        shift,
        dilation=dilation,
        activation=activation,
        active=active,
        combine=combine,
    )
    convolution(source, target, other=other, copy=copy)
    tolerance = TOLERANCES[dtype]
    torch.testing.assert_close(target.float(), expected, rtol=tolerance, atol=tolerance)
    if copy is not None:
        assert torch.equal(copy, target)
    for view in (target, copy):
        if view is not None:
            whole = view._base
            assert int(whole.isfinite().sum()) == view.numel()  # no other channel was written


@pytest.mark.parametrize("activation", APPLY)
@pytest.mark.parametrize("combine", ["none", "add", "multiply"])
def test_epilogues(activation, combine):
    check(activation=activation, combine=combine)


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("dilation", [1, 2])
def test_precisions_and_dilations(dtype, dilation):
    check(dtype=dtype, dilation=dilation, activation="relu", size=(9, 6))


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 9), (9, 1), (4, 128), (5, 129)], ids=lambda size: "x".join(map(str, size))
)
@pytest.mark.parametrize("dilation", [1, 2])
def test_sizes_that_blocks_do_not_fit(size, dilation):
    check(size=size, dilation=dilation)


@pytest.mark.parametrize("inputs", [1, 4, 33, 80])
@pytest.mark.parametrize("taps", [1, 3])
def test_numbers_of_inputs(inputs, taps):
    check(inputs=inputs, taps=taps)


@pytest.mark.parametrize("outputs", [1, 24, 40, 160, 200])
def test_numbers_of_outputs(outputs):
    check(outputs=outputs, combine="add", activation="leaky", active=min(outputs, 10))


def test_without_a_bias():
    check(bias=False)


@pytest.mark.parametrize("combine", ["add", "multiply"])
def test_in_place_with_a_copy(combine):
    check(combine=combine, activation="sigmoid", in_place=True, copied=True)


def test_a_fold_may_write_where_it_reads():
    from ahdr_cli.inference.triton_convolution import TritonConvolution

    torch.manual_seed(0)
    buffer, weight = torch.randn(6, 150, 40), torch.randn(24, 40, 1, 1)
    expected = buffer @ weight[:, :, 0, 0].T + buffer[..., :24]
    x = buffer[..., :24]
    TritonConvolution(weight, combine="add")(buffer, x, other=x)
    torch.testing.assert_close(x, expected, rtol=1e-5, atol=1e-4)


@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_nan_and_overflow_are_kept():
    from ahdr_cli.inference.triton_convolution import TritonConvolution

    source = torch.tensor([[torch.nan], [3e4], [-3e4]], dtype=torch.float16).reshape(1, 3, 1)
    for activation in ("relu", "leaky"):
        target = torch.empty(1, 3, 1, dtype=torch.float16)
        convolution = TritonConvolution(
            torch.full((1, 1, 1, 1), 3.0, dtype=torch.float16), activation=activation
        )
        convolution(source, target)
        assert target[0, 0].isnan() and target[0, 1].isposinf()
        assert target[0, 2] == (0 if activation == "relu" else torch.tensor(-900.0).half())
