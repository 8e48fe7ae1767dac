"""outputs → numbers: metrics, their intervals, calibration, and the classical rivals."""
