// A button that copies a text; where the browser refuses its clipboard, the text is selected for the keyboard.
(function (stylewatch) {
  'use strict';
  const {dom} = stylewatch;
  const SHOWN_MILLISECONDS = 2000;

  function copyBySelection(text) {
    const area = dom.element('textarea', {class: 'visually-hidden', 'aria-label': 'Text to copy', readonly: true});
    area.value = text;
    // What is outside of an open dialog can't be selected.
    (document.querySelector('dialog[open]') || document.body).append(area);
    const focused = document.activeElement;
    area.select();
    let copied = false;
    try {
      copied = document.execCommand('copy');
    } catch (error) {
      copied = false;
    }
    area.remove();
    if (focused instanceof HTMLElement) focused.focus({preventScroll: true});
    return copied;
  }

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch (error) {
      return copyBySelection(text);
    }
  }

  function selectContents(node) {
    const range = document.createRange();
    range.selectNodeContents(node);
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  }

  // options: {source: the element that shows the text, class}
  function copyButton(getText, label, options) {
    const {source = null, class: className = ''} = options || {};
    const button = dom.element('button', {type: 'button', class: className}, label);
    let timer = 0;
    const say = (text) => {
      button.textContent = text;
      dom.announce(text);
      clearTimeout(timer);
      timer = setTimeout(() => { button.textContent = label; }, SHOWN_MILLISECONDS);
    };
    button.addEventListener('click', async () => {
      if (await copy(getText())) say('Copied');
      else if (source !== null) {
        selectContents(source);
        say('Selected: press Ctrl+C, or Cmd+C');
      } else say('The browser refused');
    });
    return button;
  }

  stylewatch.clipboard = {copyButton};
}(window.stylewatch));
