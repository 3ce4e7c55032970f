// The view of all pictures.
(function (stylewatch) {
  'use strict';
  const {dom} = stylewatch;

  stylewatch.views.register('pictures', {
    title: '',
    navigation: 'Pictures',
    order: 1,
    show(element) {
      dom.replace(element, dom.element('h1', {}, 'Pictures'));
    },
  });
}(window.stylewatch));
