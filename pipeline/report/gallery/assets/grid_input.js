// What mouse, touch and keys do in the grid: open, select, select a range, move.
(function (stylewatch) {
  'use strict';
  const {dom, text, selection} = stylewatch;

  function announceSelection() {
    dom.announce(`${text.number(selection.size)} selected`);
  }

  function indexOf(event) {
    const cell = event.target.closest('[data-index]');
    return cell ? Number(cell.dataset.index) : -1;
  }

  function select(grid, index, range) {
    const {id} = grid.entries[index];
    if (range) selection.extendTo(id, grid.entries);
    else selection.toggle(id);
    announceSelection();
  }

  function clicked(grid, event) {
    const index = indexOf(event);
    if (index < 0) return;
    grid.setActive(index);
    const onBox = event.target.closest('.tile-select') !== null;
    const modified = event.shiftKey || event.ctrlKey || event.metaKey;
    if (!onBox && !modified) return;
    // A click on the label brings a second one on the box itself.
    if (onBox && event.target.tagName !== 'INPUT') return;
    if (!onBox) event.preventDefault();
    select(grid, index, event.shiftKey);
  }

  function destination(grid, event, index) {
    switch (event.key) {
      case 'ArrowLeft': return index - 1;
      case 'ArrowRight': return index + 1;
      case 'ArrowUp': return grid.neighbor(index, -1);
      case 'ArrowDown': return grid.neighbor(index, 1);
      case 'PageUp': return grid.neighbor(index, -grid.rowsAScreen(index));
      case 'PageDown': return grid.neighbor(index, grid.rowsAScreen(index));
      case 'Home': return 0;
      case 'End': return grid.entries.length - 1;
      default: return null;
    }
  }

  function moved(grid, event, index) {
    const next = destination(grid, event, index);
    if (next === null) return false;
    if (event.shiftKey) selection.setAnchor(grid.entries[index].id);
    grid.focus(next);
    if (event.shiftKey) select(grid, grid.active, true);
    return true;
  }

  function pressed(grid, event) {
    const index = indexOf(event);
    if (index < 0 || event.altKey) return;
    const command = event.ctrlKey || event.metaKey;
    if (event.key === ' ') select(grid, index, event.shiftKey);
    else if (event.key === 'Escape' && selection.size) {
      selection.clear();
      announceSelection();
    } else if (command && event.key.toLowerCase() === 'a') {
      selection.add(grid.entries.map((entry) => entry.id));
      announceSelection();
    } else if (command || !moved(grid, event, index)) return;
    event.preventDefault();
  }

  function attach(grid) {
    grid.element.addEventListener('click', (event) => clicked(grid, event));
    grid.element.addEventListener('keydown', (event) => pressed(grid, event));
    grid.element.addEventListener('mousedown', (event) => { if (event.shiftKey) event.preventDefault(); });
    grid.element.addEventListener('focusin', (event) => { if (indexOf(event) >= 0) grid.setActive(indexOf(event)); });
  }

  stylewatch.gridInput = {attach};
}(window.stylewatch));
