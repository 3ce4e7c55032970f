"""stylewatch: turns folders of photos into paintings, unattended.

folder -> Photo -> Job -> Canvas -> Artwork -> report. Each step has its package; packages on one level never import
each other, they share only :mod:`pipeline.model`. README.md, beside this file, is the map.
"""

from typing import Final

__version__: Final = "0.1.0"
