// Which view is shown: the address's hash says it, "#/VIEW?name=value&...", so that it can be kept, sent and gone back to.
(function (stylewatch) {
  'use strict';
  const FIRST_VIEW = 'pictures';
  const {dom, links} = stylewatch;
  const registered = new Map();
  let shown = null;
  let parameters = {};
  let drawnNavigation = '';

  // view: {title, navigation, order, parent, badge, show, update, hide, keepsScroll}. show(element, parameters) fills the
  // view's own section, and may return what gets the focus; update(parameters), if any, takes other parameters of the same view.
  function register(name, view) {
    registered.set(name, {...view, name, scroll: 0, section: null});
  }

  function href(name, values) {
    const parts = Object.entries(values || {})
      .filter(([, value]) => value !== '' && value !== null && value !== undefined)
      .map(([key, value]) => `${links.encode(key)}=${links.encode(value)}`);
    return `#/${name}${parts.length ? '?' + parts.join('&') : ''}`;
  }

  function parse(hash) {
    const [, name, query] = /^#\/([a-z-]*)(?:\?(.*))?$/s.exec(hash) || [null, FIRST_VIEW, ''];
    const values = {};
    for (const part of (query || '').split('&').filter(Boolean)) {
      const at = part.indexOf('=');
      if (at > 0) values[links.decode(part.slice(0, at))] = links.decode(part.slice(at + 1));
    }
    return {name: registered.has(name) ? name : FIRST_VIEW, values};
  }

  function section(view) {
    if (view.section === null) {
      view.section = dom.element('section', {id: `view-${view.name}`, class: `view view-${view.name}`, hidden: true});
      document.getElementById('main').append(view.section);
    }
    return view.section;
  }

  function leave() {
    if (shown === null) return;
    shown.scroll = window.scrollY;
    if (shown.hide) shown.hide();
    section(shown).hidden = true;
  }

  function enter(view, first) {
    leave();
    shown = view;
    const element = section(view);
    element.hidden = false;
    const wanted = view.show(element, parameters);
    window.scrollTo(0, view.keepsScroll ? view.scroll : 0);
    if (!first) focusOn(wanted instanceof Element ? wanted : element.querySelector('h1'));
  }

  function focusOn(element) {
    if (!element) return;
    if (element.tabIndex < 0 && !element.hasAttribute('tabindex')) element.tabIndex = -1;
    element.focus({preventScroll: true});
  }

  function setTitle() {
    const own = typeof shown.title === 'function' ? shown.title(parameters) : shown.title;
    const folder = stylewatch.store.catalog ? stylewatch.store.catalog.title : '';
    document.title = [own, folder].filter(Boolean).map(stylewatch.text.visible).join(' · ');
  }

  function follow(first) {
    const {name, values} = parse(window.location.hash);
    const view = registered.get(name);
    parameters = values;
    if (view !== shown) enter(view, first);
    else if (view.update) view.update(parameters);
    setTitle();
    drawNavigation();
  }

  function drawNavigation() {
    const views = [...registered.values()].filter((view) => view.navigation);
    views.sort((one, other) => (one.order || 0) - (other.order || 0));
    const badges = views.map((view) => (view.badge ? view.badge() : ''));
    // Drawn anew every two seconds while a program works: a link that has the focus stays the same element.
    const now = JSON.stringify([badges, shown.name]);
    if (now === drawnNavigation) return;
    drawnNavigation = now;
    const list = document.getElementById('navigation');
    const focused = [...list.children].findIndex((item) => item.contains(document.activeElement));
    dom.replace(list, views.map((view, index) => {
      const badge = badges[index];
      const current = view === shown || view.name === shown.parent;
      return dom.element('li', {}, dom.element('a', {href: href(view.name), 'aria-current': current ? 'page' : null},
        view.navigation, badge ? dom.element('span', {class: 'badge'}, ' ', badge) : null));
    }));
    // On a narrow screen the navigation scrolls sideways.
    list.querySelector('[aria-current]')?.scrollIntoView({block: 'nearest', inline: 'nearest'});
    if (focused >= 0) list.children[focused].firstChild.focus({preventScroll: true});
  }

  function go(name, values) {
    window.location.hash = href(name, values);
  }

  // As go, but the step is none that "back" returns to.
  function replace(name, values) {
    window.location.replace(href(name, values));
  }

  function start() {
    window.history.scrollRestoration = 'manual';
    window.addEventListener('hashchange', () => {
      if (/^#\//.test(window.location.hash) || window.location.hash === '') follow(false);
    });
    follow(true);
  }

  stylewatch.views = {register};
  stylewatch.router = {
    start, go, replace, href, setTitle, drawNavigation,
    current: () => ({view: shown ? shown.name : null, parameters: {...parameters}}),
  };
}(window.stylewatch));
