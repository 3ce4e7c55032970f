// New pictures wait behind a button, so that nothing moves under the eyes of who looks at the list.
(function (stylewatch) {
  'use strict';
  const {dom, text, store} = stylewatch;

  // onShow() is called when the new pictures are wanted.
  class Arrivals {
    constructor(onShow) {
      this.button = dom.element('button', {type: 'button', class: 'button-primary', on: {click: onShow}});
      this.element = dom.element('div', {class: 'arrivals', hidden: true}, this.button);
      this.wasComplete = false;
    }

    // Tell whether the list stays as it is shown: it was read once, and pictures have come to it since.
    hold(shown, listed) {
      const isFirst = !this.wasComplete || shown.length === 0;
      this.wasComplete = this.wasComplete || store.progress().complete;
      const known = new Set(isFirst ? [] : shown.map((entry) => entry.id));
      const come = isFirst ? 0 : listed.filter((entry) => !known.has(entry.id)).length;
      this.show(come);
      return come > 0;
    }

    show(count) {
      const words = count ? `Show ${text.count(count, 'new picture')}` : '';
      if (this.button.textContent !== words) dom.replace(this.button, words);
      this.element.hidden = count === 0;
    }

    clear() {
      this.show(0);
    }
  }

  stylewatch.Arrivals = Arrivals;
}(window.stylewatch));
