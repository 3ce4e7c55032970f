// The bar of a selection: how many are selected, and the commands that make them again or reject them.
(function (stylewatch) {
  'use strict';
  const {dom, text, store, selection, commands, clipboard} = stylewatch;

  const SHOWN_CHARACTERS = 10000;

  function choice(label, options, onChange) {
    const select = dom.element('select', {on: {change: onChange}},
      options.map(([value, shown]) => dom.element('option', {value}, shown)));
    return {select, labelled: dom.labelled(label, select)};
  }

  function commandBlock(title, getLines) {
    const code = dom.preformatted('', {class: 'selection-command', 'aria-label': title});
    const copy = clipboard.copyButton(() => getLines().join('\n') + '\n', 'Copy', {source: code, class: 'button-primary'});
    copy.setAttribute('aria-label', `Copy the command: ${title}`);
    const block = dom.element('div', {class: 'command-block'}, dom.element('h2', {}, title), code, copy);
    return {block, update: () => { code.textContent = shortened(getLines()); }};
  }

  // Thousands of names are copied, not read.
  function shortened(lines) {
    const whole = lines.join('\n');
    const more = whole.length - SHOWN_CHARACTERS;
    return more <= 0 ? whole : `${whole.slice(0, SHOWN_CHARACTERS)} … and ${text.number(more)} more characters, which are copied, too`;
  }

  function recipeOptions() {
    const recipes = store.catalog ? store.catalog.recipes : [];
    return [['', 'the same'], ...recipes.map((recipe) => [recipe, recipe])];
  }

  // getListed(): the entries of the list as filtered now.
  function make(getListed) {
    const paths = () => selection.entries().map((entry) => entry.output);
    const count = dom.element('strong', {});
    const all = dom.element('button', {type: 'button', on: {click: () => selection.add(getListed().map((entry) => entry.id))}});
    const clear = dom.element('button', {type: 'button', on: {click: () => selection.clear()}}, 'Clear');
    const recipe = choice('With recipe', recipeOptions(), () => update());
    const shell = choice('For', Object.entries(commands.SHELLS), () => update());
    shell.select.value = commands.usualShell();
    const options = () => ({shell: shell.select.value, recipe: recipe.select.value});
    const redo = commandBlock('Make again', () => commands.redo(paths(), options()));
    const reject = commandBlock('Reject: delete, and never make again', () => commands.reject(paths(), options()));
    const details = dom.element('details', {class: 'selection-commands', on: {toggle: () => update()}},
      dom.element('summary', {}, 'Make again, or reject'),
      dom.element('p', {class: 'muted small'}, 'Copy a command, and run it in a terminal where the config lies.'),
      dom.element('div', {class: 'selection-options'}, recipe.labelled, shell.labelled),
      redo.block, reject.block);
    const bar = dom.element('section', {class: 'selection-bar', 'aria-label': 'Selected pictures', hidden: true},
      dom.element('div', {class: 'selection-head'}, count, all, clear),
      details);

    function update() {
      const listed = getListed().length;
      bar.hidden = selection.size === 0;
      document.body.classList.toggle('has-selection', selection.size > 0);
      dom.replace(count, `${text.number(selection.size)} selected`);
      dom.replace(all, `Select all ${text.number(listed)}`);
      if (bar.hidden || !details.open) return;
      redo.update();
      reject.update();
    }

    store.on('catalog', () => {
      const kept = recipe.select.value;
      dom.replace(recipe.select, recipeOptions().map(([value, shown]) => dom.element('option', {value}, shown)));
      recipe.select.value = kept;
    });
    selection.onChange(update);
    return {element: bar, update};
  }

  stylewatch.selectionBar = {make};
}(window.stylewatch));
