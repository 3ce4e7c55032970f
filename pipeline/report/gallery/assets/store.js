// What is known of the pictures: loads the data scripts, keeps what they hand over, tells the views of changes.
(function (stylewatch) {
  'use strict';
  const {Entry} = stylewatch;
  const VERSION = 1;
  const ROWS_A_CHUNK = 500;
  const LOADS_AT_ONCE = 4;
  const CHANGES_MILLISECONDS = 200;
  const FIRST_VIEW_MILLISECONDS = 1500;
  const LIVE_MILLISECONDS = 2000;
  const IDLE_MILLISECONDS = 60000;
  const AGAIN_MILLISECONDS = 10000;

  const entries = new Map();
  const chunkRevisions = new Map();
  const arrived = new Set();
  const failed = new Set();
  const details = new Map();
  const sheetPages = new Map();
  const listeners = new Map();
  let cached = null;
  let changesTimer = 0;
  let nextTell = 0;
  let loads = 0;
  let chunksLeft = 0;
  let reading = false;

  const store = {
    catalog: null, live: null, status: null, sheets: null,
    on, entries: allEntries, entry: (id) => entries.get(id), progress,
    loadPicture, loadStatus, loadSheets, loadSheet, loadLive, refresh, start,
  };

  function on(topic, listener) {
    if (!listeners.has(topic)) listeners.set(topic, new Set());
    listeners.get(topic).add(listener);
    return () => listeners.get(topic).delete(listener);
  }

  function tell(topic, value) {
    for (const listener of listeners.get(topic) || []) listener(value);
  }

  function tellEntries() {
    const began = performance.now();
    changesTimer = 0;
    tell('entries');
    nextTell = performance.now() + Math.max(CHANGES_MILLISECONDS, 3 * (performance.now() - began));
  }

  // Many chunks arrive one after another: the views are told at once of the first, then a few times a second,
  // and as rarely as it takes that most of the time is left for scrolling.
  function entriesChanged() {
    if (!changesTimer) changesTimer = setTimeout(tellEntries, Math.max(0, nextTell - performance.now()));
  }

  function allEntries() {
    if (cached === null) cached = [...entries.values()];
    return cached;
  }

  function progress() {
    return {complete: store.catalog !== null && !reading, chunksLeft, failedLoads: failed.size};
  }

  // Data come as scripts, since a page opened from the disk may read no other file.
  // With a version, what a browser keeps of an earlier visit will do.
  function load(address, version) {
    return new Promise((resolve, reject) => {
      const script = document.createElement('script');
      loads += 1;
      script.src = `${address}?${version ? stylewatch.links.encode(version) : Date.now().toString(36) + loads}`;
      script.onload = () => { script.remove(); resolve(); };
      script.onerror = () => { script.remove(); reject(new Error(`${address} can't be read`)); };
      document.head.append(script);
    });
  }

  function chunkAddress(number) {
    return `data/chunks/${String(number).padStart(4, '0')}.js`;
  }

  // What hasn't changed stays the same object, so that nothing is sorted or drawn anew for it.
  function setRows(rows) {
    for (const row of rows) {
      const entry = new Entry(row, store.catalog);
      const known = entries.get(entry.id);
      if (known && known.equals(entry)) continue;
      entries.set(entry.id, entry);
      cached = null;
    }
  }

  // Numbers in rows keep their meaning as long as each table only grows; one that was begun anew makes all rows others.
  function readsAlike(before, catalog) {
    return before.suffix === catalog.suffix && ['styles', 'recipes', 'states'].every(
      (table) => before[table].every((name, number) => catalog[table][number] === name));
  }

  stylewatch.catalog = function (catalog) {
    if (catalog.version !== VERSION) {
      tell('error', 'The pictures were listed by another version of the program: reload this page.');
      return;
    }
    if (store.catalog !== null && !readsAlike(store.catalog, catalog)) chunkRevisions.clear();
    store.catalog = catalog;
    setRows(catalog.latest);
    tell('catalog', catalog);
    entriesChanged();
  };

  function forgetRows(number, kept) {
    for (let id = number * ROWS_A_CHUNK; id < (number + 1) * ROWS_A_CHUNK; id += 1) {
      if (!kept.has(id) && entries.delete(id)) cached = null;
    }
  }

  stylewatch.chunk = function (number, chunk) {
    arrived.add(number);
    forgetRows(number, new Set(chunk.rows.map((row) => row[0])));
    setRows(chunk.rows);
    entriesChanged();
  };

  stylewatch.picture = (id, picture) => details.set(id, picture);
  stylewatch.status = (status) => { store.status = status; tell('status', status); };
  stylewatch.live = (live) => { store.live = live; tell('live', live); };
  stylewatch.sheets = (sheets) => { store.sheets = sheets; tell('sheets', sheets); };
  stylewatch.sheet = (id, sheet) => sheetPages.set(id, sheet);

  // A file that was read, but did not hand over its rows, counts as one that can't be read; what a browser keeps of
  // such a one will not do.
  async function loadChunk(number, revision) {
    arrived.delete(number);
    try {
      await load(chunkAddress(number), failed.has(number) ? '' : revision);
    } catch (error) {
      // It is asked for again.
    }
    if (arrived.has(number)) {
      chunkRevisions.set(number, revision);
      failed.delete(number);
    } else failed.add(number);
  }

  function forgetChunks() {
    const listed = new Set(store.catalog.chunks.map(([number]) => number));
    for (const number of [...chunkRevisions.keys()].filter((known) => !listed.has(known))) {
      forgetRows(number, new Set());
      chunkRevisions.delete(number);
    }
    for (const number of failed) if (!listed.has(number)) failed.delete(number);
  }

  async function loadChunks() {
    forgetChunks();
    const changed = store.catalog.chunks.filter(([number, , , revision]) => chunkRevisions.get(number) !== revision);
    const waiting = changed.sort((one, other) => other[2] - one[2]);
    chunksLeft = waiting.length;
    const next = async () => {
      while (waiting.length) {
        const [number, , , revision] = waiting.shift();
        await loadChunk(number, revision);
        chunksLeft -= 1;
      }
    };
    await Promise.all(Array.from({length: LOADS_AT_ONCE}, next));
  }

  async function loadCatalog() {
    reading = true;
    try {
      await load('data/catalog.js');
      if (store.catalog === null) return;
      await firstViewLoaded();
      await loadChunks();
    } finally {
      reading = false;
    }
    clearTimeout(changesTimer);
    tellEntries();
  }

  // What is seen first is not kept waiting by what is further down.
  async function firstViewLoaded() {
    const deadline = Date.now() + FIRST_VIEW_MILLISECONDS;
    const pause = () => new Promise((resolve) => { setTimeout(resolve, 20); });
    await pause();
    while (Date.now() < deadline && ![...document.images].every((image) => image.complete)) await pause();
  }

  async function loadPicture(id) {
    details.delete(id);
    await load(`data/pictures/${String(Math.floor(id / ROWS_A_CHUNK)).padStart(4, '0')}/${id}.js`);
    return details.get(id);
  }

  async function loadStatus() {
    await load('data/status.js');
    return store.status;
  }

  async function loadLive() {
    await load('data/live.js');
    return store.live;
  }

  async function loadSheets() {
    await load('data/sheets.js');
    return store.sheets;
  }

  async function loadSheet(id) {
    await load(`data/sheets/${stylewatch.links.encode(id)}.js`);
    return sheetPages.get(id);
  }

  // While a program works its small file says when the catalog is newer; else the catalog itself is looked at, rarely.
  // Without that file, or with a part of the list missing, it is looked at, too.
  async function refresh() {
    if (store.catalog && store.catalog.live && !failed.size) {
      const live = await loadLive().catch(() => null);
      if (live && live.catalog_written <= store.catalog.written) return;
    }
    await loadCatalog();
  }

  function interval() {
    if (failed.size) return AGAIN_MILLISECONDS;
    return store.catalog && store.catalog.live ? LIVE_MILLISECONDS : IDLE_MILLISECONDS;
  }

  async function refreshAgainAndAgain() {
    try {
      if (!document.hidden) await refresh();
    } catch (error) {
      // What is shown stays; the next turn asks again.
    } finally {
      setTimeout(refreshAgainAndAgain, interval());
    }
  }

  async function start() {
    try {
      await loadCatalog();
    } catch (error) {
      tell('error', 'data/catalog.js can\'t be read: make the gallery again by "stylewatch gallery CONFIG".');
    }
    setTimeout(refreshAgainAndAgain, store.catalog && store.catalog.live ? 0 : IDLE_MILLISECONDS);
  }

  stylewatch.store = store;
}(window.stylewatch));
