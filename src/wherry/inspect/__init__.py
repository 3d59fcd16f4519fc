"""Views of packages: sizes by distribution, reasons, differences, suggestions, and a page for the browser.

All of them stand on ``wherry.contents``: nothing is executed, and nothing is unpacked to disk.

Modules: ``model`` (what is told of a package), ``measure`` (sizes and what is loaded), ``retained`` (what would go with a
distribution), ``why`` (who needs a distribution or file), ``difference`` (two packages), ``groups`` (sums by folder or
kind), ``suggestions`` with ``saving`` and ``replacements`` (what would make a package smaller),
``import_times`` and ``profile`` (what imports what, and how long it takes), ``page`` (the HTML file; its scripts and styles
lie beside it).
"""
