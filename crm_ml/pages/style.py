"""The colours of pages, light or dark as the reader's system is; the rules are in ``templates/style.css``.

The colours of bars are blue and vermilion of Okabe and Ito and a grey, told apart by readers of any colour
vision and by their lightness; each has a contrast of 3 to 1 or more to its ground, text 4.5 to 1 or more.

References
----------
.. [1] Okabe and Ito (2008). Color universal design.
.. [2] W3C (2018). Web content accessibility guidelines 2.1, success criteria 1.4.3 and 1.4.11.
"""

LIGHT = {
    "paper": "#f4f6f8", "card": "#ffffff", "ink": "#1b1f24", "muted": "#56606b", "edge": "#d5dbe1",
    "bar": "#0072b2", "strong": "#d55e00", "limit": "#8a8f96", "soft": "#eaf3f9",
}  # fmt: skip
DARK = {
    "paper": "#0f1216", "card": "#181c22", "ink": "#e9ebee", "muted": "#a9b2bc", "edge": "#323942",
    "bar": "#56b4e9", "strong": "#f08c3a", "limit": "#8d96a0", "soft": "#1e2a33",
}  # fmt: skip
