"""The style sheet: no font and no image from elsewhere, light or dark as the reader's system is.

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
_RULES = """
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:15px/1.5 system-ui,"Segoe UI",Roboto,"Noto Sans",sans-serif;overflow-wrap:anywhere}
main,header,footer{max-width:1080px;margin:0 auto;padding:0 16px}
header{padding-top:28px}
footer{padding-bottom:40px;color:var(--muted);font-size:13px}
h1{font-size:26px;line-height:1.25;margin:0 0 4px}
h2{font-size:19px;margin:0 0 6px}
h3{font-size:15px;margin:18px 0 6px}
p{margin:6px 0}
.lead,.note,figcaption,caption,dt{color:var(--muted)}
.note,dt,figcaption,caption{font-size:13px}
nav ul{display:flex;flex-wrap:wrap;gap:4px 14px;list-style:none;margin:10px 0 18px;padding:0;font-size:14px}
a{color:var(--bar)}
a:focus-visible,.scroll:focus-visible,summary:focus-visible{
outline:2px solid var(--strong);outline-offset:2px}
section{background:var(--card);border:1px solid var(--edge);border-radius:10px;
padding:18px;margin:0 0 16px;min-width:0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(165px,1fr));gap:10px;margin:0 0 14px}
.tile{background:var(--soft);border-radius:8px;padding:10px 12px;font-size:13px;color:var(--muted)}
.tile b{display:block;font-size:19px;line-height:1.4;color:var(--ink);font-variant-numeric:tabular-nums}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,430px),1fr));gap:8px 34px}
.pair>*{min-width:0}
dl{display:grid;grid-template-columns:minmax(90px,auto) 1fr;gap:4px 14px;margin:0}
dd{margin:0;min-width:0}
code{font:13px/1.4 ui-monospace,"DejaVu Sans Mono",monospace}
figure{margin:10px 0 4px;min-width:0}
figcaption{margin-bottom:4px}
svg{display:block;overflow:visible}
svg text{font-size:12px;fill:var(--muted);font-variant-numeric:tabular-nums}
figure ul{list-style:none;margin:0;padding:0}
figure li{font-size:13px;line-height:1.5;margin:3px 0 6px}
figure li div{display:flex;flex-wrap:wrap;align-items:center;gap:0 7px}
figure li svg{flex:none;min-width:1px}
figure li b,ul.plain b{font-weight:600;white-space:nowrap;font-variant-numeric:tabular-nums}
rect.bar{fill:var(--bar)}rect.strong{fill:var(--strong)}rect.limit{fill:var(--limit)}
line.base{stroke:var(--limit)}
line.range{stroke:var(--bar);stroke-width:4;stroke-opacity:.7}
line.mark{stroke:var(--strong);stroke-width:3}
line.ideal{stroke:var(--limit);stroke-dasharray:5 5}
circle.point{fill:var(--bar)}
.reliability{max-width:460px}
.scroll{overflow-x:auto;margin:8px 0}
table{border-collapse:collapse;font-size:14px;font-variant-numeric:tabular-nums}
caption{text-align:left;padding:4px 0;position:sticky;left:0;max-width:min(100%,82vw)}
th,td{padding:5px 12px 5px 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--edge);
overflow-wrap:normal}
thead th{font-weight:600;color:var(--muted);vertical-align:bottom}
tbody th{font-weight:500;min-width:min(200px,40vw);overflow-wrap:anywhere}
.number{text-align:right;white-space:nowrap}
thead th.number{white-space:normal;min-width:74px}
.none{color:var(--muted)}
ul.plain{margin:6px 0;padding-left:20px}
.rows{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,330px),1fr));gap:12px;margin-top:10px}
article{border:1px solid var(--edge);border-radius:8px;padding:12px 14px;min-width:0}
article h3{margin:0 0 2px}
article p{font-size:14px}
article ul{margin:6px 0 0;padding-left:18px;font-size:14px}
.badge{display:inline-block;border:1px solid var(--limit);border-radius:99px;padding:0 8px;
font-size:12px;color:var(--muted)}
@media (max-width:480px){section{padding:14px}
.tiles{grid-template-columns:repeat(auto-fit,minmax(150px,1fr))}
.tile{padding:8px 10px}.tile b{font-size:16px}h1{font-size:22px}
dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:6px}}
@media print{section{break-inside:avoid}body{background:none}}
"""


def style_sheet() -> str:
    """Return the style sheet of the page."""
    return (
        f":root{{color-scheme:light dark;{_variables(LIGHT)}}}\n"
        f"@media (prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}}}{_RULES}"
    )


def _variables(colours: dict[str, str]) -> str:
    return "".join(f"--{name}:{colour};" for name, colour in colours.items())
