// The pictures as rows, of which only those near the window are elements: 100,000 pictures scroll as 100 do.
(function (stylewatch) {
  'use strict';
  const {dom, layout, tile: tiles, selection, store} = stylewatch;
  const GAP_PIXELS = 10;
  const MARGIN_SCREENS = 0.6;
  const PRINTED = 300;

  function sameEntries(some, others) {
    return some.length === others.length && some.every((entry, index) => entry === others[index]);
  }

  class Grid {
    // hrefOf(entry): where a picture leads; a tile is made anew when that changes. remarkOn(entry): a few words more.
    constructor(hrefOf, remarkOn) {
      this.hrefOf = hrefOf;
      this.remarkOn = remarkOn;
      this.entries = [];
      this.key = null;
      this.layout = null;
      this.rows = new Map();
      this.tiles = new Map();
      this.active = 0;
      this.scale = 1;
      this.element = dom.element('div', {class: 'grid', role: 'grid', 'aria-label': 'Pictures', 'aria-describedby': 'grid-keys', 'aria-multiselectable': 'true'});
      this.frame = 0;
      this.printing = false;
      const sizes = new ResizeObserver(() => this.resized());
      sizes.observe(this.element);
      // As high as its text: larger text needs higher rows, although the width stays.
      sizes.observe(document.querySelector('.frame-header'));
      window.addEventListener('scroll', () => this.drawSoon(), {passive: true});
      window.addEventListener('beforeprint', () => this.print(true));
      window.addEventListener('afterprint', () => this.print(false));
      selection.onChange(() => { for (const tile of this.tiles.values()) tiles.showSelected(tile); });
    }

    measures() {
      const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
      const width = this.element.clientWidth;
      const height = Math.round(this.scale * Math.min(15 * rem, Math.max(7.5 * rem, width / 5.2)));
      return {width, height, gap: GAP_PIXELS, caption: Math.round(2.9 * rem)};
    }

    // What is looked at stays where it is when pictures come in above it.
    // key: what links and remarks depend on besides.
    setEntries(entries, key) {
      const isSame = this.key === key && sameEntries(entries, this.entries);
      this.key = key;
      if (this.layout !== null && isSame) {
        this.draw();
        return;
      }
      const kept = this.scrollAnchor();
      const activeId = this.entries[this.active] ? this.entries[this.active].id : null;
      this.entries = entries;
      this.active = Math.max(0, activeId === null ? 0 : entries.findIndex((entry) => entry.id === activeId));
      this.rearrange(kept);
    }

    rearrange(kept) {
      const hadFocus = this.element.contains(document.activeElement);
      this.arrange();
      if (kept) this.restore(kept);
      this.draw();
      if (hadFocus && this.entries.length) this.activeTile().link.focus({preventScroll: true});
    }

    activeTile() {
      return this.entries.length ? this.tiles.get(this.entries[this.active].id) : undefined;
    }

    arrange() {
      const measures = this.measures();
      for (const row of this.rows.values()) row.remove();
      this.rows.clear();
      this.element.hidden = this.entries.length === 0;
      this.layout = measures.width ? layout.layOut(this.entries, measures) : null;
      if (this.layout === null) return;
      this.element.style.setProperty('height', `${this.layout.total}px`);
      this.element.setAttribute('aria-rowcount', String(this.layout.starts.length));
    }

    resized() {
      const now = this.measures();
      if (!now.width || (this.layout && Object.keys(now).every((name) => this.layout.options[name] === now[name]))) return;
      this.rearrange(this.scrollAnchor());
    }

    top() {
      return this.element.getBoundingClientRect().top;
    }

    scrollAnchor() {
      if (!this.layout || !this.entries.length || this.element.clientWidth === 0) return null;
      const y = -this.top();
      if (y <= 0) return null;
      const row = layout.rowAt(this.layout, y);
      return {id: this.entries[this.layout.starts[row]].id, offset: this.layout.tops[row] - y};
    }

    restore(kept) {
      const index = this.entries.findIndex((entry) => entry.id === kept.id);
      if (index < 0 || !this.layout) return;
      const y = this.layout.tops[layout.rowOf(this.layout, index)] - kept.offset;
      const change = Math.round(y + this.top());
      if (change !== 0) window.scrollBy({top: change, behavior: 'instant'});
    }

    drawSoon() {
      if (this.frame) return;
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.draw();
      });
    }

    wantedRows() {
      const count = this.layout.starts.length;
      if (count === 0) return new Set();
      if (this.printing) return new Set(Array.from({length: layout.rowOf(this.layout, PRINTED - 1) + 1}, (_, row) => row));
      // What is seen first is read first, and nothing besides.
      const isFirst = window.scrollY === 0 && !store.progress().complete;
      const margin = isFirst ? 0 : window.innerHeight * MARGIN_SCREENS;
      const y = -this.top();
      const first = layout.rowAt(this.layout, y - margin);
      const last = layout.rowAt(this.layout, y + window.innerHeight + margin);
      const wanted = new Set();
      for (let row = first; row <= last; row += 1) wanted.add(row);
      wanted.add(layout.rowOf(this.layout, this.active));
      return wanted;
    }

    draw() {
      if (this.layout === null || this.element.clientWidth === 0) return;
      this.drawRows(this.wantedRows());
    }

    drawRows(wanted) {
      for (const [row, element] of this.rows) {
        if (!wanted.has(row)) {
          element.remove();
          this.rows.delete(row);
        }
      }
      for (const row of [...wanted].sort((one, other) => one - other)) if (!this.rows.has(row)) this.addRow(row);
      this.forgetTiles();
      this.setTabStop();
    }

    addRow(row) {
      const element = dom.element('div', {class: 'grid-row', role: 'row', 'aria-rowindex': row + 1, css: {top: `${this.layout.tops[row]}px`}});
      const height = this.layout.heights[row];
      layout.rowTiles(this.layout, this.entries, row).forEach((place, column) => {
        const tile = this.tile(this.entries[place.index]);
        tile.cell.dataset.index = place.index;
        tiles.position(tile, place, height, column + 1);
        element.append(tile.cell);
      });
      this.rows.set(row, element);
      const following = [...this.rows.keys()].filter((other) => other > row);
      this.element.insertBefore(element, following.length ? this.rows.get(Math.min(...following)) : null);
    }

    // A tile is used again as long as its picture is the same, so that no thumbnail flickers.
    tile(entry) {
      const href = this.hrefOf(entry);
      const known = this.tiles.get(entry.id);
      if (known && known.entry === entry && known.href === href) return known;
      const tile = tiles.make(entry, href, this.remarkOn(entry));
      this.tiles.set(entry.id, tile);
      return tile;
    }

    forgetTiles() {
      for (const [id, tile] of this.tiles) if (!tile.cell.isConnected) this.tiles.delete(id);
    }

    setTabStop() {
      const active = this.entries[this.active];
      for (const tile of this.tiles.values()) tile.link.tabIndex = active && tile.entry.id === active.id ? 0 : -1;
    }

    setActive(index) {
      this.active = Math.min(this.entries.length - 1, Math.max(0, index));
      this.setTabStop();
    }

    // Moves the focus to a picture and brings it into the window.
    focus(index) {
      this.setActive(index);
      this.reveal(this.active);
      this.draw();
      this.activeTile().link.focus({preventScroll: true});
    }

    reveal(index) {
      const row = layout.rowOf(this.layout, index);
      const top = this.top() + this.layout.tops[row];
      const bottom = top + this.layout.heights[row] + this.layout.options.caption;
      const header = document.querySelector('.frame-header').getBoundingClientRect().bottom + GAP_PIXELS;
      const bar = document.querySelector('.selection-bar');
      const floor = window.innerHeight - (bar && !bar.hidden ? bar.getBoundingClientRect().height : 0) - GAP_PIXELS;
      if (top < header) window.scrollBy({top: top - header, behavior: 'instant'});
      else if (bottom > floor) window.scrollBy({top: Math.min(bottom - floor, top - header), behavior: 'instant'});
    }

    // The picture of another row that lies nearest below or above.
    neighbor(index, rows) {
      const row = layout.rowOf(this.layout, index);
      const other = Math.min(this.layout.starts.length - 1, Math.max(0, row + rows));
      if (other === row) return rows < 0 ? 0 : this.entries.length - 1;
      const middle = (place) => place.left + place.width / 2;
      const here = middle(layout.rowTiles(this.layout, this.entries, row)[index - this.layout.starts[row]]);
      const distance = (place) => Math.abs(middle(place) - here);
      return layout.rowTiles(this.layout, this.entries, other)
        .reduce((best, place) => (distance(place) < distance(best) ? place : best)).index;
    }

    rowsAScreen(index) {
      const row = layout.rowOf(this.layout, index);
      return Math.max(1, Math.floor(window.innerHeight * 0.8 / (this.layout.heights[row] + this.layout.options.caption)));
    }

    // On paper nothing scrolls: the first pictures are all there, as many as one would print.
    print(printing) {
      this.printing = printing;
      this.draw();
    }
  }

  stylewatch.Grid = Grid;
}(window.stylewatch));
