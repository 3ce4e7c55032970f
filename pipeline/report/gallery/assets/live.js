// The view of the work in progress: each picture as it comes, its losses, and how long ago the program was heard of.
(function (stylewatch) {
  'use strict';
  const {dom, text, links, store, lossChart} = stylewatch;
  const SILENT_SECONDS = 90;
  const TICK_MILLISECONDS = 1000;
  const canvases = new Map();
  let parts = null;
  let timer = 0;
  let shownState = '';

  function age(live) {
    return Math.max(0, Math.round(Date.now() / 1000 - live.written));
  }

  function ago(seconds) {
    return seconds < 5 ? 'just now' : `${text.duration(seconds)} ago`;
  }

  function canvasesOf(live) {
    return live.canvases || [];
  }

  // What the file says, if the program that wrote it is still heard of.
  function state() {
    const {live, catalog} = store;
    if (!catalog || (!live && catalog.live)) return {name: 'none', words: 'Reading …'};
    if (!catalog.live) return {name: 'none', words: `No program is at work. While "stylewatch run" or "watch" is, each picture is shown here as it comes. Last sign of life ${ago(age(live || catalog))}.`};
    const silent = age(live) > SILENT_SECONDS;
    if (live.working && silent) return {name: 'silent', words: `No sign of life since ${text.time(live.written)}, ${ago(age(live))}: the program was stopped, or the machine sleeps.`};
    if (live.working) return {name: 'working', words: working(live)};
    return {name: 'resting', words: `${live.note ? `No picture is in progress: ${live.note}.` : 'No picture is in progress.'} Last sign of life ${ago(age(live))}.`};
  }

  function working(live) {
    const left = live.left ? `, ${text.number(live.left)} left` : '';
    const time = live.seconds_left ? `, about ${text.duration(live.seconds_left)}` : '';
    const count = canvasesOf(live).length;
    return `${count ? `${text.count(count, 'picture')} in progress` : 'The first picture begins soon'}, ${text.number(live.done)} made${left}${time}.`;
  }

  // The picture is exchanged when the new one is there, so that nothing flickers.
  function showImage(canvas, value) {
    if (!value.image || canvas.revision === value.revision) return;
    canvas.revision = value.revision;
    const address = `${links.path(value.image)}?${value.revision}`;
    const image = dom.element('img', {alt: `${value.photo} as it is now`});
    image.addEventListener('load', () => { if (canvas.revision === value.revision) canvas.stage.replaceChildren(image); });
    image.src = address;
  }

  function progressText(value) {
    const share = value.evaluation_share ? `${Math.floor(100 * value.evaluation_share)} %` : '';
    if (!value.losses) return share ? `First evaluation: ${share}` : 'Beginning …';
    return `Size ${value.scale_index + 1} of ${value.scale_count} (${value.size} px) · evaluation ${text.number(value.iteration)} of at most ${text.number(value.iterations)}${share ? `, ${share} of the next one` : ''}`;
  }

  function lossText({losses}) {
    return losses ? `Loss ${text.digits(losses.total, 3)} = style ${text.digits(losses.style, 3)} + content ${text.digits(losses.content, 3)}` : '';
  }

  // Sizes count alike, although the later ones take longer: how far it is, not when it ends.
  function fraction(value) {
    if (!value.scale_count || !value.iterations) return 0;
    return (value.scale_index + Math.min(1, (value.iteration + (value.evaluation_share || 0)) / value.iterations)) / value.scale_count;
  }

  function makeCanvas(value) {
    const stage = dom.element('div', {class: 'canvas-stage'}, dom.element('span', {class: 'muted'}, 'The first picture comes soon'));
    const bar = dom.element('progress', {max: '1', value: '0', 'aria-label': `Progress of ${value.photo}`});
    const progress = dom.element('p', {class: 'small'});
    const losses = dom.element('p', {class: 'small muted canvas-losses'});
    const curve = dom.element('div', {class: 'canvas-curve'});
    const node = dom.element('li', {class: 'canvas'}, stage,
      dom.element('h2', {}, dom.name(value.photo.slice(value.photo.lastIndexOf('/') + 1))),
      dom.element('p', {class: 'muted'}, dom.name(stylewatch.pictureParts.styleText(value))), bar, progress, losses, curve);
    return {node, stage, bar, progress, losses, curve, revision: null, points: ''};
  }

  function updateCanvas(canvas, value) {
    showImage(canvas, value);
    canvas.bar.value = fraction(value);
    dom.replace(canvas.progress, progressText(value));
    dom.replace(canvas.losses, lossText(value));
    const points = JSON.stringify(value.history);
    if (points === canvas.points) return;
    canvas.points = points;
    dom.replace(canvas.curve, lossChart.spark(value.history, 'Total loss so far; it rises where a larger size begins'));
  }

  function drawCanvases(values) {
    const tokens = new Set(values.map((value) => value.token));
    for (const [token, canvas] of canvases) {
      if (tokens.has(token)) continue;
      canvas.node.remove();
      canvases.delete(token);
    }
    for (const value of values) {
      if (!canvases.has(value.token)) {
        canvases.set(value.token, makeCanvas(value));
        parts.list.append(canvases.get(value.token).node);
      }
      updateCanvas(canvases.get(value.token), value);
    }
  }

  function draw() {
    if (parts === null || !timer) return;
    const {name, words} = state();
    if (parts.state.textContent !== words) dom.replace(parts.state, words);
    parts.state.className = `live-state live-${name}`;
    if (name !== shownState) dom.announce(words);
    shownState = name;
    parts.list.classList.toggle('is-silent', name === 'silent');
    drawCanvases(store.live && name !== 'none' ? canvasesOf(store.live) : []);
  }

  function badge() {
    const count = state().name === 'working' ? canvasesOf(store.live).length : 0;
    return count ? text.number(count) : '';
  }

  function build(element) {
    parts = {state: dom.element('p', {class: 'live-state'}), list: dom.element('ul', {class: 'canvases'})};
    dom.append(element, [dom.element('h1', {}, 'Live'), parts.state, parts.list]);
  }

  stylewatch.views.register('live', {
    title: 'Live', navigation: 'Live', order: 5, badge,
    show(element) {
      if (parts === null) build(element);
      timer = setInterval(draw, TICK_MILLISECONDS);
      draw();
    },
    hide() {
      clearInterval(timer);
      timer = 0;
    },
  });
  store.on('live', draw);
  store.on('catalog', draw);
}(window.stylewatch));
