"""A calculator that reads arithmetic and nothing else: a tool that is safe to hand to a writer."""

import ast
import operator
from collections.abc import Callable

LONGEST = 200
"""Characters of an expression."""

LARGEST = 10**12
"""The largest size of a number that goes in or comes out of a step."""

TWO_SIDED: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def calculator(expression: str) -> str:
    """The value of an expression of numbers, + − * /, and parentheses.

    Python's parser reads it, and only the listed kinds of node are computed; names, calls,
    attributes and powers are refused, so nothing can be run and nothing can grow. Raises
    ValueError, in one sentence, for anything else, for a division by 0 and for numbers that are
    too large.
    """
    if len(expression) > LONGEST:
        raise ValueError(f"{len(expression)} characters are too many; write at most {LONGEST}.")
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, MemoryError, RecursionError) as error:
        raise ValueError(
            f"{expression!r} is no arithmetic; use numbers, + - * / and parentheses."
        ) from error
    return f"{_value(tree.body):.13g}"


def _value(node: ast.expr) -> float:
    value = node.value if isinstance(node, ast.Constant) else None
    if isinstance(value, int | float) and not isinstance(value, bool):  # True is one to Python
        return _checked(value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    if isinstance(node, ast.BinOp) and type(node.op) in TWO_SIDED:
        left, right = _value(node.left), _value(node.right)
        if isinstance(node.op, ast.Div) and right == 0:
            raise ValueError("nothing can be divided by 0.")
        return _checked(TWO_SIDED[type(node.op)](left, right))
    raise ValueError("only numbers, + - * / and parentheses are computed.")


def _checked(number: float) -> float:
    if not abs(number) <= LARGEST:
        raise ValueError(f"a number is larger than {LARGEST:.0e}; write smaller ones.")
    return number
