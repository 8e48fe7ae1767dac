"""From which probability on an act is worth it, when its two errors have a price."""


def cost_threshold(lost: float, let_through: float) -> float:
    """The probability from which on blocking is cheaper (equation eq-cost-threshold).

    ``lost`` is the price of blocking what should have passed, ``let_through`` that of passing what
    should have been blocked; it holds where the probabilities are calibrated. Raises
    ``ValueError`` for a price that is not above 0.
    """
    if lost <= 0 or let_through <= 0:
        raise ValueError(f"prices {lost} and {let_through} decide nothing; both must be above 0")
    return lost / (lost + let_through)
