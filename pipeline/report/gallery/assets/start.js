// Starts the page: the last script, when all views are registered.
(function (stylewatch) {
  'use strict';
  const {store, router, dom, text} = stylewatch;

  function skipToContent(event) {
    event.preventDefault();
    document.getElementById('main').focus();
  }

  function showCatalog(catalog) {
    hideError();
    const written = `${text.time(catalog.written)} by ${catalog.program}`;
    document.getElementById('written').textContent = text.visible(`Written ${written}`);
    dom.replace(document.querySelector('.frame-title'), dom.name(catalog.title));
    router.setTitle();
    router.drawNavigation();
  }

  function showError(message) {
    hideError();
    document.getElementById('main').prepend(dom.element('p', {class: 'message message-error', role: 'alert'}, message));
  }

  function hideError() {
    for (const shown of document.querySelectorAll('#main > .message-error')) shown.remove();
  }

  document.querySelector('.skip-link').addEventListener('click', skipToContent);
  store.on('catalog', showCatalog);
  store.on('status', router.drawNavigation);
  store.on('live', router.drawNavigation);
  store.on('error', showError);
  router.start();
  store.start();
}(window.stylewatch));
