"""Whether XLA pays for a run of training steps, foretold from the length of the run and the operations of a step.

It pays where a step consists of many small operations, whose dispatch costs more than their arithmetic: XLA makes one
program of them. It loses on convolutions, long chains of matrices and whatever has large products, where TensorFlow's
kernels use every core. Since compiled and plain arithmetic differ in the last bits, the choice follows from the program
alone and not from a clock: the same script makes the same choice, and the same numbers, each time it runs.
"""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

_STEPS_TO_PAY = 2500
"""Steps by which a compilation (0.5-1 s) has won its time back, at 0.2-0.4 ms a step."""
_STEPS_AT_ONCE = 50
"""Steps of an epoch from which on the start of a compiled program (1 ms) does not matter."""
_LARGEST_PRODUCT = 3e7
"""Multiplications of all matrix products of a step beyond which TensorFlow's kernels are faster."""
_SMALL = """
    Placeholder Const NoOp Identity IdentityN StopGradient PreventGradient ReadVariableOp AssignVariableOp
    AssignAddVariableOp AssignSubVariableOp VarIsInitializedOp MatMul BiasAdd BiasAddGrad Relu ReluGrad Relu6
    Relu6Grad LeakyRelu LeakyReluGrad Elu EluGrad Selu SeluGrad Tanh TanhGrad Sigmoid SigmoidGrad Softplus
    SoftplusGrad Softmax LogSoftmax SoftmaxCrossEntropyWithLogits SparseSoftmaxCrossEntropyWithLogits Add AddV2 AddN
    Sub Mul RealDiv Div DivNoNan MulNoNan Neg Reciprocal Square SquaredDifference Sqrt SqrtGrad Rsqrt RsqrtGrad Pow
    Exp Log Log1p Abs Sign Maximum Minimum ClipByValue Floor FloorDiv FloorMod Round Sum Mean Max Min Prod All Any
    ArgMax Cast Shape Size Rank Reshape ExpandDims Squeeze Transpose ConcatV2 Concat Split SplitV Pack Unpack Tile
    BroadcastTo BroadcastArgs BroadcastGradientArgs DynamicBroadcastGradientArgs Fill ZerosLike OnesLike Range
    StridedSlice StridedSliceGrad Slice Pad Select SelectV2 Equal NotEqual Less LessEqual Greater GreaterEqual
    LogicalAnd LogicalOr LogicalNot IsFinite IsNan OneHot L2Loss InvertPermutation DynamicStitch Bitcast Cos Erf
    Erfc Ceil StatelessRandomUniformV2 StatelessRandomUniformFullIntV2 StatelessRandomNormalV2
    StatelessRandomGetKeyCounter StatelessRandomGetAlg ResourceApplyAdam ResourceApplyGradientDescent
    ResourceApplyKerasMomentum ResourceApplyMomentum ResourceApplyRMSProp ResourceApplyCenteredRMSProp
    ResourceApplyAdagradV2 ResourceApplyAdaMax ResourceApplyFtrlV2 ResourceApplyAdadelta
"""
_FIT = frozenset(_SMALL.split())


def is_long(epochs: int, batches: int) -> bool:
    """Whether a run of so many epochs of so many batches is long enough for XLA to pay."""
    return batches >= _STEPS_AT_ONCE and epochs * batches >= _STEPS_TO_PAY


def is_fit(graph: tf.Graph, rows: int) -> bool:
    """Whether XLA makes a step faster.

    Args:
        graph: the traced step.
        rows: rows of a batch.
    """
    operations = graph.get_operations()
    if not all(operation.type in _FIT or _gathers_sizes(operation) for operation in operations):
        return False
    products = sum(_weights_of(operation) for operation in operations if operation.type == "MatMul")
    return 0 < rows * products <= _LARGEST_PRODUCT


def _gathers_sizes(operation: Any) -> bool:
    """Whether the operation picks sizes of a shape, as gradients of reductions do, with indices that are in range."""
    return operation.type == "GatherV2" and operation.inputs[0].op.type in ("Shape", "Maximum")


def _weights_of(product: Any) -> float:
    """The size of the matrix among the operands and the result that has no axis of rows, or too much if all have."""
    shapes = [tensor.shape for tensor in (*product.inputs, *product.outputs)]
    known = [math.prod(shape) for shape in shapes if shape.is_fully_defined()]
    return max(known, default=math.inf)
