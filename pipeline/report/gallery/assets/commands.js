// Commands to copy into a shell: each name quoted so that the shell hands over exactly that name.
(function (stylewatch) {
  'use strict';
  const {store} = stylewatch;
  // Windows refuses longer command lines than 32,767 characters.
  const LONGEST = 30000;
  const PLAIN = /^[A-Za-z0-9_@%+:,./][A-Za-z0-9_@%+=:,./-]*$/;
  const ENCODER = new TextEncoder();
  const SHELLS = {sh: 'sh, bash, zsh', powershell: 'PowerShell'};

  function isHidden(character) {
    return stylewatch.text.visible(character) !== character;
  }

  // What can't be seen, or isn't UTF-8, stands as octal bytes: a pasted control character could do anything. So do a
  // quote and "!": older shells take the quote for the end of the text, and what follows "!" for an earlier command.
  function ansiQuoted(text) {
    let quoted = '';
    for (const character of text) {
      const code = character.codePointAt(0);
      const bytes = code >= 0xdc80 && code <= 0xdcff ? [code - 0xdc00] : [...ENCODER.encode(character)];
      if (isHidden(character) || /['!\\]/.test(character)) quoted += bytes.map((byte) => '\\' + byte.toString(8).padStart(3, '0')).join('');
      else quoted += character;
    }
    return `$'${quoted}'`;
  }

  function quoteForSh(text) {
    if (PLAIN.test(text)) return text;
    if ([...text].some(isHidden)) return ansiQuoted(text);
    return `'${text.replaceAll('\'', '\'\\\'\'')}'`;
  }

  // PowerShell ends a string at typographic quotes, too.
  function quoteForPowershell(text) {
    if (/^[A-Za-z0-9_+=./\\:][A-Za-z0-9_+=./\\:-]*$/.test(text)) return text;
    const parts = [];
    let part = '';
    for (const character of text) {
      if (isHidden(character)) {
        parts.push(`'${part}'`, `[char]0x${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`);
        part = '';
      } else part += character.replace(/['\u2018-\u201b]/, '$&$&');
    }
    parts.push(`'${part}'`);
    const shown = parts.filter((each, index) => each !== '\'\'' || index === 0);
    return shown.length === 1 ? shown[0] : `(${shown.join('+')})`;
  }

  function quote(text, shell) {
    return shell === 'powershell' ? quoteForPowershell(text) : quoteForSh(text);
  }

  // A name that begins with a dash would be taken for an option.
  function pathWord(path) {
    return path.startsWith('-') ? `./${path}` : path;
  }

  function quotePath(path, shell) {
    return quote(pathWord(path), shell);
  }

  function configPath() {
    return (store.catalog && store.catalog.config_path) || 'CONFIG';
  }

  function usualShell() {
    return /^win/i.test(navigator.platform) ? 'powershell' : 'sh';
  }

  function lines(command, paths, options, shell) {
    const start = ['stylewatch', command, quotePath(configPath(), shell)].join(' ');
    const end = options ? ` ${options}` : '';
    const result = [];
    let line = start;
    for (const path of paths) {
      const quoted = ' ' + quotePath(path, shell);
      if (line !== start && line.length + quoted.length + end.length > LONGEST) {
        result.push(line + end);
        line = start;
      }
      line += quoted;
    }
    return line === start ? result : [...result, line + end];
  }

  // options: {shell, recipe}; a long list makes several command lines.
  function redo(paths, options) {
    const {shell = usualShell(), recipe = ''} = options || {};
    return lines('redo', paths, recipe ? `--recipe ${quote(recipe, shell)}` : '', shell);
  }

  function reject(paths, options) {
    const {shell = usualShell()} = options || {};
    return lines('reject', paths, '', shell);
  }

  stylewatch.commands = {SHELLS, quote, pathWord, configPath, redo, reject, usualShell};
}(window.stylewatch));
