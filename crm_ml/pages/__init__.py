"""Pages: HTML, charts, style and number formats that every page of the package is drawn with."""
