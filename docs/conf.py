"""Sphinx configuration."""

import landbridge

project = "landbridge"
author = "the landbridge developers"
copyright = "2026, the landbridge developers"
version = release = landbridge.__version__
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "myst_parser",
]
autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
html_theme = "pydata_sphinx_theme"
html_title = "landbridge"
html_theme_options = {"show_prev_next": False, "navbar_align": "left", "show_toc_level": 2}
html_show_sourcelink = False
templates_path = ["_templates"]
exclude_patterns = ["_build", "_templates", "gallery/*.ipynb", "gallery/*.py*"]
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/plot_",
    "download_all_examples": False,
    "show_signature": False,
    "abort_on_example_error": True,
    "min_reported_time": 1,
}
# scikit-learn's inherited docstrings refer to labels of its own site
suppress_warnings = ["config.cache", "docutils", "ref.ref"]
