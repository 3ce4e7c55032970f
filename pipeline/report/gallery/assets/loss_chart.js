// Loss curves as a drawing: each layer over the evaluations of all sizes, with the same numbers as a table.
(function (stylewatch) {
  'use strict';
  const {dom, text} = stylewatch;
  // In pixels of text of the usual size; on large screens text is larger.
  const LEAST_HEIGHT = 340;
  const WIDEST = 1280;
  const MARGIN = {top: 26, bottom: 40, left: 58};
  const LABEL_WIDTH = 128;
  const LETTER_WIDTH = 7;
  const LEADER_WIDTH = 20;
  const LABEL_HEIGHT = 15;
  const NARROW = 560;
  const USUAL_TEXT_PIXELS = 16;
  const LOOKS = 7;
  let drawn = 0;

  // What a history's points are as curves: x counts the evaluations of all sizes. A loss of 0 has no place on a
  // logarithmic axis, so that a curve may have gaps.
  function curvesOf(history) {
    const names = ['total', ...history.series, 'total variation'];
    const lines = names.map((name) => ({name, values: []}));
    const scales = [];
    let offset = 0;
    let before = 0;
    for (const [evaluation, scale, total, variation, layers] of history.points) {
      if (scales.length === 0 || scales[scales.length - 1].index !== scale) {
        if (evaluation + offset <= before) offset = before;
        scales.push({index: scale, start: before});
      }
      const x = evaluation + offset;
      [total, ...layers, variation].forEach((loss, index) => lines[index].values.push([x, loss]));
      before = x;
    }
    return {lines: lines.filter((line) => line.values.some(([, loss]) => loss > 0)), scales, last: before};
  }

  // The total is drawn as nothing else is. After seven layers the looks come again, thinner, then thicker.
  function look(index) {
    if (index === 0) return 'series-0';
    return `series-${1 + ((index - 1) % LOOKS)} series-round-${Math.floor((index - 1) / LOOKS) % 3}`;
  }

  function labelWidth(lines) {
    const letters = Math.max(...lines.map((line) => line.name.length));
    return Math.max(LABEL_WIDTH, LEADER_WIDTH + letters * LETTER_WIDTH);
  }

  function positive(lines) {
    return lines.flatMap((line) => line.values.map(([, loss]) => loss)).filter((loss) => loss > 0 && Number.isFinite(loss));
  }

  function logTicks(low, high) {
    const ticks = [];
    const decades = Math.log10(high / low);
    const steps = decades < 1.6 ? [1, 2, 5] : decades < 3.2 ? [1, 3] : [1];
    const stride = Math.max(1, Math.ceil(decades / 7));
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += stride) {
      for (const step of steps) ticks.push(step * 10 ** power);
    }
    return ticks.filter((tick) => tick >= low * 0.999 && tick <= high * 1.001);
  }

  function linearTicks(last, most) {
    const raw = Math.max(1, last / most);
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= raw);
    return Array.from({length: Math.floor(last / step) + 1}, (_, index) => index * step);
  }

  function textScale() {
    return parseFloat(getComputedStyle(document.documentElement).fontSize) / USUAL_TEXT_PIXELS || 1;
  }

  // The drawing is made in units of the usual text, and shown at the text's scale.
  function axes(curves, width) {
    const losses = positive(curves.lines);
    const low = Math.min(...losses) / 1.15;
    const high = Math.max(...losses) * 1.15;
    const right = width < NARROW ? 12 : labelWidth(curves.lines);
    const height = Math.max(LEAST_HEIGHT, MARGIN.top + MARGIN.bottom + curves.lines.length * LABEL_HEIGHT);
    const inner = {left: MARGIN.left, right: width - right, top: MARGIN.top, bottom: height - MARGIN.bottom};
    return {
      low, high, inner, height,
      x: (value) => inner.left + (value / Math.max(1, curves.last)) * (inner.right - inner.left),
      y: (value) => inner.bottom - (Math.log(value / low) / Math.log(high / low)) * (inner.bottom - inner.top),
    };
  }

  function drawGrid(curves, plane, width) {
    const {inner} = plane;
    const horizontal = logTicks(plane.low, plane.high).map((tick) => [
      dom.svg('line', {class: 'chart-grid', x1: inner.left, x2: inner.right, y1: plane.y(tick), y2: plane.y(tick)}),
      dom.svg('text', {class: 'chart-tick', x: inner.left - 8, y: plane.y(tick) + 4, 'text-anchor': 'end'}, text.digits(tick, 1)),
    ]);
    const vertical = linearTicks(curves.last, width < NARROW ? 4 : 8).map((tick) => dom.svg('text',
      {class: 'chart-tick', x: plane.x(tick), y: inner.bottom + 18, 'text-anchor': 'middle'}, text.number(tick)));
    const middle = (inner.left + inner.right) / 2;
    return [horizontal, vertical,
      dom.svg('text', {class: 'chart-title', x: middle, y: plane.height - 4, 'text-anchor': 'middle'}, 'Evaluations'),
      dom.svg('text', {class: 'chart-title', x: inner.left - 8, y: 14, 'text-anchor': 'end'}, 'Loss')];
  }

  function drawScales(curves, plane, sizes) {
    return curves.scales.map((scale, index) => {
      const end = index + 1 < curves.scales.length ? curves.scales[index + 1].start : curves.last;
      const [left, right] = [plane.x(scale.start), plane.x(end)];
      const label = sizes[scale.index] ? `${sizes[scale.index]} px` : `Size ${scale.index + 1}`;
      return dom.svg('g', {class: 'chart-scale'},
        index % 2 === 0 ? null : dom.svg('rect', {class: 'chart-band', x: left, y: plane.inner.top, width: Math.max(0, right - left), height: plane.inner.bottom - plane.inner.top}),
        index === 0 ? null : dom.svg('line', {class: 'chart-boundary', x1: left, x2: left, y1: plane.inner.top - 6, y2: plane.inner.bottom}),
        right - left < 34 ? null : dom.svg('text', {class: 'chart-tick', x: (left + right) / 2, y: plane.inner.top - 8, 'text-anchor': 'middle'}, label));
    });
  }

  // A curve is broken where its loss is 0, and between sizes, where another picture is measured.
  function pieces(line, curves) {
    const starts = curves.scales.map((scale) => scale.start);
    const found = [];
    let piece = null;
    let scale = -1;
    for (const [x, loss] of line.values) {
      let now = scale;
      while (now + 1 < starts.length && x > starts[now + 1]) now += 1;
      if (!(loss > 0)) piece = null;
      else {
        if (piece === null || now !== scale) found.push(piece = []);
        piece.push([x, loss]);
      }
      scale = now;
    }
    return found;
  }

  function drawLines(curves, plane) {
    return curves.lines.map((line, index) => dom.svg('g', {class: `chart-line ${look(index)}`, 'data-series': line.name},
      pieces(line, curves).map((piece) => (piece.length === 1
        ? dom.svg('circle', {class: 'chart-point', cx: plane.x(piece[0][0]), cy: plane.y(piece[0][1]), r: 2.5})
        : dom.svg('polyline', {points: piece.map(([x, loss]) => `${plane.x(x).toFixed(1)},${plane.y(loss).toFixed(1)}`).join(' ')})))));
  }

  // Names at the curves' ends, moved apart where the curves end close together.
  function drawNames(curves, plane) {
    const ends = curves.lines.map((line, index) => {
      const [x, loss] = line.values.filter(([, value]) => value > 0).at(-1);
      return {name: line.name, index, x: plane.x(x), end: plane.y(loss), y: plane.y(loss)};
    }).sort((one, other) => one.y - other.y);
    for (let index = 1; index < ends.length; index += 1) ends[index].y = Math.max(ends[index].y, ends[index - 1].y + LABEL_HEIGHT);
    let lowest = plane.inner.bottom + 4;
    for (const end of ends.reverse()) {
      end.y = Math.min(end.y, lowest);
      lowest = end.y - LABEL_HEIGHT;
    }
    return ends.map((end) => dom.svg('g', {class: look(end.index)},
      dom.svg('path', {class: 'chart-leader', d: `M${end.x + 2} ${end.end} L${end.x + 12} ${end.y}`}),
      dom.svg('text', {class: 'chart-name', x: end.x + 16, y: end.y + 4}, end.name)));
  }

  function description(curves, sizes) {
    const total = curves.lines.find((line) => line.name === 'total');
    if (!total) return '';
    const [first, last] = [total.values[0][1], total.values.at(-1)[1]];
    const at = curves.scales.map((scale) => sizes[scale.index]).filter(Boolean);
    const where = at.length ? ` at ${at.length === 1 ? 'the size' : 'the sizes'} ${at.join(', ')} pixels` : '';
    return `The total loss went from ${text.digits(first, 3)} to ${text.digits(last, 3)} in ${text.count(curves.last, 'evaluation')}${where}.`;
  }

  function drawing(curves, sizes, width, id) {
    const scale = textScale();
    const plane = axes(curves, width);
    const cursor = dom.svg('line', {class: 'chart-cursor', y1: plane.inner.top, y2: plane.inner.bottom, visibility: 'hidden'});
    const node = dom.svg('svg', {class: 'chart', role: 'img', 'aria-labelledby': `${id}-title ${id}-description`, viewBox: `0 0 ${width} ${plane.height}`, width: width * scale, height: plane.height * scale},
      dom.svg('title', {id: `${id}-title`}, 'Loss curves by layer'),
      dom.svg('desc', {id: `${id}-description`}, description(curves, sizes)),
      drawScales(curves, plane, sizes), drawGrid(curves, plane, width), drawLines(curves, plane),
      width < NARROW ? null : drawNames(curves, plane), cursor);
    return {node, plane, cursor, width, scale};
  }

  function legend(curves) {
    return dom.element('ul', {class: 'chart-legend'}, curves.lines.map((line, index) => dom.element('li', {class: look(index)},
      dom.svg('svg', {width: 34, height: 12, 'aria-hidden': 'true'}, dom.svg('g', {class: 'chart-line'}, dom.svg('polyline', {points: '1,6 33,6'}))),
      line.name)));
  }

  function tableOf(curves, sizes) {
    const scaleAt = (x) => curves.scales.filter((scale) => scale.start < x).at(-1) || curves.scales[0];
    const head = dom.element('tr', {}, ['Evaluation', 'Size', ...curves.lines.map((line) => line.name)].map((name) => dom.element('th', {scope: 'col'}, name)));
    const rows = curves.lines[0].values.map(([x], row) => dom.element('tr', {},
      dom.element('th', {scope: 'row'}, text.number(x)),
      dom.element('td', {}, sizes[scaleAt(x).index] || ''),
      curves.lines.map((line) => dom.element('td', {}, text.digits(line.values[row][1], 4)))));
    return dom.element('div', {class: 'table-scroll', tabindex: '0', role: 'region', 'aria-label': 'Losses as a table'},
      dom.element('table', {class: 'chart-table'}, dom.element('thead', {}, head), dom.element('tbody', {}, rows)));
  }

  function tableDetails(curves, sizes) {
    const details = dom.element('details', {}, dom.element('summary', {}, 'The same as a table'));
    details.addEventListener('toggle', () => {
      if (details.open && details.children.length === 1) dom.append(details, [tableOf(curves, sizes)]);
    });
    return details;
  }

  function readout(curves, sizes, x) {
    const values = curves.lines[0].values;
    let row = 0;
    values.forEach(([at], index) => { if (Math.abs(at - x) < Math.abs(values[row][0] - x)) row = index; });
    const losses = curves.lines.map((line) => `${line.name} ${text.digits(line.values[row][1], 3) || '–'}`);
    return {at: values[row][0], words: `Evaluation ${text.number(values[row][0])}: ${losses.join(' · ')}`};
  }

  // history: as in a picture's details; sizes: long sides in pixels, coarse to fine. Null where there is nothing to draw.
  function make(history, sizes) {
    if (!history || history.points.length === 0) return null;
    const curves = curvesOf(history);
    if (curves.lines.length === 0) return null;
    const id = `chart-${drawn += 1}`;
    const holder = dom.element('div', {class: 'chart-holder'});
    const words = dom.element('p', {class: 'chart-readout muted small', 'aria-hidden': 'true'}, description(curves, sizes));
    let current = null;
    const draw = (width) => {
      current = drawing(curves, sizes, width, id);
      holder.replaceChildren(current.node);
    };
    draw(720);
    const sizesObserver = new ResizeObserver(([change]) => {
      const width = Math.round(Math.min(WIDEST, Math.max(300, change.contentRect.width / textScale())));
      if ((current.width !== width || current.scale !== textScale()) && change.contentRect.width > 0) draw(width);
    });
    sizesObserver.observe(holder);
    holder.addEventListener('pointermove', (event) => {
      const {plane, cursor, node, scale} = current;
      const left = (event.clientX - node.getBoundingClientRect().left) / scale;
      const found = readout(curves, sizes, ((left - plane.inner.left) / (plane.inner.right - plane.inner.left)) * curves.last);
      cursor.setAttribute('visibility', 'visible');
      for (const end of ['x1', 'x2']) cursor.setAttribute(end, plane.x(found.at));
      dom.replace(words, found.words);
    });
    holder.addEventListener('pointerleave', () => {
      current.cursor.setAttribute('visibility', 'hidden');
      dom.replace(words, description(curves, sizes));
    });
    return dom.element('div', {class: 'loss-chart'}, holder, words, legend(curves), tableDetails(curves, sizes));
  }

  // A small curve of [evaluation, loss] pairs, for pictures in progress.
  function spark(points, label) {
    const values = points.filter(([, loss]) => loss > 0);
    if (values.length < 2) return null;
    const [width, height] = [160, 40];
    const logs = values.map(([, loss]) => Math.log(loss));
    const [low, high] = [Math.min(...logs), Math.max(...logs)];
    const [first, last] = [values[0][0], values.at(-1)[0]];
    const place = ([evaluation], index) => `${(((evaluation - first) / (last - first || 1)) * width).toFixed(1)},${(height - 3 - ((logs[index] - low) / (high - low || 1)) * (height - 6)).toFixed(1)}`;
    return dom.svg('svg', {class: 'spark', role: 'img', 'aria-label': label, viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none'},
      dom.svg('polyline', {points: values.map(place).join(' ')}));
  }

  stylewatch.lossChart = {make, spark, curvesOf};
}(window.stylewatch));
