// Builds elements: every string becomes a text node, made visible by text.js; nothing is ever parsed as HTML.
(function (stylewatch) {
  'use strict';
  const {visible, visibleLines} = stylewatch.text;
  const SVG = 'http://www.w3.org/2000/svg';
  const ADDRESSES = new Set(['href', 'src', 'srcset', 'poster']);
  const READ_BY_PEOPLE = new Set(['title', 'alt', 'aria-label', 'placeholder']);
  const REFUSED = new Set(['script', 'iframe', 'object', 'embed', 'base', 'meta']);

  let controls = 0;

  // An address is relative to index.html or a hash; links.js makes them of names. Browsers read over controls and spaces.
  function isRelative(address) {
    return !/^([a-z][a-z0-9+.-]*:|[/\\]{2})/i.test(address.replace(/[\u0000-\u0020]/g, ''));
  }

  function setAttribute(node, name, value) {
    if (value === null || value === undefined || value === false) return;
    if (/^on/i.test(name) || name === 'srcdoc') throw new Error(`attribute ${name} is refused`);
    if (name === 'style') throw new Error('styles are given as an object under "css"');
    if (ADDRESSES.has(name) && !isRelative(String(value))) throw new Error('an address must be relative');
    node.setAttribute(name, value === true ? '' : READ_BY_PEOPLE.has(name) ? visible(value) : String(value));
  }

  function append(node, children) {
    for (const child of children.flat(Infinity)) {
      if (child === null || child === undefined || child === false) continue;
      node.append(child instanceof Node ? child : document.createTextNode(visible(child)));
    }
    return node;
  }

  function build(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name === 'on') for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
      else if (name === 'css') for (const [property, text] of Object.entries(value)) node.style.setProperty(property, text);
      else setAttribute(node, name, value);
    }
    return append(node, children);
  }

  function element(tag, attributes, ...children) {
    if (REFUSED.has(tag.toLowerCase())) throw new Error(`element ${tag} is refused`);
    return build(document.createElement(tag), attributes, children);
  }

  function svg(tag, attributes, ...children) {
    if (REFUSED.has(tag.toLowerCase())) throw new Error(`element ${tag} is refused`);
    return build(document.createElementNS(SVG, tag), attributes, children);
  }

  // Names of other people's files: isolated, so that right-to-left letters move nothing beside them.
  function name(text, attributes) {
    return element('bdi', attributes, text);
  }

  function preformatted(text, attributes) {
    const node = element('pre', {tabindex: 0, ...attributes});
    node.textContent = visibleLines(text);
    return node;
  }

  function replace(node, ...children) {
    node.replaceChildren();
    return append(node, children);
  }

  // A label above its control, by reference: around a select it would read out all of the choices.
  function labelled(label, control) {
    if (!control.id) {
      controls += 1;
      control.id = `control-${controls}`;
    }
    return element('div', {class: 'control'}, element('label', {for: control.id}, label), control);
  }

  function announce(text) {
    document.getElementById('announcement').textContent = visible(text);
  }

  stylewatch.dom = {element, svg, name, preformatted, append, replace, labelled, announce};
}(window.stylewatch));
