// One job as the page knows it: a row of the list, its numbers replaced by the words of the catalog.
(function (stylewatch) {
  'use strict';
  const FIELDS = [
    'photo', 'output', 'style', 'recipe', 'state', 'time', 'width', 'height', 'styleLoss', 'thumbnail', 'photoThumbnail',
  ];

  function usualOutput(entry, suffix) {
    const recipe = entry.recipe === 'default' ? '' : `--${entry.recipe}`;
    return `${entry.photo.replace(/([^/])\.[^./]+$/, '$1')}--${entry.style}${recipe}${suffix}`;
  }

  class Entry {
    constructor(row, catalog) {
      [this.id, this.photo] = row;
      this.style = catalog.styles[row[3]];
      this.recipe = catalog.recipes[row[4]];
      this.state = catalog.states[row[5]];
      this.output = row[2] === 0 ? usualOutput(this, catalog.suffix) : row[2];
      [, , , , , , this.time, this.width, this.height, this.styleLoss] = row;
      this.thumbnail = stylewatch.links.thumbnail(row[10]);
      this.photoThumbnail = stylewatch.links.photoThumbnail(row[11]);
      this.folder = this.photo.slice(0, Math.max(0, this.photo.lastIndexOf('/')));
      this.name = this.photo.slice(this.photo.lastIndexOf('/') + 1);
    }

    get day() {
      if (this.dayCache === undefined) this.dayCache = this.time ? stylewatch.text.day(this.time) : '';
      return this.dayCache;
    }

    // Digits padded, so that "IMG_9" comes before "IMG_10".
    get sortName() {
      if (this.sortCache === undefined) {
        this.sortCache = this.name.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(12, '0'));
      }
      return this.sortCache;
    }

    get searchText() {
      if (this.searchCache === undefined) {
        this.searchCache = `${this.photo}\n${this.output}\n${this.style}\n${this.recipe}`.normalize('NFC').toLowerCase();
      }
      return this.searchCache;
    }

    equals(other) {
      return FIELDS.every((field) => this[field] === other[field]);
    }
  }

  stylewatch.Entry = Entry;
}(window.stylewatch));
