"""How Sphinx makes the static site; `make site` runs it, without a network."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "fairtutor"
author = "The fairtutor authors"
copyright = author
language = "en"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "docstrings",
    "mathml",
]
exclude_patterns = ["_build"]

# Notebooks are shown with the outputs that are committed.
nb_execution_mode = "off"
nb_ipywidgets_js = {}  # panels are shown as their static pictures: no script to fetch
nb_output_stderr = "remove"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
suppress_warnings = ["mystnb.unknown_mime_type", "ref.python"]

html_math_renderer = "mathml"
html_theme = "sphinx_book_theme"
html_title = "fairtutor"
html_static_path = ["style.css"]
html_css_files = ["style.css"]
html_extra_path = ["reports"]
html_favicon = "favicon.svg"
html_context = {"default_mode": "auto"}  # light or dark as the reader's system is
html_theme_options = {
    "show_toc_level": 2,
    "use_download_button": True,
    "navbar_persistent": [],
}

# Where the course is hosted one day, such as https://github.com/NAME/fairtutor: then
# every chapter gets a button that opens it on Binder and one for Colab.
REPOSITORY = os.environ.get("FAIRTUTOR_REPOSITORY")
if REPOSITORY:
    html_theme_options |= {
        "repository_url": REPOSITORY,
        "use_repository_button": True,
        "launch_buttons": {
            "binderhub_url": "https://mybinder.org",
            "colab_url": "https://colab.research.google.com",
            "notebook_interface": "jupyterlab",
        },
    }

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # napoleon's parameters say it in words
autodoc_default_options = {"members": True}
napoleon_google_docstring = False
napoleon_use_rtype = False
