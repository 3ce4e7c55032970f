// The controls above the list: search, filters with counts, order.
(function (stylewatch) {
  'use strict';
  const {dom, text, listing} = stylewatch;
  const TYPING_MILLISECONDS = 150;
  const LABELS = {style: 'Style', recipe: 'Recipe', folder: 'Folder', day: 'Day', state: 'State'};
  // How high rows are, as a share of the usual height.
  const SIZES = {small: {label: 'Small', scale: 0.6}, '': {label: 'Medium', scale: 1}, large: {label: 'Large', scale: 1.4}};
  const WIDE = window.matchMedia('(min-width: 48rem)');

  // Addresses are typed by people, too: "constructor" is a property of every object.
  function sizeOf(name) {
    return Object.hasOwn(SIZES, name || '') ? name || '' : '';
  }

  function shownValue(filter, value) {
    if (filter === 'state') return text.state(value);
    if (filter === 'folder' && value === listing.TOP_FOLDER) return '(no folder)';
    return value || '(none)';
  }

  function sortedChoices(filter, facet, chosen) {
    const values = new Map(facet);
    if (chosen && chosen !== 'all' && !values.has(chosen)) values.set(chosen, 0);
    const choices = [...values].filter(([value]) => value !== '');
    choices.sort(([one], [other]) => (one < other ? -1 : 1));
    return filter === 'day' ? choices.reverse() : choices;
  }

  function options(filter, facet, chosen) {
    const everything = dom.element('option', {value: filter === 'state' ? 'all' : ''}, 'All');
    const choices = sortedChoices(filter, facet, chosen).map(([value, count]) => (
      dom.element('option', {value}, `${shownValue(filter, value)} (${text.number(count)})`)));
    return [everything, ...choices];
  }

  // onChange(values, typed): the values of all controls; typed when it comes from a keyboard, letter by letter.
  function make(onChange) {
    const selects = Object.fromEntries(listing.FILTERS.map((filter) => [filter, dom.element('select', {name: filter})]));
    const search = dom.element('input', {type: 'search', name: 'q', placeholder: 'Part of a name', autocomplete: 'off', spellcheck: 'false'});
    const order = dom.element('select', {name: 'sort'},
      Object.entries(listing.ORDERS).map(([value, {label}]) => dom.element('option', {value}, label)));
    const size = dom.element('select', {name: 'size'},
      Object.entries(SIZES).map(([value, {label}]) => dom.element('option', {value}, label)));
    const clear = dom.element('button', {type: 'button', class: 'clear-filters', hidden: true}, 'Clear filters');
    const details = dom.element('details', {class: 'filters'}, dom.element('summary', {}, 'Filters'),
      dom.element('div', {class: 'controls'},
        listing.FILTERS.map((filter) => dom.labelled(LABELS[filter], selects[filter])), clear));
    const element = dom.element('form', {class: 'toolbar', role: 'search', 'aria-label': 'Find pictures'},
      dom.labelled('Search', search), dom.labelled('Order', order), dom.labelled('Size', size), details);
    let timer = 0;
    let typed = null;

    function values() {
      const chosen = Object.fromEntries(listing.FILTERS.map((filter) => [filter, selects[filter].value]));
      if (chosen.state === listing.FIRST_STATE) chosen.state = '';
      return {...chosen, q: search.value, sort: order.value === listing.FIRST_ORDER ? '' : order.value, size: size.value};
    }

    function setOptions(filter, facet, chosen) {
      const select = selects[filter];
      const key = JSON.stringify([chosen, ...facet]);
      // A list that is open would close, were its choices replaced.
      const isInUse = document.activeElement === select && select.value === chosen;
      if (isInUse || select.dataset.key === key) return;
      select.dataset.key = key;
      dom.replace(select, options(filter, facet, chosen));
      select.value = chosen;
    }

    // Shows what the address says, and what each choice would leave.
    function update(parameters, facets) {
      for (const filter of listing.FILTERS) {
        const chosen = parameters[filter] || (filter === 'state' ? listing.FIRST_STATE : '');
        setOptions(filter, facets[filter], chosen);
      }
      if (document.activeElement !== search || !timer) search.value = parameters.q || '';
      order.value = listing.orderOf(parameters);
      size.value = sizeOf(parameters.size);
      clear.hidden = ![...listing.FILTERS, 'q'].some((name) => parameters[name]);
    }

    // Where the address was changed by something else, what was being typed no longer counts.
    function navigated(parameters) {
      if ((parameters.q || '') === typed) return;
      clearTimeout(timer);
      timer = 0;
    }

    element.addEventListener('submit', (event) => event.preventDefault());
    element.addEventListener('change', (event) => { if (event.target !== search) onChange(values(), false); });
    search.addEventListener('input', () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        timer = 0;
        typed = search.value;
        onChange(values(), true);
      }, TYPING_MILLISECONDS);
    });
    clear.addEventListener('click', () => {
      const {sort, size: kept} = values();
      onChange({sort, size: kept}, false);
      search.focus();
    });
    const setOpen = () => { details.open = WIDE.matches; };
    WIDE.addEventListener('change', setOpen);
    setOpen();
    return {element, update, navigated};
  }

  stylewatch.filters = {make, scale: (name) => SIZES[sizeOf(name)].scale};
}(window.stylewatch));
