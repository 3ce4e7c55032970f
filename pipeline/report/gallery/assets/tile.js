// One picture in the grid: thumbnail, name, and the box that selects it.
(function (stylewatch) {
  'use strict';
  const {dom, text, selection} = stylewatch;

  function note(entry) {
    const recipe = entry.recipe === 'default' ? '' : ` · ${entry.recipe}`;
    return `${entry.style}${recipe}`;
  }

  function noPreview(entry) {
    const reason = entry.state === 'done' ? 'No preview' : text.state(entry.state);
    return dom.element('span', {class: `tile-empty tile-${entry.state}`}, reason);
  }

  // Pictures that were not made are told by their photo and a word.
  function image(entry) {
    const address = entry.thumbnail || (entry.state === 'done' ? '' : entry.photoThumbnail);
    if (!address) return noPreview(entry);
    const img = dom.element('img', {src: address, alt: '', decoding: 'async', draggable: 'false'});
    const frame = dom.element('span', {class: 'tile-image'}, img, entry.state === 'done' ? null : noPreview(entry));
    img.addEventListener('error', () => frame.replaceWith(noPreview(entry)));
    return frame;
  }

  function label(entry) {
    const state = entry.state === 'done' ? '' : `, ${text.state(entry.state)}`;
    return `${entry.name}, ${note(entry)}${state}`;
  }

  // remark: what the order is about, if anything.
  function make(entry, href, remark) {
    const box = dom.element('input', {type: 'checkbox', tabindex: '-1', 'aria-label': `Select ${label(entry)}`});
    const link = dom.element('a', {class: 'tile-link', href, tabindex: '-1', title: `${entry.photo}\u2002${note(entry)}`, draggable: 'false'},
      image(entry),
      dom.element('span', {class: 'tile-name'}, dom.name(entry.name)),
      dom.element('span', {class: 'tile-note'}, note(entry), remark ? ` · ${remark}` : null));
    const cell = dom.element('div', {class: 'tile', role: 'gridcell'}, link, dom.element('label', {class: 'tile-select'}, box));
    const tile = {cell, link, box, entry, href};
    showSelected(tile);
    return tile;
  }

  function showSelected(tile) {
    const on = selection.has(tile.entry.id);
    tile.cell.setAttribute('aria-selected', String(on));
    tile.box.checked = on;
  }

  function position(tile, place, height, column) {
    tile.cell.style.setProperty('left', `${place.left}px`);
    tile.cell.style.setProperty('width', `${place.width}px`);
    tile.cell.style.setProperty('--image-height', `${height}px`);
    tile.cell.setAttribute('aria-colindex', String(column));
  }

  stylewatch.tile = {make, showSelected, position};
}(window.stylewatch));
