// The settings of a picture, those that differ from the defaults first.
(function (stylewatch) {
  'use strict';
  const {dom, text} = stylewatch;

  function isPairs(value) {
    return Array.isArray(value) && value.length > 0 && value.every((pair) => Array.isArray(pair) && pair.length === 2 && typeof pair[0] === 'string');
  }

  function plain(value) {
    if (typeof value === 'number') return Number.isInteger(value) ? String(value) : text.digits(value, 6);
    if (value === true) return 'yes';
    if (value === false) return 'no';
    return value === null || value === undefined ? '–' : String(value);
  }

  // As YAML has it, in one line: layers as "relu4_2: 1, relu5_2: 0.5", lists with commas.
  function shown(value) {
    const pairs = isPairs(value) ? value : value && typeof value === 'object' && !Array.isArray(value) ? Object.entries(value) : null;
    if (pairs) return pairs.map(([name, weight]) => `${name}: ${shown(weight)}`).join(', ');
    return Array.isArray(value) ? value.map(shown).join(', ') : plain(value);
  }

  function row(name, value, usual) {
    return dom.element('tr', {}, dom.element('th', {scope: 'row'}, dom.element('code', {}, name)),
      dom.element('td', {}, shown(value)),
      usual === undefined ? null : dom.element('td', {class: 'muted'}, shown(usual)));
  }

  function table(caption, names, rows) {
    return dom.element('table', {class: 'settings'}, dom.element('caption', {}, caption),
      dom.element('thead', {}, dom.element('tr', {}, names.map((name) => dom.element('th', {scope: 'col'}, name)))),
      dom.element('tbody', {}, rows));
  }

  // settings: recipe fields of the picture; defaults: all fields, or null if they are not known.
  function make(settings, defaults) {
    const all = {...defaults, ...settings};
    const isDefault = (name) => defaults !== null && Object.hasOwn(defaults, name) && shown(all[name]) === shown(defaults[name]);
    const differing = Object.keys(all).filter((name) => !isDefault(name));
    const usual = Object.keys(all).filter(isDefault);
    const first = differing.length === 0
      ? dom.element('p', {}, 'All settings are at their defaults.')
      : table('Set for this picture', ['Setting', 'Value', ...(defaults ? ['Default'] : [])],
        differing.map((name) => row(name, all[name], defaults ? defaults[name] ?? null : undefined)));
    const rest = usual.length === 0 ? null : dom.element('details', {},
      dom.element('summary', {}, `${text.count(usual.length, 'setting')} at their defaults`),
      table('At their defaults', ['Setting', 'Value'], usual.map((name) => row(name, all[name], undefined))));
    return dom.element('div', {}, first, rest);
  }

  stylewatch.settingsTable = {make, shown};
}(window.stylewatch));
