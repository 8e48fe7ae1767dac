"""Words that try to be more than words."""

SCRIPT = "<script>alert(1)</script>"
CLOSING = "</script><script>alert(2)</script>"
IMAGE = '"><img src=x onerror=alert(3)>'
TURNED = "\u202egnp.exe"  # right to left from here
MARKS = "a\u200b\u2066b\ufeff\x00\x1b[31m"
LONG = "x" * 10_000
EMOJI = "👩🏽‍🚀🦉"
HALF = "\ud83d"  # half of a pair
ARABIC = "مرحبا"
PERCENT = "%s {token} ${t} \\u0041 &lt; '"

ALL = (SCRIPT, CLOSING, IMAGE, TURNED, MARKS, LONG, EMOJI, HALF, ARABIC, PERCENT, "\n", " ", "")
