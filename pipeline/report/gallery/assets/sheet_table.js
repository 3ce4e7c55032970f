// A contact sheet as tables: two settings as rows and columns, what else differs as groups. Plain values, no elements.
(function (stylewatch) {
  'use strict';

  function distinct(values) {
    return [...new Set(values)];
  }

  // Each way in which cells differ: {name, values, of(cell) -> index}; those with one value only are left out.
  function dimensions(sheet) {
    const {axes, cells, photos} = sheet;
    const named = (name, key) => {
      const values = distinct(cells.map((cell) => cell[key]));
      return {name, values, of: (cell) => values.indexOf(cell[key])};
    };
    const ofAxes = axes.map((axis, index) => ({name: axis.setting, values: axis.values, of: (cell) => cell.values[index], isSetting: true}));
    const photo = {name: 'photo', values: photos.map((each) => each.name), of: (cell) => cell.photo, isPhoto: true};
    const others = [photo, named('style', 'style'), named('recipe', 'recipe')];
    return [...ofAxes, ...others.filter((dimension) => dimension.values.length > 1)];
  }

  function product(lists) {
    return lists.reduce((tuples, list) => tuples.flatMap((tuple) => list.values.map((_, index) => [...tuple, index])), [[]]);
  }

  const NOTHING = {name: '', values: [''], of: () => 0};

  // -> {rows, columns: dimensions, groups: [{titles: [{name, value}], cells: [row][column] of an index into sheet.cells or -1}]}
  function arrange(sheet) {
    const all = dimensions(sheet);
    const [rows, columns, ...others] = all.length > 1 ? all : [NOTHING, all[0] || NOTHING];
    const groups = product(others).map((tuple) => ({
      titles: others.map((dimension, index) => ({name: dimension.name, value: dimension.values[tuple[index]]})),
      tuple,
      cells: rows.values.map(() => columns.values.map(() => -1)),
    }));
    sheet.cells.forEach((cell, number) => {
      const group = groups.find(({tuple}) => others.every((dimension, index) => dimension.of(cell) === tuple[index]));
      const line = group && group.cells[rows.of(cell)];
      if (line) line[columns.of(cell)] = number;
    });
    return {rows, columns, groups: groups.filter((group) => group.cells.some((line) => line.some((number) => number >= 0)))};
  }

  stylewatch.sheetTable = {arrange};
}(window.stylewatch));
