"""Where the tests find files of the repository."""

from pathlib import Path

TESTS = Path(__file__).parent
DATA = TESTS / "data"
EPFML = DATA / "epfml"
ROOT = TESTS.parent
SHARED_DATA = ROOT.parent / "shared" / "data"
