// The view of all pictures: controls, how many they leave, the grid, the bar of the selection.
(function (stylewatch) {
  'use strict';
  const {dom, text, store, listing, router} = stylewatch;
  const KEYS = 'Arrow keys move, Space selects, with Shift a range, Enter opens';
  let parts = null;
  let parameters = {};
  let showing = false;

  function countText(found) {
    const {chunksLeft, complete, failedLoads} = store.progress();
    // Its counts have jobs that are not listed, as those whose pictures were deleted since nobody asks for them.
    const total = Math.max(found, (store.catalog ? store.catalog.chunks : []).reduce((sum, [, rows]) => sum + rows, 0));
    const counted = found === total ? text.count(total, 'picture') : `${text.number(found)} of ${text.count(total, 'picture')}`;
    if (!complete && chunksLeft) return `${counted} · still reading the list`;
    return failedLoads ? `${counted} · a part of the list could not be read; it is tried again` : counted;
  }

  function emptyText() {
    if (!store.progress().complete) return 'Reading the list …';
    if ([...listing.FILTERS, 'q'].some((name) => parameters[name])) return 'No picture fits the search and the filters.';
    return 'No picture is finished yet. They appear here as they are made.';
  }

  function entriesChanged() {
    if (parts !== null && showing && !parts.arrivals.hold(parts.grid.entries, listing.of(parameters).entries)) draw();
  }

  function showArrivals() {
    window.scrollTo(0, 0);
    draw();
    parts.grid.focus(0);
  }

  function draw() {
    if (parts === null || !showing) return;
    const {entries, facets} = listing.of(parameters);
    parts.arrivals.clear();
    parts.filters.update(parameters, facets);
    parts.grid.scale = stylewatch.filters.scale(parameters.size || '');
    parts.grid.setEntries(entries, JSON.stringify(listing.parameters(parameters)));
    parts.empty.hidden = entries.length > 0;
    dom.replace(parts.empty, entries.length ? '' : emptyText());
    const counted = store.catalog ? countText(entries.length) : '';
    if (parts.count.textContent !== counted) dom.replace(parts.count, counted);
    parts.bar.update();
  }

  function changed(values, typed) {
    if (typed) router.replace('pictures', values);
    else router.go('pictures', values);
  }

  function remark(entry) {
    return /loss/.test(parameters.sort) && entry.styleLoss !== null ? `loss ${text.digits(entry.styleLoss, 3)}` : '';
  }

  function build(element) {
    const href = (entry) => router.href('picture', {id: entry.id, ...listing.parameters(parameters)});
    const grid = new stylewatch.Grid(href, remark);
    const filters = stylewatch.filters.make(changed);
    const count = dom.element('p', {class: 'count', role: 'status'});
    const empty = dom.element('p', {class: 'message', hidden: true});
    const bar = stylewatch.selectionBar.make(() => grid.entries);
    const arrivals = new stylewatch.Arrivals(showArrivals);
    stylewatch.gridInput.attach(grid);
    dom.append(element, [
      dom.element('h1', {class: 'visually-hidden'}, 'Pictures'), filters.element,
      dom.element('div', {class: 'count-line'}, count, dom.element('p', {id: 'grid-keys', class: 'keys'}, KEYS)),
      arrivals.element, empty, grid.element, bar.element,
    ]);
    parts = {grid, filters, count, arrivals, empty, bar};
  }

  stylewatch.views.register('pictures', {
    title: '',
    navigation: 'Pictures',
    order: 1,
    keepsScroll: true,
    show(element, values) {
      showing = true;
      if (parts === null) build(element);
      parameters = values;
      draw();
      // Coming back from a picture, the focus is on it again.
      const tile = parts.grid.activeTile();
      return tile ? tile.link : null;
    },
    update(values) {
      parameters = values;
      parts.filters.navigated(values);
      window.scrollTo(0, 0);
      draw();
    },
    hide() {
      showing = false;
    },
  });
  store.on('entries', entriesChanged);
}(window.stylewatch));
