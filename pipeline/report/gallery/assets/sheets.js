// The views of contact sheets: the list of them, and one sheet with a picture's large view and commands.
(function (stylewatch) {
  'use strict';
  const {dom, text, links, store, router, commandList, pictureParts} = stylewatch;
  const AGAIN_MILLISECONDS = 5000;
  const NEW_SECONDS = 86400;
  const WIDE_COLUMNS = 6;
  const THUMBNAIL_PIXELS = 400;
  let list = null;
  let frame = null;
  let values = {};
  let sheet = null;
  let drawn = '';
  let timer = 0;
  let comparison = null;
  let isShowing = false;

  function card(each) {
    const image = each.thumb ? dom.element('img', {src: links.thumbnail(each.thumb), alt: '', loading: 'lazy'}) : dom.element('span', {class: 'card-empty'});
    return dom.element('li', {}, dom.element('a', {class: 'card', href: router.href('sheet', {id: each.id})}, image,
      dom.element('strong', {}, dom.name(each.title)),
      dom.element('span', {class: 'muted small'}, `${text.time(each.time)} · ${text.count(each.cells, 'picture')}`)));
  }

  function drawList(sheets) {
    const none = dom.element('div', {class: 'message'},
      dom.element('p', {}, 'There is no contact sheet yet. "try" makes one: a photo with several values of a setting, side by side.'),
      commandList.make([{title: 'Compare three values on three photos', line: (shell) => commandList.command('try', ['--sample', '3', '--set', 'strength=[0.3, 0.5, 0.7]'], shell)}]),
      commandList.shellChoice());
    const made = dom.element('p', {class: 'muted'}, 'Made by "stylewatch try", the newest first.');
    dom.replace(list, sheets.length === 0 ? none : [made, dom.element('ul', {class: 'cards'}, sheets.map(card))]);
  }

  // Commands name the config, which the catalog knows.
  function catalogLoaded() {
    return new Promise((resolve) => {
      if (store.catalog !== null) resolve();
      else store.on('catalog', resolve);
    });
  }

  stylewatch.views.register('sheets', {
    title: 'Contact sheets', navigation: 'Contact sheets', order: 6,
    async show(element) {
      if (list === null) {
        list = dom.element('div', {}, dom.element('p', {class: 'muted'}, 'Reading …'));
        dom.append(element, [dom.element('h1', {}, 'Contact sheets'), list]);
      }
      const sheets = await store.loadSheets().catch(() => []);
      await catalogLoaded();
      drawList(sheets);
    },
  });

  function cellName(cell) {
    const settings = sheet.axes.map((axis, index) => `${axis.setting} ${axis.values[cell.values[index]]}`);
    return [...settings, cell.style, ...(cell.recipe === 'default' ? [] : [cell.recipe])].join(', ');
  }

  function cellNote(cell) {
    return [text.duration(cell.seconds || null), cell.style_loss ? `style loss ${text.digits(cell.style_loss, 2)}` : ''].filter(Boolean).join(' · ');
  }

  // Thumbnails are enough for small cells; large ones show the picture itself.
  function cellImage(cell, columns) {
    const picture = links.path(cell.picture);
    const known = cell.thumb && cell.width && cell.height;
    const width = known ? Math.round(Math.min(1, THUMBNAIL_PIXELS / Math.max(cell.width, cell.height)) * cell.width) : 0;
    const choices = known && cell.width > width && links.isShown(cell.picture)
      ? {srcset: `${links.thumbnail(cell.thumb)} ${width}w, ${picture} ${cell.width}w`, sizes: `${Math.floor(86 / columns)}vw`} : {};
    return dom.element('img', {src: cell.thumb ? links.thumbnail(cell.thumb) : picture, ...choices, alt: `${sheet.photos[cell.photo].name}: ${cellName(cell)}`,
      loading: 'lazy', width: cell.width || null, height: cell.height || null});
  }

  function cellContent(number, columns) {
    if (number < 0) return dom.element('span', {class: 'cell-empty muted small'}, 'not asked for');
    const cell = sheet.cells[number];
    if (cell.error) return dom.element('span', {class: 'cell-empty cell-error small'}, cell.error);
    if (!cell.picture) return dom.element('span', {class: 'cell-empty muted small'}, 'not made yet');
    return [dom.element('a', {class: 'cell-link', href: router.href('sheet', {id: sheet.id, cell: number})}, cellImage(cell, columns)),
      dom.element('span', {class: 'small muted'}, cellNote(cell))];
  }

  function headCell(dimension, index, scope) {
    const value = dimension.values[index];
    const photo = dimension.isPhoto ? sheet.photos[index] : null;
    return dom.element('th', {scope, class: scope === 'row' ? 'sheet-row' : null},
      photo && photo.thumb ? dom.element('img', {class: 'head-photo', src: links.photoThumbnail(photo.thumb), alt: ''}) : null,
      dimension.isSetting ? dom.element('code', {}, `${dimension.name}: `) : null, dom.name(value));
  }

  function photoImage(photo) {
    return photo && photo.thumb ? dom.element('img', {class: 'group-photo', src: links.photoThumbnail(photo.thumb), alt: `Photo ${photo.name}`}) : null;
  }

  function tableLabel(rows, columns, group) {
    const titles = group.titles.map(({name, value}) => `, ${name} ${value}`).join('');
    return `Pictures by ${[rows.name, columns.name].filter(Boolean).join(' and ') || 'setting'}${titles}`;
  }

  function groupTable(arranged, group) {
    const {rows, columns} = arranged;
    const title = group.titles.map(({name, value}) => [dom.element('span', {class: 'muted'}, `${name} `), dom.name(value), ' \u2002']);
    const photo = group.titles.find(({name}) => name === 'photo');
    const hasRows = rows.name !== '';
    const image = photoImage(photo ? sheet.photos.find((each) => each.name === photo.value) : sheet.photos.length === 1 ? sheet.photos[0] : null);
    return dom.element('section', {class: 'sheet-group'},
      title.length ? dom.element('h2', {}, title) : null,
      hasRows ? null : image,
      dom.element('div', {class: `sheet-scroll${columns.values.length > WIDE_COLUMNS ? ' is-wide' : ''}`, tabindex: '0', role: 'region', 'aria-label': tableLabel(rows, columns, group)},
        dom.element('table', {class: `sheet${hasRows ? ' has-rows' : ''}`, css: {'--columns': String(columns.values.length), '--widest': `${2 * Math.max(...sheet.cells.map((cell) => cell.width || 0))}px`}},
          dom.element('thead', {}, dom.element('tr', {}, hasRows ? dom.element('td', {class: 'sheet-corner'}, image) : null, columns.values.map((_, index) => headCell(columns, index, 'col')))),
          dom.element('tbody', {}, group.cells.map((line, index) => dom.element('tr', {}, hasRows ? headCell(rows, index, 'row') : null, line.map((number) => dom.element('td', {}, cellContent(number, line.length)))))))));
  }

  function drawSheet() {
    const arranged = stylewatch.sheetTable.arrange(sheet);
    const made = sheet.cells.filter((cell) => cell.picture).length;
    const counted = made === sheet.cells.length ? text.count(made, 'picture') : `${text.number(made)} of ${text.count(sheet.cells.length, 'picture')}`;
    dom.replace(frame.body,
      dom.element('h1', {}, dom.name(sheet.title)),
      dom.element('p', {class: 'muted sheet-note'}, `${text.time(sheet.time)} · ${counted}`,
        sheet.config_name ? [' · ', dom.name(sheet.config_name)] : null,
        sheet.png ? [' · ', dom.element('a', {href: links.path(sheet.png), target: '_blank', rel: 'noopener'}, 'As one picture, to send')] : null),
      arranged.groups.map((group) => groupTable(arranged, group)));
    router.setTitle();
  }

  // "../try/a.jpg" from the page is "try/a.jpg" in the output folder, where commands look for pictures.
  function outputPath(picture) {
    return commandList.path(picture.replace(/^\.\.\//, ''));
  }

  function cellCommands(cell) {
    const path = outputPath(cell.picture);
    return commandList.make([
      {title: 'Take these settings for the archive', hint: 'Writes them into the config as a recipe, and says what "run" will make again; --as NAME names it.', line: (shell) => commandList.command('adopt', [path], shell)},
      {title: 'Try further from here', hint: 'Makes it again; --set NAME=VALUE changes a setting.', line: (shell) => commandList.command('try', ['--like', path], shell)},
    ]);
  }

  function finished() {
    return sheet.cells.flatMap((cell, number) => (cell.picture && !cell.error ? [number] : []));
  }

  function stepTo(offset) {
    const numbers = finished();
    const at = numbers.indexOf(Number(values.cell));
    const next = at < 0 ? undefined : numbers[at + offset];
    if (next !== undefined) router.replace('sheet', {id: sheet.id, cell: next});
  }

  function closeButton() {
    return dom.element('button', {type: 'button', on: {click: () => frame.dialog.close()}}, 'Close');
  }

  function drawCell(cell) {
    const photo = sheet.photos[cell.photo];
    if (comparison) comparison.close();
    comparison = new stylewatch.Comparison({
      picture: links.path(cell.picture), photo: photo.copy ? links.path(photo.copy) : null, width: cell.width, height: cell.height,
      label: `${photo.name}: ${cellName(cell)}`, photoLabel: `Photo ${photo.name}`,
    });
    const step = (label, mark, offset) => dom.element('button', {type: 'button', class: 'step', 'aria-label': label, on: {click: () => stepTo(offset)}}, mark);
    dom.replace(frame.dialog,
      dom.element('div', {class: 'dialog-head'}, dom.element('h2', {id: 'cell-title', tabindex: '-1', autofocus: true}, dom.name(cellName(cell))),
        dom.element('div', {class: 'picture-steps'}, step('Picture before', '‹', -1), step('Picture after', '›', 1), closeButton())),
      comparison.element,
      dom.element('div', {class: 'dialog-below'},
        pictureParts.facts([['Photo', dom.name(photo.name)], ...sheet.axes.map((axis, index) => [dom.element('code', {}, axis.setting), axis.values[cell.values[index]]]),
          ['Style', dom.name(cell.style)], ['Recipe', dom.name(cell.recipe)], ['Size', cell.width ? `${cell.width} × ${cell.height} pixels` : ''],
          ['Time', text.duration(cell.seconds || null)], ['Style loss', text.digits(cell.style_loss, 3)], ['Content loss', text.digits(cell.content_loss, 3)]]),
        dom.element('div', {}, cellCommands(cell), commandList.shellChoice())));
  }

  function showCell() {
    const cell = sheet && values.cell !== undefined ? sheet.cells[Number(values.cell)] : undefined;
    if (!cell || !cell.picture) {
      if (frame.dialog.open) frame.dialog.close();
      return;
    }
    const label = document.activeElement && frame.dialog.contains(document.activeElement) ? document.activeElement.getAttribute('aria-label') : null;
    drawCell(cell);
    if (!frame.dialog.open) frame.dialog.showModal();
    if (label) frame.dialog.querySelector(`[aria-label="${CSS.escape(label)}"]`)?.focus();
  }

  // The link that opened it has the focus again.
  function closed() {
    if (comparison) comparison.close();
    comparison = null;
    const number = values.cell;
    frame.dialog.replaceChildren();
    if (!isShowing || number === undefined) return;
    router.replace('sheet', {id: values.id});
    frame.body.querySelector(`a[href="${CSS.escape(router.href('sheet', {id: values.id, cell: number}))}"]`)?.focus({preventScroll: true});
  }

  function isComing() {
    return sheet.cells.some((cell) => !cell.picture && !cell.error) && Date.now() / 1000 - sheet.time < NEW_SECONDS;
  }

  function unreadable() {
    sheet = null;
    drawn = '';
    dom.replace(frame.body, dom.element('h1', {}, 'No such contact sheet'), dom.element('p', {class: 'message'}, 'Its file can\'t be read; perhaps its pictures were deleted.'));
  }

  async function load() {
    clearTimeout(timer);
    if (document.hidden && sheet !== null && sheet.id === values.id) {
      timer = setTimeout(load, AGAIN_MILLISECONDS);
      return;
    }
    const {id} = values;
    let found;
    try {
      if (id) found = await store.loadSheet(id);
    } catch (error) {
      found = undefined;
    }
    if (!isShowing || values.id !== id) return;
    if (!found) unreadable();
    else {
      sheet = found;
      const now = JSON.stringify(sheet);
      if (now !== drawn) drawSheet();
      drawn = now;
      if (isComing()) timer = setTimeout(load, AGAIN_MILLISECONDS);
      if (!frame.dialog.open) showCell();
    }
  }

  function build(element) {
    frame = {body: dom.element('div', {}, dom.element('h1', {}, 'Contact sheet')), dialog: dom.element('dialog', {class: 'cell-dialog', 'aria-labelledby': 'cell-title'})};
    frame.dialog.addEventListener('close', closed);
    frame.dialog.addEventListener('click', (event) => { if (event.target === frame.dialog) frame.dialog.close(); });
    frame.dialog.addEventListener('keydown', (event) => {
      if (event.target.closest('input, select, pre, .is-actual-size')) return;
      if (event.key === 'ArrowLeft') stepTo(-1);
      if (event.key === 'ArrowRight') stepTo(1);
    });
    dom.append(element, [frame.body, frame.dialog]);
  }

  function show(element, parameters) {
    isShowing = true;
    if (frame === null) build(element);
    const isSame = sheet !== null && sheet.id === parameters.id && values.id === parameters.id;
    values = parameters;
    if (isSame) showCell();
    if (!isSame || !timer) load();
  }

  stylewatch.views.register('sheet', {
    title: () => (sheet ? sheet.title : 'Contact sheet'), parent: 'sheets', show,
    update: (parameters) => show(null, parameters),
    hide() {
      isShowing = false;
      clearTimeout(timer);
      timer = 0;
      if (frame.dialog.open) frame.dialog.close();
    },
  });
}(window.stylewatch));
