// The view of what needs somebody: pictures that failed, photos that are set aside or not whole, by reason, with what to do.
(function (stylewatch) {
  'use strict';
  const {dom, text, store, router, commandList} = stylewatch;
  const FIRST_ROWS = 20;
  let body = null;
  let feed = null;
  let drawn = '';

  // Reasons that differ in names and numbers only are one group.
  function withoutName({reason, photo}) {
    const name = photo.slice(photo.lastIndexOf('/') + 1);
    return reason.replaceAll(photo, '…').replaceAll(name || photo, '…');
  }

  function pattern(item) {
    return withoutName(item).replace(/'[^']*'|"[^"]*"|\S*[/\\]\S*|\d[\d.,]*/g, '…');
  }

  function grouped(found) {
    const groups = new Map();
    for (const item of found) {
      const key = `${pattern(item)}\n${item.advice || ''}`;
      if (!groups.has(key)) groups.set(key, {reason: item.reason, advice: item.advice, items: []});
      const group = groups.get(key);
      group.items.push(item);
      if (item.reason !== group.items[0].reason) group.reason = withoutName(group.items[0]);
    }
    return [...groups.values()].sort((one, other) => other.items.length - one.items.length);
  }

  function what(item) {
    const style = item.style ? ` · ${stylewatch.pictureParts.styleText(item)}` : '';
    const photo = dom.name(item.photo);
    return [item.id === undefined ? photo : dom.element('a', {href: router.href('picture', {id: item.id, state: 'all'})}, photo), style];
  }

  function row(item, group) {
    return dom.element('tr', {},
      dom.element('th', {scope: 'row'}, what(item)),
      dom.element('td', {}, item.state ? text.state(item.state) : '', item.attempts > 1 ? ` · ${text.count(item.attempts, 'attempt')}` : ''),
      dom.element('td', {}, item.reason === group.reason ? '' : item.reason),
      dom.element('td', {class: 'time'}, text.time(item.time)));
  }

  function rowsOf(group) {
    const differ = group.items.some((item) => item.reason !== group.reason);
    const tbody = dom.element('tbody', {}, group.items.slice(0, FIRST_ROWS).map((item) => row(item, group)));
    const table = dom.element('table', {class: `problems${differ ? '' : ' same-reason'}`},
      dom.element('caption', {class: 'visually-hidden'}, group.reason),
      dom.element('thead', {class: 'visually-hidden'}, dom.element('tr', {}, ['Photo', 'State', 'Reason', 'Since'].map((name) => dom.element('th', {scope: 'col'}, name)))),
      tbody);
    const left = group.items.length - FIRST_ROWS;
    if (left <= 0) return table;
    const more = dom.element('button', {type: 'button'}, `Show the other ${text.number(left)}`);
    more.addEventListener('click', () => {
      dom.append(tbody, group.items.slice(FIRST_ROWS).map((item) => row(item, group)));
      tbody.rows[FIRST_ROWS].tabIndex = -1;
      tbody.rows[FIRST_ROWS].focus();
      more.remove();
    });
    return [table, more];
  }

  function retryCommand(group) {
    const photos = [...new Set(group.items.map((item) => commandList.path(item.photo)))];
    const line = (shell) => commandList.command('retry', photos.length > FIRST_ROWS ? [] : photos, shell);
    const hint = photos.length > FIRST_ROWS ? 'All that failed and all that is set aside.' : '';
    return commandList.make([{title: photos.length === 1 ? 'Give it another chance' : 'Give them another chance', hint, line}]);
  }

  function group(found, unit, canRetry) {
    return dom.element('article', {class: 'problem'},
      dom.element('h3', {}, found.reason || 'No reason is on record'),
      dom.element('p', {}, dom.element('strong', {}, text.count(found.items.length, unit)), found.advice ? ` ${found.advice}` : ''),
      rowsOf(found),
      canRetry ? retryCommand(found) : null);
  }

  function section(title, note, items, unit, canRetry) {
    if (!items || items.length === 0) return null;
    return dom.element('section', {class: 'problem-section'}, dom.element('h2', {}, title), note ? dom.element('p', {class: 'muted'}, note) : null,
      grouped(items).map((found) => group(found, unit, canRetry)));
  }

  function waiting(status) {
    const {pending = 0, leased = 0} = status.counts || {};
    if (pending + leased === 0) return null;
    const left = status.backlog_seconds ? `, about ${text.duration(status.backlog_seconds)} of work` : '';
    return dom.element('section', {}, dom.element('h2', {}, 'Waiting'),
      dom.element('p', {}, dom.element('a', {href: router.href('pictures', {state: 'pending'})}, text.count(pending, 'picture')),
        ` to be made${left}${leased ? `, ${text.number(leased)} in progress` : ''}.`));
  }

  function skipped(status) {
    const counts = Object.entries(status.skipped || {}).sort((one, other) => other[1] - one[1]);
    if (counts.length === 0) return null;
    return dom.element('section', {}, dom.element('h2', {}, 'Skipped'),
      dom.element('p', {class: 'muted'}, 'The config leaves these photos out; "stylewatch plan --json" names them.'),
      stylewatch.pictureParts.facts(counts.map(([reason, count]) => [reason, text.count(count, 'photo')])));
  }

  function failures(status) {
    const listed = (status.failures || []).length;
    const note = status.failures_total > listed ? `The latest ${text.number(listed)} of ${text.number(status.failures_total)} are listed.` : '';
    return section('Pictures that could not be made', note, status.failures, 'picture', true);
  }

  function draw(status) {
    const now = JSON.stringify([status.failures, status.problems, status.incomplete, status.skipped, status.counts, status.warnings, status.failures_total]);
    if (now === drawn) return;
    drawn = now;
    const troubles = [
      (status.warnings || []).map((warning) => dom.element('p', {class: 'message message-warning'}, warning)),
      failures(status),
      section('Photos that are set aside', '', status.problems, 'photo', true),
      section('Photos that are not whole yet', '', status.incomplete, 'photo', false),
    ];
    const none = troubles.flat().filter(Boolean).length === 0;
    dom.replace(body, none ? dom.element('p', {class: 'message message-good'}, 'Nothing failed, and no photo is set aside.') : null,
      troubles, none ? null : commandList.shellChoice(), waiting(status), skipped(status));
  }

  function badge() {
    const counts = store.catalog ? store.catalog.counts : {};
    // No number: these are pictures, and what is listed are mostly photos.
    const count = (counts.failed || 0) + (counts.quarantined || 0);
    return count ? '!' : '';
  }

  stylewatch.views.register('problems', {
    title: 'Problems', navigation: 'Problems', order: 3, badge,
    show(element) {
      if (body === null) {
        body = dom.element('div', {class: 'report'}, dom.element('p', {class: 'muted'}, 'Reading …'));
        dom.append(element, [dom.element('h1', {}, 'Problems'), body]);
        feed = new stylewatch.statusFeed.StatusFeed(draw, () => dom.replace(body, stylewatch.statusFeed.unreadable()));
      }
      feed.open();
    },
    hide() { feed.close(); },
  });
}(window.stylewatch));
