"""The compiled kernel; everything else is in pyproject.toml."""

import sys
from glob import glob

from Cython.Build import cythonize
from setuptools import Extension, setup

flags = (
    ["/O2", "/std:c++17"]
    if sys.platform == "win32"
    else ["-O3", "-g0", "-std=c++17", "-fno-math-errno", "-fno-trapping-math", "-Wall"]
)

print("gensim_sent2vec: compiling the kernel takes about half a minute", file=sys.stderr, flush=True)

kernel = Extension(
    "gensim_sent2vec._kernel",
    ["gensim_sent2vec/_kernel.pyx"],
    depends=["gensim_sent2vec/_kernel.pxd", *glob("gensim_sent2vec/_cpp/*.hpp")],
    include_dirs=["gensim_sent2vec/_cpp"],
    extra_compile_args=flags,
    language="c++",
)

setup(ext_modules=cythonize([kernel], language_level=3))
