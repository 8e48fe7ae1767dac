"""Planted bugs: ``python -m tests.mutants SEED`` breaks the package and asks the tests.

draw       one small change to a syntax tree: a sign, an operator, a constant, an axis, a
           comparison, a call left out
touching   which tests run a given line
trial      the tests of one line against one mutant, in a process that can be thrown away
worker     a process with a tree of its own, in which mutants are tried
"""
