// Which pictures are listed, in which order, and how many each choice of a filter would leave.
(function (stylewatch) {
  'use strict';
  const {store} = stylewatch;
  const FILTERS = ['style', 'recipe', 'folder', 'day', 'state'];
  const PARAMETERS = [...FILTERS, 'q', 'sort', 'size'];
  const TOP_FOLDER = '.';
  // Finished pictures, and older ones that are still there while their photos wait to be painted anew.
  const FIRST_STATE = 'pictures';
  const ancestorsOf = new Map();
  let last = {key: null, entries: null, listing: null};

  function byName(one, other) {
    if (one.sortName !== other.sortName) return one.sortName < other.sortName ? -1 : 1;
    return one.photo < other.photo ? -1 : one.photo > other.photo ? 1 : one.id - other.id;
  }

  function byLoss(one, other) {
    return one.styleLoss - other.styleLoss || one.id - other.id;
  }

  const ORDERS = {
    '-time': {label: 'Newest first', compare: (one, other) => other.time - one.time || other.id - one.id},
    time: {label: 'Oldest first', compare: (one, other) => one.time - other.time || one.id - other.id},
    name: {label: 'Name, A to Z', compare: byName},
    '-name': {label: 'Name, Z to A', compare: (one, other) => byName(other, one)},
    loss: {label: 'Style loss, lowest first', compare: byLoss, needsLoss: true},
    '-loss': {label: 'Style loss, highest first', compare: (one, other) => byLoss(other, one), needsLoss: true},
  };
  const FIRST_ORDER = '-time';

  // "2024/june" is listed under "2024", too.
  function ancestors(folder) {
    if (!ancestorsOf.has(folder)) {
      const parts = folder.split('/');
      ancestorsOf.set(folder, folder === '' ? [TOP_FOLDER] : parts.map((_, index) => parts.slice(0, index + 1).join('/')));
    }
    return ancestorsOf.get(folder);
  }

  function hasPicture({state, thumbnail}) {
    return state === 'done' || (thumbnail !== '' && state !== 'rejected' && state !== 'withdrawn');
  }

  function valuesOf(entry, filter) {
    if (filter === 'folder') return ancestors(entry.folder);
    if (filter === 'state' && hasPicture(entry)) return [FIRST_STATE, entry.state];
    return [entry[filter]];
  }

  function parameters(values) {
    return Object.fromEntries(PARAMETERS.filter((name) => values[name]).map((name) => [name, values[name]]));
  }

  function wanted(values) {
    return FILTERS.map((filter) => {
      const value = values[filter] || (filter === 'state' ? FIRST_STATE : '');
      return value === 'all' && filter === 'state' ? '' : value;
    });
  }

  function matcher(values) {
    const choices = wanted(values);
    return FILTERS.map((filter, index) => {
      const choice = choices[index];
      if (!choice) return null;
      if (filter === 'folder') return (entry) => ancestors(entry.folder).includes(choice);
      if (choice === FIRST_STATE && filter === 'state') return hasPicture;
      return (entry) => entry[filter] === choice;
    });
  }

  function words(values) {
    return (values.q || '').normalize('NFC').toLowerCase().split(/\s+/).filter(Boolean);
  }

  function count(facet, entry, filter) {
    for (const value of valuesOf(entry, filter)) facet.set(value, (facet.get(value) || 0) + 1);
  }

  // One pass: what fails one filter alone still counts among the choices of that filter.
  function select(all, values) {
    const matchers = matcher(values);
    const searched = words(values);
    const facets = FILTERS.map(() => new Map());
    const found = [];
    for (const entry of all) {
      if (!searched.every((word) => entry.searchText.includes(word))) continue;
      const failed = [];
      matchers.forEach((matches, index) => {
        if (matches && !matches(entry)) failed.push(index);
      });
      if (failed.length === 0) {
        found.push(entry);
        FILTERS.forEach((filter, index) => count(facets[index], entry, filter));
      } else if (failed.length === 1) count(facets[failed[0]], entry, FILTERS[failed[0]]);
    }
    return {found, facets: Object.fromEntries(FILTERS.map((filter, index) => [filter, facets[index]]))};
  }

  // Addresses are typed by people, too: what is no order is the first one.
  function orderOf(values) {
    return Object.hasOwn(ORDERS, values.sort || '') ? values.sort : FIRST_ORDER;
  }

  function sorted(found, order) {
    const {compare, needsLoss} = ORDERS[order];
    if (!needsLoss) return found.sort(compare);
    const known = found.filter((entry) => entry.styleLoss !== null).sort(compare);
    return known.concat(found.filter((entry) => entry.styleLoss === null));
  }

  function listing(values) {
    const all = store.entries();
    const key = JSON.stringify(parameters(values));
    if (last.entries !== all || last.key !== key) {
      const {found, facets} = select(all, values);
      last = {key, entries: all, listing: {entries: sorted(found, orderOf(values)), facets, total: all.length}};
    }
    return last.listing;
  }

  stylewatch.listing = {
    FILTERS, ORDERS, FIRST_ORDER, FIRST_STATE, TOP_FOLDER, parameters, orderOf, of: listing, entries: (values) => listing(values).entries,
  };
}(window.stylewatch));
