// Rows of pictures that fill the width, each picture whole and in its own shape: pure arithmetic, no elements.
(function (stylewatch) {
  'use strict';
  const USUAL_ASPECT = 1.5;
  const NARROWEST = 0.5;
  const WIDEST = 2.6;

  function aspect(entry) {
    if (!entry.width || !entry.height) return USUAL_ASPECT;
    return Math.min(WIDEST, Math.max(NARROWEST, entry.width / entry.height));
  }

  function place(entries, first, last, height, gap) {
    const tiles = [];
    let left = 0;
    for (let index = first; index < last; index += 1) {
      const width = aspect(entries[index]) * height;
      tiles.push({index, left, width});
      left += width + gap;
    }
    return tiles;
  }

  // Where rows break; the tiles of a row are placed when it is shown. options: {width, height, gap, caption}, all pixels.
  function layOut(entries, options) {
    const {width, height, gap, caption} = options;
    const starts = [];
    const tops = [];
    const heights = [];
    let top = 0;
    let first = 0;
    let aspects = 0;
    const close = (last, rowHeight) => {
      starts.push(first);
      tops.push(top);
      heights.push(rowHeight);
      top += rowHeight + caption + gap;
      first = last;
      aspects = 0;
    };
    for (let index = 0; index < entries.length; index += 1) {
      const added = aspect(entries[index]);
      const gaps = (index - first) * gap;
      if ((aspects + added) * height + gaps < width) {
        aspects += added;
        continue;
      }
      const shrunk = (width - gaps) / (aspects + added);
      const stretched = aspects ? (width - gaps + gap) / aspects : Infinity;
      if (stretched / height < height / shrunk) {
        close(index, stretched);
        aspects = added;
      } else close(index + 1, shrunk);
    }
    if (first < entries.length) close(entries.length, height);
    return {starts, tops, heights, count: entries.length, total: Math.max(0, top - gap), options};
  }

  function rowTiles(layout, entries, row) {
    const last = row + 1 < layout.starts.length ? layout.starts[row + 1] : layout.count;
    return place(entries, layout.starts[row], last, layout.heights[row], layout.options.gap);
  }

  // The last of the ascending numbers that is not above the value.
  function lastNotAbove(numbers, value) {
    let low = 0;
    let high = numbers.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (numbers[middle] <= value) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  stylewatch.layout = {
    layOut, rowTiles,
    rowAt: (layout, y) => lastNotAbove(layout.tops, y),
    rowOf: (layout, index) => lastNotAbove(layout.starts, index),
  };
}(window.stylewatch));
