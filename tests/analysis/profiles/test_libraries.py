"""Which library a file belongs to, by its path alone."""

from __future__ import annotations

import json

import numpy
import pandas
import pytest

from nbtrace.analysis.profiles.libraries import NOTEBOOK, STANDARD, YOURS, library, shortened


@pytest.mark.parametrize(
    ("file", "named", "short"),
    [
        ("/usr/lib/python3/dist-packages/yaml/loader.py", "PyYAML", "yaml/loader.py"),
        ("/opt/conda/lib/python3.11/site-packages/sklearn/base.py", "scikit-learn", "sklearn/base.py"),
        (r"C:\Users\x\venv\Lib\site-packages\pandas\core\frame.py", "pandas", r"pandas\core\frame.py"),
        (r"C:\Python311\Lib\json\decoder.py", STANDARD, r"json\decoder.py"),
        (r"C:\Users\x\lib\mine.py", YOURS, r"C:\Users\x\lib\mine.py"),
        ("/home/x/.venv/lib/python3.12/site-packages/six.py", "six", "six.py"),
        ("/x/lib/python3.12/site-packages/nobodys_package-1.0-py3.12.egg/nobodys/x.py", "nobodys", "nobodys/x.py"),
        ("/usr/lib/python3.13/json/__init__.py", STANDARD, "json/__init__.py"),
        ("/usr/lib64/python3.12/threading.py", STANDARD, "threading.py"),
        ("/Library/Frameworks/Python.framework/Versions/3.11/lib/python3.11/ast.py", STANDARD, "ast.py"),
        ("/lib/python311.zip/asyncio/runners.py", STANDARD, "asyncio/runners.py"),
        ("/opt/python/cpython-3.13.1+freethreaded/lib/python3.13t/queue.py", STANDARD, "queue.py"),
        ("/home/x/lib/python3.12/mine/analysis.py", YOURS, "/home/x/lib/python3.12/mine/analysis.py"),
        ("/databricks/spark/python/lib/pyspark.zip/pyspark/sql/frame.py", "pyspark", "pyspark/sql/frame.py"),
        ("/home/x/project/load.py", YOURS, "/home/x/project/load.py"),
        ("load.py", YOURS, "load.py"),
        ("/somewhere/ipykernel_12/3456789.py", NOTEBOOK, "/somewhere/ipykernel_12/3456789.py"),
        ("<ipython-input-3-0123456789ab>", NOTEBOOK, "<ipython-input-3-0123456789ab>"),
        ("<timed exec>", NOTEBOOK, "<timed exec>"),
        ("<string>", NOTEBOOK, "<string>"),
        ("<stdin>", NOTEBOOK, "<stdin>"),
        ("<frozen importlib._bootstrap>", STANDARD, "<frozen importlib._bootstrap>"),
        ("<__array_function__ internals>", "numpy", "<__array_function__ internals>"),
        ("<attrs generated init nobodys.Model>", "nobodys", "<attrs generated init nobodys.Model>"),
        ("<decorator-gen-54>", "ipython", "<decorator-gen-54>"),
        ("", NOTEBOOK, ""),
        ("/x/site-packages/", YOURS, "/x/site-packages/"),
        ("/x/site-packages/\u202e\x00.py", YOURS, "\u202e\x00.py"),
    ],
)
def test_a_file_is_of_a_library(file: str, named: str, short: str) -> None:
    assert library(file).replace("Pillow", "pillow") == named
    assert shortened(file) == short


def test_what_is_imported_here_is_told_by_its_distribution() -> None:
    assert json.__file__
    assert library(json.__file__) == STANDARD
    assert library(pandas.__file__) == "pandas"
    assert library(numpy.__file__) == "numpy"
    assert library(pytest.__file__) == "pytest"
    assert library(__file__) == YOURS
    # A namespace that several share; where one alone has it, that one.
    assert library("/x/site-packages/google/api/x.py") in ("google", "protobuf")
