// Which pictures are selected: by their ids, kept while filters change.
(function (stylewatch) {
  'use strict';
  const {store} = stylewatch;
  const selected = new Set();
  const listeners = new Set();
  let anchor = null;

  function changed() {
    for (const listener of listeners) listener();
  }

  function toggle(id) {
    if (selected.has(id)) selected.delete(id);
    else selected.add(id);
    anchor = id;
    changed();
  }

  // From the one that was chosen last, in the order of the list.
  function extendTo(id, entries) {
    const ids = entries.map((entry) => entry.id);
    const from = ids.indexOf(anchor);
    const to = ids.indexOf(id);
    if (from < 0) return toggle(id);
    for (let index = Math.min(from, to); index <= Math.max(from, to); index += 1) selected.add(ids[index]);
    return changed();
  }

  function add(ids) {
    for (const id of ids) selected.add(id);
    changed();
  }

  function clear() {
    selected.clear();
    anchor = null;
    changed();
  }

  // Pictures that are gone can't be selected.
  function forgetGone() {
    const before = selected.size;
    if (store.progress().complete) for (const id of selected) if (!store.entry(id)) selected.delete(id);
    if (selected.size !== before) changed();
  }

  store.on('entries', forgetGone);
  stylewatch.selection = {
    toggle, extendTo, add, clear,
    has: (id) => selected.has(id),
    get size() { return selected.size; },
    setAnchor(id) { if (anchor === null) anchor = id; },
    entries: () => [...selected].map(store.entry).filter(Boolean),
    onChange: (listener) => listeners.add(listener),
  };
}(window.stylewatch));
