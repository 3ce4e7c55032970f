// The parts of a picture's page: paintings, facts, files, siblings, time-lapse, commands. Each is an element or null.
(function (stylewatch) {
  'use strict';
  const {dom, text, links, store, router, commandList, commands} = stylewatch;

  const MOST_RECIPES = 3;
  const STRENGTH_STEP = 0.15;

  function section(title, ...children) {
    const content = children.flat().filter(Boolean);
    return content.length === 0 ? null : dom.element('section', {class: 'picture-section'}, dom.element('h2', {}, title), content);
  }

  function facts(pairs) {
    const known = pairs.filter(([, value]) => value !== '' && value !== null && value !== undefined && value !== false);
    return known.length === 0 ? null : dom.element('dl', {class: 'facts'}, known.map(([name, value]) => [dom.element('dt', {}, name), dom.element('dd', {}, value)]));
  }

  function styleText(entry) {
    return `${entry.style}${entry.recipe === 'default' ? '' : ` · ${entry.recipe}`}`;
  }

  function strokes(scale) {
    if (!scale || scale === 1) return '';
    return `at ${text.digits(scale, 3)} of the picture's size: ${scale < 1 ? 'finer' : 'coarser'} strokes`;
  }

  function painting(each, share, said) {
    const image = each.copy ? dom.element('img', {src: links.path(each.copy), alt: ''}) : null;
    if (image) image.addEventListener('error', () => image.remove());
    const more = [share, said].filter(Boolean).join(', ');
    return dom.element('figure', {class: 'painting'}, image,
      dom.element('figcaption', {}, dom.name(each.name || 'unnamed'), more ? dom.element('span', {class: 'muted'}, ` ${more}`) : null));
  }

  function paintings(details) {
    const all = details.paintings || [];
    const byMask = (details.places || []).length > 0;
    const total = byMask ? 0 : all.reduce((sum, each) => sum + (each.weight || 0), 0);
    const own = all.some((each) => (each.scale || 1) !== 1);
    const whole = byMask ? '' : strokes(details.scale);
    return section(all.length > 1 ? 'Paintings' : 'Painting',
      all.map((each) => painting(each,
        all.length === 1 || !total ? '' : `${Math.round((each.weight / total) * 100)} % of the blend`,
        own ? strokes((each.scale || 1) * (details.scale || 1)) : '')),
      whole && !own ? dom.element('p', {class: 'muted small'}, whole.charAt(0).toUpperCase() + whole.slice(1)) : null);
  }

  function evaluations(details) {
    const {sizes = [], iterations = []} = details;
    return (sizes || []).map((size, index) => `${(iterations || [])[index] ?? '?'} at ${size} px`).join(', ');
  }

  function losses(details) {
    const {first, last} = details;
    if (!last) return '';
    const change = (name) => (first ? `${text.digits(first[name], 3)} → ${text.digits(last[name], 3)}` : text.digits(last[name], 3));
    return `style ${change('style')}, content ${change('content')}`;
  }

  function cache(details) {
    const {cache_hits: hits, cache_misses: misses} = details;
    if (hits === null || hits === undefined) return '';
    return `${text.number(hits)} of ${text.number(hits + misses)} style targets were ready`;
  }

  function making(details) {
    if (details.state !== 'done') return null;
    const notes = (details.notes || []).map((note) => dom.element('p', {class: 'message small'}, note));
    return section('How it was made', facts([
      ['Made', text.time(details.time)],
      ['Size', details.width && details.height ? `${details.width} × ${details.height} pixels` : ''],
      ['Mask', (details.places || []).join('; ')],
      ['Evaluations', evaluations(details)],
      ['Losses', losses(details)],
      ['Time', text.duration(details.seconds)],
      ['Device', details.device],
      ['Style cache', cache(details)],
      ['Copied', details.copied ? 'from the picture of a photo with the same content' : ''],
      ['Engine', details.engine],
      ['Program', details.program],
      ['Key', details.key ? dom.element('code', {class: 'key'}, details.key) : ''],
    ]), notes);
  }

  function files(details) {
    const photo = details.photo_file ? links.photo(details.photo_file) : null;
    const link = (href, label) => dom.element('li', {}, dom.element('a', {href, target: '_blank', rel: 'noopener'}, label));
    const items = [
      details.state === 'done' && details.output ? link(links.output(details.output), 'Picture, full size') : null,
      photo ? link(photo, 'Photo, the original file') : null,
      details.timelapse ? link(links.output(details.timelapse), 'Time-lapse') : null,
    ].filter(Boolean);
    return section('Files', facts([['Photo', dom.name(details.photo)], ['Picture', dom.name(details.output)]]),
      items.length ? dom.element('ul', {class: 'plain-list'}, items) : null);
  }

  function sibling(entry, current, values) {
    const isCurrent = entry.id === current.id;
    const words = dom.element('span', {class: 'sibling-empty muted small'}, entry.state === 'done' ? 'No preview' : text.state(entry.state));
    const image = entry.thumbnail && entry.state !== 'rejected' ? dom.element('img', {src: entry.thumbnail, alt: '', loading: 'lazy'}) : words;
    image.addEventListener('error', () => image.replaceWith(words));
    return dom.element('li', {}, dom.element('a', {class: 'sibling', href: router.href('picture', {id: entry.id, ...values}), 'aria-current': isCurrent ? 'true' : null},
      image, dom.element('span', {class: 'small'}, dom.name(styleText(entry)))));
  }

  function siblings(current, values) {
    const all = store.entries().filter((entry) => entry.photo === current.photo && entry.state !== 'withdrawn');
    if (all.length < 2) return null;
    all.sort((one, other) => (one.style < other.style ? -1 : one.style > other.style ? 1 : one.recipe < other.recipe ? -1 : 1));
    return section('This photo in all its styles', dom.element('ul', {class: 'siblings'}, all.map((entry) => sibling(entry, current, values))));
  }

  // It moves, so it is played when it is asked for.
  function timelapse(details) {
    if (!details.timelapse) return null;
    const stage = dom.element('div', {class: 'timelapse', hidden: true});
    const button = dom.element('button', {type: 'button', 'aria-expanded': 'false'}, 'Play the time-lapse');
    button.addEventListener('click', () => {
      const isPlaying = !stage.hidden;
      stage.hidden = isPlaying;
      button.setAttribute('aria-expanded', String(!isPlaying));
      button.textContent = isPlaying ? 'Play the time-lapse' : 'Stop';
      if (isPlaying) stage.replaceChildren();
      else {
        const image = dom.element('img', {src: links.output(details.timelapse), alt: 'The picture coming, from the photo to the painting'});
        image.addEventListener('error', () => dom.replace(stage, dom.element('p', {class: 'message'}, 'The time-lapse can\'t be shown: its file is gone, or this browser does not know its format.')));
        dom.replace(stage, image);
      }
    });
    return section('Time-lapse', button, stage);
  }

  function yaml(details) {
    if (!details.yaml) return null;
    const code = dom.preformatted(details.yaml, {'aria-label': 'Settings as YAML'});
    return dom.element('details', {class: 'yaml'}, dom.element('summary', {}, 'As YAML'), code,
      stylewatch.clipboard.copyButton(() => details.yaml, 'Copy as YAML', {source: code}));
  }

  function recipeSettings(details) {
    const settings = details.settings || null;
    return settings && settings.recipe && typeof settings.recipe === 'object' ? settings.recipe : settings;
  }

  function settings(details) {
    const known = recipeSettings(details);
    const defaults = (store.catalog && store.catalog.recipe_defaults) || null;
    if (details.isUnread) return section('Settings', dom.element('p', {class: 'message'}, 'What is known of this picture can\'t be read: make the gallery again by "stylewatch gallery CONFIG".'));
    if (!known) return details.state === 'done' ? section('Settings', dom.element('p', {class: 'muted'}, 'An older version made this picture, and did not note its settings.')) : null;
    return section('Settings', stylewatch.settingsTable.make(known, defaults), yaml(details));
  }

  // Of no use where one of the weights is 0: strength balances the two. "--like" makes no pictures by masks.
  function otherStrengths(details, path) {
    if ((details.places || []).length) return [];
    const recipe = {...((store.catalog && store.catalog.recipe_defaults) || {}), ...recipeSettings(details)};
    if (recipe.content_weight === 0 || recipe.style_weight === 0) return [];
    const now = recipe.strength ?? 0.5;
    const milder = Number(Math.max(0, now - STRENGTH_STEP).toFixed(3));
    const stronger = Number(Math.min(1, now + STRENGTH_STEP).toFixed(3));
    const line = (strength) => (shell) => commandList.command('try', ['--like', path, '--set', `strength=${strength}`], shell);
    return [
      ...(milder < now ? [{title: 'Try it milder', hint: 'Less of the painting. It comes beside the others of "try", replaces nothing, and can be adopted.', line: line(milder)}] : []),
      ...(stronger > now ? [{title: 'Try it stronger', hint: 'More of the painting, and less of the photo.', line: line(stronger)}] : []),
    ];
  }

  function otherRecipes(details) {
    const others = store.catalog.recipes.filter((recipe) => recipe !== details.recipe).slice(0, MOST_RECIPES);
    return others.map((recipe) => ({title: `Make it again by the recipe ${recipe}`, hint: 'In place of this one, now and from then on.',
      line: (shell) => commands.redo([details.output], {shell, recipe}).join('\n')}));
  }

  function doneCommands(details) {
    const path = commandList.path(details.output);
    const tries = recipeSettings(details) ? otherStrengths(details, path) : [];
    return [...tries,
      {title: 'Make it again', hint: 'Replaces it. Equal settings make an equal picture: change its recipe first, or take another one.', line: (shell) => commands.redo([details.output], {shell}).join('\n')},
      ...otherRecipes(details),
      {title: 'Reject it', hint: 'Deletes it. It is made again only if its settings change, or you ask for it.', line: (shell) => commands.reject([details.output], {shell}).join('\n')},
    ];
  }

  function nextCommands(details) {
    if (details.state === 'done') return section('Change it', commandList.make(doneCommands(details)), commandList.shellChoice());
    if (details.state === 'failed' || details.state === 'quarantined') {
      const line = (shell) => commandList.command('retry', [commandList.path(details.photo)], shell);
      return section('Try it again', commandList.make([{title: 'Give it another chance', hint: 'The next run makes it.', line}]), commandList.shellChoice());
    }
    if (details.state === 'rejected') {
      const line = (shell) => commands.redo([details.output], {shell}).join('\n');
      return section('Make it after all', commandList.make([{title: 'Make it again', hint: 'The next run makes it.', line}]), commandList.shellChoice());
    }
    return null;
  }

  stylewatch.pictureParts = {section, facts, styleText, paintings, making, files, siblings, timelapse, settings, nextCommands};
}(window.stylewatch));
