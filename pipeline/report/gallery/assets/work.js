// The view of the work: what the last runs did, how fast, what is left, the style cache, the config, the versions.
(function (stylewatch) {
  'use strict';
  const {dom, text, links, store} = stylewatch;
  let body = null;
  let feed = null;
  let drawn = '';

  function tile(value, label, note) {
    return value === '' ? null : dom.element('div', {class: 'figure-tile'}, dom.element('dd', {}, value),
      dom.element('dt', {}, label, note ? dom.element('span', {class: 'muted'}, ` ${note}`) : null));
  }

  function share(hits, misses) {
    return hits + misses ? `${Math.round((100 * hits) / (hits + misses))} %` : '';
  }

  function figures(status) {
    const {counts = {}, throughput = {}, cache = {}} = status;
    const speed = throughput.pictures_an_hour;
    return dom.element('dl', {class: 'figures'},
      tile(text.number(counts.done || 0), 'pictures finished'),
      tile(text.number((counts.pending || 0) + (counts.leased || 0)), 'still to make', status.backlog_seconds ? `about ${text.duration(status.backlog_seconds)}` : ''),
      tile(speed ? text.digits(speed, 3) : '', 'pictures an hour', throughput.seconds_a_picture ? `${text.duration(throughput.seconds_a_picture)} each` : ''),
      tile(share(cache.hits || 0, cache.misses || 0), 'of style targets were ready'));
  }

  function outcome(run) {
    if (run.reason) return run.reason;
    return run.interrupted ? 'stopped' : 'complete';
  }

  // Over the network the reports are not served.
  function report(run) {
    if (!run.report || window.location.protocol !== 'file:') return '';
    return dom.element('a', {href: links.output(run.report), target: '_blank', rel: 'noopener', 'aria-label': `Report of ${text.time(run.started)}`}, 'Report');
  }

  function runRow(run) {
    const number = (count) => dom.element('td', {class: 'number'}, count ? text.number(count) : '–');
    return dom.element('tr', {},
      dom.element('th', {scope: 'row'}, text.time(run.started)),
      dom.element('td', {class: 'number'}, text.duration(run.seconds)),
      number(run.made), number(run.copied), number(run.failed), number(run.set_aside), number(run.left),
      dom.element('td', {}, outcome(run)), dom.element('td', {}, report(run)));
  }

  function runs(status) {
    const all = status.runs || [];
    if (all.length === 0) return dom.element('p', {class: 'muted'}, 'No run is on record yet.');
    const columns = [['Started'], ['Time', 'number'], ['Made', 'number'], ['Copied', 'number'], ['Failed', 'number'], ['Photos set aside', 'number'], ['Left', 'number'], ['Outcome'], ['']];
    return dom.element('div', {class: 'wide-table', tabindex: '0', role: 'region', 'aria-label': 'Last runs'},
      dom.element('table', {class: 'runs'},
        dom.element('thead', {}, dom.element('tr', {}, columns.map(([name, className]) => (name ? dom.element('th', {scope: 'col', class: className}, name) : dom.element('td', {}))))),
        dom.element('tbody', {}, all.map(runRow))));
  }

  function cache(status) {
    const {hits, misses, files, bytes} = status.cache || {};
    if (files === undefined) return null;
    return [dom.element('h2', {}, 'Style cache'),
      dom.element('p', {class: 'muted'}, 'What the paintings look like to the network is computed once for each size, and kept.'),
      stylewatch.pictureParts.facts([['Kept', `${text.count(files, 'file')}, ${text.bytes(bytes)}`], ['Ready when needed', text.number(hits)], ['Computed', text.number(misses)]])];
  }

  function config(status) {
    if (!status.config) return null;
    const code = dom.preformatted(status.config, {'aria-label': `The config ${status.config_name}`});
    return [dom.element('h2', {}, 'Config as used'), dom.element('p', {class: 'muted'}, dom.name(status.config_name || '')), code,
      stylewatch.clipboard.copyButton(() => status.config, 'Copy the config', {source: code})];
  }

  function versions(status) {
    return [dom.element('h2', {}, 'Versions'), stylewatch.pictureParts.facts(status.versions || [])];
  }

  function draw(status) {
    const now = JSON.stringify(status);
    if (now === drawn) return;
    drawn = now;
    dom.replace(body, figures(status), dom.element('h2', {}, 'Last runs'), runs(status),
      dom.element('div', {class: 'columns'}, dom.element('section', {}, config(status)),
        dom.element('section', {}, cache(status), versions(status))),
      dom.element('p', {class: 'muted small'}, `As of ${text.time(status.written)}.`));
  }

  stylewatch.views.register('work', {
    title: 'Work', navigation: 'Work', order: 4,
    show(element) {
      if (body === null) {
        body = dom.element('div', {class: 'report'}, dom.element('p', {class: 'muted'}, 'Reading …'));
        dom.append(element, [dom.element('h1', {}, 'Work'), body]);
        feed = new stylewatch.statusFeed.StatusFeed(draw, () => dom.replace(body, stylewatch.statusFeed.unreadable()));
      }
      feed.open();
    },
    hide() { feed.close(); },
  });
}(window.stylewatch));
