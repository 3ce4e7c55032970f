"""stylewatch: turns folders of photos into paintings, unattended.

folder -> Photo -> Job -> Canvas -> Artwork -> report. Each arrow is one stage, each stage one room of this
package; stages never import each other, they share only :mod:`pipeline.model`. README.md has the map.
"""

from typing import Final

__version__: Final = "0.1.0"
