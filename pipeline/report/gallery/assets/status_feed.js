// Reads status.js for the views that show it: when they are opened, and now and then while they stay open.
(function (stylewatch) {
  'use strict';
  const {dom, store} = stylewatch;
  const AGAIN_MILLISECONDS = 30000;

  class StatusFeed {
    // draw(status) is called with what is known, at once and after each reading; fail() where the file can't be read.
    constructor(draw, fail) {
      this.draw = draw;
      this.fail = fail;
      this.timer = 0;
      this.read = null;
    }

    // Links need the catalog, which comes later where the page was opened at one of these views.
    open() {
      if (store.catalog === null) {
        const remove = store.on('catalog', () => { remove(); if (this.timer === null) this.open(); });
        this.timer = null;
        return;
      }
      if (store.status) this.draw(store.status);
      this.load();
    }

    close() {
      clearTimeout(this.timer);
      this.timer = 0;
    }

    async load() {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.load(), AGAIN_MILLISECONDS);
      if (document.hidden && this.read) return;
      try {
        await store.loadStatus();
      } catch (error) {
        if (!this.read) this.fail();
        return;
      }
      if (this.timer && store.status && store.status.written !== this.read) {
        this.read = store.status.written;
        this.draw(store.status);
      }
    }
  }

  function unreadable() {
    return dom.element('p', {class: 'message'}, 'data/status.js can\'t be read: make the gallery again by "stylewatch gallery CONFIG".');
  }

  stylewatch.statusFeed = {StatusFeed, unreadable};
}(window.stylewatch));
