"""Style transfer from Python: photo and painting in, picture out, in the caller's own process.

Owns what callers may give and what they get. It writes no pictures, keeps no record, and starts no process. torch is
loaded with the first :class:`StyleTransfer`, not with this package.
"""

from pipeline.api.settings import TransferSettings
from pipeline.api.style_transfer import StyleTransfer, stylize
from pipeline.errors import StylewatchError
from pipeline.model import Progress

__all__ = ["Progress", "StyleTransfer", "StylewatchError", "TransferSettings", "stylize"]
