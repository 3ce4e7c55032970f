// The view of one picture: what it looks like beside its photo, and all that is known of how it was made.
(function (stylewatch) {
  'use strict';
  const {dom, text, links, store, listing, router, pictureParts: parts} = stylewatch;
  let element = null;
  let values = {};
  let current = null;
  let comparison = null;
  let frame = null;
  let isShowing = false;

  const ADVICE = {
    pending: 'It waits for its turn. "stylewatch run" makes what waits; "stylewatch watch" does so by itself.',
    leased: 'It is being made now.',
    failed: 'It is tried again by itself.',
    quarantined: 'It is left alone until its photo changes, or you give it another chance.',
    withdrawn: 'The config asks for it no more.',
    rejected: 'You rejected it: its file is deleted. It is made again only if its settings change, or you ask for it.',
  };

  function listParameters() {
    return listing.parameters(values);
  }

  // What the list says of a picture, in the words of its details, for pictures without such a file.
  function detailsOf(entry) {
    const {id, photo, output, style, recipe, state, time, width, height} = entry;
    return {id, photo, output, style, recipe, state, time, width, height, picture_src: null, photo_copy: null, notes: [], paintings: []};
  }

  function pictureAddress(details, entry) {
    if (details.state === 'rejected') return null;
    if (details.picture_src) return links.path(details.picture_src);
    if (details.state !== 'done' && details.state !== 'withdrawn') return null;
    if (links.isShown(details.output)) return links.output(details.output);
    return entry ? entry.thumbnail || null : null;
  }

  function baseName(path) {
    return path.slice(path.lastIndexOf('/') + 1);
  }

  function folderOf(path) {
    return path.slice(0, Math.max(0, path.lastIndexOf('/')));
  }

  function notice(details) {
    const isFault = details.state === 'failed' || details.state === 'quarantined';
    const advice = details.advice || ADVICE[details.state] || '';
    return dom.element('div', {class: isFault ? 'message message-error' : 'message'},
      dom.element('p', {}, dom.element('strong', {}, text.state(details.state)), details.attempts ? ` after ${text.count(details.attempts, 'attempt')}` : ''),
      details.reason && details.state !== 'rejected' ? dom.element('p', {}, details.reason) : null,
      advice ? dom.element('p', {class: 'muted'}, advice) : null);
  }

  function photoAlone(details, entry) {
    const address = details.photo_copy ? links.path(details.photo_copy) : entry && entry.photoThumbnail;
    if (!address) return null;
    const image = dom.element('img', {class: 'photo-alone', src: address, alt: `Photo ${baseName(details.photo)}`});
    image.addEventListener('error', () => image.remove());
    return image;
  }

  function stage(details, entry) {
    if (comparison) comparison.close();
    comparison = null;
    const address = pictureAddress(details, entry);
    if (!address) return [notice(details), photoAlone(details, entry)];
    const name = baseName(details.photo);
    comparison = new stylewatch.Comparison({
      picture: address, photo: details.photo_copy ? links.path(details.photo_copy) : null,
      width: details.width, height: details.height,
      label: `${name} painted in the style ${parts.styleText(details)}`, photoLabel: `Photo ${name}`,
    });
    return [details.state === 'done' ? null : notice(details), comparison.element];
  }

  function lossSection(details) {
    return parts.section('Loss by layer', stylewatch.lossChart.make(details.history, details.sizes || []));
  }

  function heading(details) {
    const folder = folderOf(details.photo);
    return dom.element('div', {class: 'picture-head'},
      dom.element('h1', {}, dom.name(baseName(details.photo))),
      dom.element('p', {class: 'muted'}, dom.name(parts.styleText(details)), folder ? [' · in ', dom.name(folder)] : null));
  }

  function draw(details, entry) {
    current = details;
    frame.heading.replaceChildren(heading(details));
    dom.replace(frame.stage, stage(details, entry));
    dom.replace(frame.side, parts.paintings(details), parts.making(details), parts.files(details));
    dom.replace(frame.actions, parts.nextCommands(details), parts.timelapse(details));
    dom.replace(frame.below, parts.settings(details), lossSection(details));
    drawSiblings();
    element.setAttribute('aria-busy', 'false');
    router.setTitle();
  }

  function drawSiblings() {
    if (current) dom.replace(frame.siblings, parts.siblings(current, listParameters()));
  }

  function step(label, mark, entry, rel) {
    return dom.element('a', {class: 'step', rel, href: entry ? router.href('picture', {id: entry.id, ...listParameters()}) : null,
      role: entry ? null : 'link', 'aria-disabled': entry ? null : 'true', 'aria-label': label, title: `${label} (${rel === 'prev' ? 'left' : 'right'} arrow key)`}, mark);
  }

  function neighbors() {
    const entries = listing.entries(values);
    const index = entries.findIndex((entry) => entry.id === Number(values.id));
    return {index, count: entries.length, before: index > 0 ? entries[index - 1] : null, after: index >= 0 ? entries[index + 1] || null : null};
  }

  function drawSteps() {
    const {index, count, before, after} = neighbors();
    const focused = frame.steps.contains(document.activeElement) ? document.activeElement.rel : '';
    dom.replace(frame.steps, dom.element('a', {class: 'back', href: router.href('pictures', listParameters()), title: 'Back (Esc)'}, 'All pictures'),
      dom.element('span', {class: 'position muted'}, index < 0 ? '' : `${text.number(index + 1)} of ${text.number(count)}`),
      step('Previous picture', '‹', before, 'prev'), step('Next picture', '›', after, 'next'));
    if (focused) frame.steps.querySelector(`[rel="${focused}"]`)?.focus();
    return after;
  }

  // The next picture is fetched while one looks at this one.
  async function prefetch(entry) {
    if (!entry || entry.state !== 'done') return;
    const address = pictureAddress(await loadDetails(entry) || detailsOf(entry), entry);
    if (address) new Image().src = address;
  }

  function drawUnknown() {
    dom.replace(frame.heading, dom.element('h1', {}, 'No such picture'));
    dom.replace(frame.stage, dom.element('p', {class: 'message'}, 'The gallery has no picture of this number. Perhaps it was made in another output folder, or its job is gone.'));
    for (const part of ['side', 'siblings', 'actions', 'below']) frame[part].replaceChildren();
    current = null;
    element.setAttribute('aria-busy', 'false');
    router.setTitle();
  }

  // Jobs without a picture have no file of details; asking for one would only fail.
  function hasDetails(entry) {
    return ['done', 'failed', 'quarantined', 'rejected'].includes(entry.state) || entry.thumbnail !== '';
  }

  async function loadDetails(entry) {
    if (!hasDetails(entry)) return null;
    try {
      return await store.loadPicture(entry.id) || null;
    } catch (error) {
      return null;
    }
  }

  async function load() {
    element.setAttribute('aria-busy', 'true');
    const entry = store.entry(Number(values.id));
    if (!entry) {
      if (store.progress().complete) drawUnknown();
      return;
    }
    frame.seen = stamp(entry);
    const details = await loadDetails(entry);
    if (!isShowing || Number(values.id) !== entry.id) return;
    draw(details ? {...details, style: named(details.style, 'styles'), recipe: named(details.recipe, 'recipes')}
      : {...detailsOf(entry), isUnread: hasDetails(entry)}, entry);
    prefetch(drawSteps());
  }

  function named(value, table) {
    return typeof value === 'number' ? store.catalog[table][value] : value;
  }

  function stamp(entry) {
    return [entry.state, entry.time, entry.thumbnail].join(' ');
  }

  // Made again, or known only now: shown anew. Else only what is around it can have changed.
  function entriesChanged() {
    if (!isShowing) return;
    const entry = store.entry(Number(values.id));
    if (!entry || stamp(entry) !== frame.seen) load();
    else {
      drawSteps();
      drawSiblings();
    }
  }

  function takesArrows(target) {
    return target instanceof Element && target.closest('input, select, textarea, pre, .is-actual-size, .table-scroll') !== null;
  }

  function pressed(event) {
    if (!isShowing || event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.key === 'Escape') router.go('pictures', listParameters());
    if ((event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') || takesArrows(event.target)) return;
    const {before, after} = neighbors();
    const entry = event.key === 'ArrowLeft' ? before : after;
    if (!entry) return;
    event.preventDefault();
    router.go('picture', {id: entry.id, ...listParameters()});
  }

  function build(section) {
    element = section;
    const div = (name) => dom.element('div', {class: name});
    frame = {steps: dom.element('nav', {class: 'picture-steps', 'aria-label': 'Pictures before and after'}),
      heading: div('picture-heading'), stage: div('picture-stage'), side: div('picture-side'), siblings: div('picture-siblings'), actions: div('picture-actions'), below: div('picture-below'), seen: ''};
    dom.append(element, [div('picture-top'), dom.element('div', {class: 'picture-layout'},
      dom.element('div', {class: 'picture-main'}, frame.stage, frame.siblings, frame.actions), frame.side), frame.below]);
    dom.append(element.querySelector('.picture-top'), [frame.heading, frame.steps]);
    document.addEventListener('keydown', pressed);
  }

  function show(section, parameters) {
    isShowing = true;
    if (element === null) build(section);
    values = parameters;
    const entry = store.entry(Number(values.id));
    if (!entry) dom.replace(frame.heading, dom.element('h1', {}, 'Picture'));
    else if (!current || current.id !== entry.id) dom.replace(frame.heading, heading(entry));
    drawSteps();
    load();
  }

  function titleOf(parameters) {
    const entry = store.entry(Number(parameters.id));
    return entry ? `${baseName(entry.photo)}, ${parts.styleText(entry)}` : 'Picture';
  }

  stylewatch.views.register('picture', {
    title: titleOf,
    parent: 'pictures',
    show(section, parameters) {
      if (frame !== null && current && current.id !== Number(parameters.id)) frame.stage.replaceChildren();
      show(section, parameters);
    },
    update(parameters) {
      window.scrollTo(0, 0);
      show(element, parameters);
      dom.announce(titleOf(parameters));
    },
    hide() { isShowing = false; },
  });
  store.on('entries', entriesChanged);
}(window.stylewatch));
