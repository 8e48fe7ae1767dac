"""The comparisons run, and their page says what they measured."""
