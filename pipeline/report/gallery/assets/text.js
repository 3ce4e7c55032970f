// How text is shown: names with hostile characters made visible, numbers, times.
(function () {
  'use strict';
  const stylewatch = window.stylewatch = window.stylewatch || {};

  // Controls, bidirectional marks and what has no width would change how the text around them reads.
  const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;
  // Read as code points, so that these are lone ones only.
  const LONE_SURROGATE = /[\ud800-\udfff]/gu;

  function shown(character) {
    const code = character.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    if (code === 0x7f) return '\u2421';
    return '\\u' + code.toString(16).padStart(4, '0');
  }

  function visible(text) {
    return String(text).replace(HIDDEN, shown).replace(LONE_SURROGATE, '\ufffd');
  }

  // For text of several lines, such as YAML.
  function visibleLines(text) {
    return String(text).split('\n').map((line) => line.split('\t').map(visible).join('\t')).join('\n');
  }

  const NUMBER = new Intl.NumberFormat('en-US', {maximumFractionDigits: 20});

  function number(value) {
    return NUMBER.format(Math.round(value));
  }

  function count(value, one, many) {
    return `${number(value)} ${value === 1 ? one : many || one + 's'}`;
  }

  function digits(value, significant) {
    if (value === null || value === undefined || !Number.isFinite(value)) return '';
    const rounded = Number(value).toPrecision(significant || 3);
    // 2,400 pictures an hour, not 2.4e+3.
    if (Math.abs(value) >= 1 && Math.abs(value) < 1e6) return NUMBER.format(Number(rounded));
    return rounded.replace(/(\.\d*?)0+(?=$|e)/, '$1').replace(/\.(?=$|e)/, '');
  }

  function pad(value) {
    return String(value).padStart(2, '0');
  }

  function day(seconds) {
    const date = new Date(seconds * 1000);
    return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  }

  function time(seconds) {
    if (!seconds) return '';
    const date = new Date(seconds * 1000);
    return `${day(seconds)} ${pad(date.getHours())}:${pad(date.getMinutes())}`;
  }

  function duration(seconds) {
    if (seconds === null || seconds === undefined) return '';
    if (seconds < 60) return `${digits(seconds, seconds < 10 ? 2 : 3)} s`;
    const minutes = Math.round(seconds / 60);
    if (minutes < 60) return `${minutes} min`;
    const hours = Math.floor(minutes / 60);
    if (hours < 48) return `${hours} h ${minutes % 60} min`;
    return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  }

  function bytes(value) {
    if (value === null || value === undefined) return '';
    const units = ['B', 'kB', 'MB', 'GB', 'TB'];
    let unit = 0;
    while (value >= 1000 && unit < units.length - 1) {
      value /= 1000;
      unit += 1;
    }
    return `${digits(value, 3)} ${units[unit]}`;
  }

  const STATES = {
    pictures: 'With a picture', done: 'Finished', pending: 'Waiting', leased: 'In progress', failed: 'Failed', quarantined: 'Set aside',
    withdrawn: 'No longer wanted', rejected: 'Rejected',
  };

  function state(name) {
    return Object.hasOwn(STATES, name) ? STATES[name] : name;
  }

  stylewatch.text = {state, visible, visibleLines, number, count, digits, day, time, duration, bytes};
}());
