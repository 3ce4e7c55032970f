// Commands of a view, each with what it does and a button that copies it.
(function (stylewatch) {
  'use strict';
  const {dom, commands, clipboard} = stylewatch;
  const path = commands.pathWord;
  const {visible} = stylewatch.text;
  const updates = new WeakMap();
  let shell = commands.usualShell();

  // The command with the config after its name: "stylewatch try CONFIG --like a.jpg". Paths never begin with a dash.
  function command(name, words, quotedFor) {
    const quoted = (word) => (/^--[a-z]+$/.test(word) ? word : commands.quote(word, quotedFor));
    return ['stylewatch', name, path(commands.configPath()), ...words].map(quoted).join(' ');
  }

  function block(entry) {
    const code = dom.preformatted('', {class: 'command', 'aria-label': entry.title});
    const copy = clipboard.copyButton(() => `${entry.line(shell)}\n`, 'Copy', {source: code});
    copy.setAttribute('aria-label', `Copy the command: ${entry.title}`);
    const node = dom.element('div', {class: 'command-item'},
      dom.element('h3', {}, entry.title),
      entry.hint ? dom.element('p', {class: 'muted small'}, entry.hint) : null,
      dom.element('div', {class: 'command-row'}, code, copy));
    updates.set(node, () => { code.textContent = visible(entry.line(shell)); });
    updates.get(node)();
    return node;
  }

  function choose(value) {
    shell = value;
    for (const select of document.querySelectorAll('.command-shell select')) select.value = value;
    for (const node of document.querySelectorAll('.command-item')) if (updates.has(node)) updates.get(node)();
  }

  // Which shell all commands of the page are written for.
  function shellChoice() {
    const select = dom.element('select', {on: {change: () => choose(select.value)}},
      Object.entries(commands.SHELLS).map(([value, label]) => dom.element('option', {value}, label)));
    select.value = shell;
    return dom.element('label', {class: 'command-shell small muted'}, dom.element('span', {}, 'Commands for'), select);
  }

  // entries: [{title, hint, line: (shell) => text}]
  function make(entries) {
    return dom.element('div', {class: 'command-list'}, entries.map(block));
  }

  stylewatch.commandList = {make, shellChoice, command, path};
}(window.stylewatch));
