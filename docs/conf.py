"""Sphinx configuration. To build: ``pip install ".[docs]"``, then ``sphinx-build -W docs docs/_build`` (offline)."""

import sys
from pathlib import Path

from gensim_sent2vec import __version__

sys.path.insert(0, str(Path(__file__).parent))  # for the extensions in this folder

project = "gensim-sent2vec"
author = "the authors of gensim-sent2vec"
version = release = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "myst_parser",
    "figures",
    "mathml",
    "command_page",
    "example_page",
]
exclude_patterns = ["_build"]
default_role = "py:obj"  # `name` in a docstring links to the object of that name

# Docstrings are numpydoc.
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True  # do not document attributes twice
autodoc_typehints = "none"  # docstrings state the types, with shapes
autodoc_member_order = "bysource"
toc_object_entries_show_parents = "hide"
autoclass_content = "class"

myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"gensim-sent2vec {version}"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_math_renderer = "mathml"
html_copy_source = html_show_copyright = False
html_show_sourcelink = False
pygments_style = "friendly"

man_pages = [("commands", "gensim-sent2vec", "sentence embeddings for gensim", [author], 1)]
