// A picture and its photo in one frame: a range input, or a pointer on the picture, says where one ends and the other begins.
(function (stylewatch) {
  'use strict';
  const {dom} = stylewatch;
  // Kept from picture to picture, so that going through many of them compares the same part of each.
  const kept = {split: 0, isActualSize: false};

  function splitText(split) {
    if (split <= 0) return 'painting only';
    if (split >= 100) return 'photo only';
    return `photo on the left ${split} %, painting on the right ${100 - split} %`;
  }

  // content: {picture, photo: addresses, photo null if there is none; width, height of the picture; label; photoLabel}
  class Comparison {
    constructor(content) {
      this.content = content;
      this.isHeld = false;
      this.frame = this.makeFrame();
      this.viewport = dom.element('div', {class: 'comparison-viewport'}, this.frame);
      this.scale = dom.element('span', {class: 'comparison-scale muted small'});
      this.zoom = dom.element('button', {type: 'button', on: {click: () => this.setActualSize(!kept.isActualSize)}}, 'Actual size');
      this.controls = this.makeControls();
      this.element = dom.element('div', {class: 'comparison'}, this.viewport, this.controls);
      this.sizes = new ResizeObserver(() => this.showScale());
      this.sizes.observe(this.frame);
      this.attachPointer();
      this.setActualSize(kept.isActualSize);
      this.setSplit(kept.split);
    }

    makeFrame() {
      const {picture, photo, width, height, label, photoLabel} = this.content;
      this.picture = dom.element('img', {class: 'comparison-picture', src: picture, alt: label, draggable: 'false'});
      this.picture.addEventListener('error', () => this.showMissing());
      this.picture.addEventListener('load', () => this.setShape(this.picture.naturalWidth, this.picture.naturalHeight));
      const frame = dom.element('div', {class: 'comparison-frame'}, this.picture);
      if (photo) {
        this.photo = dom.element('img', {class: 'comparison-photo', src: photo, alt: photoLabel, draggable: 'false'});
        this.photo.addEventListener('error', () => this.removePhoto());
        this.handle = dom.element('span', {class: 'comparison-handle', 'aria-hidden': 'true'});
        dom.append(frame, [this.photo, this.handle,
          dom.element('span', {class: 'comparison-side comparison-side-photo', 'aria-hidden': 'true'}, 'Photo'),
          dom.element('span', {class: 'comparison-side comparison-side-painting', 'aria-hidden': 'true'}, 'Painting')]);
      }
      this.applyShape(frame, width || 3, height || 2);
      return frame;
    }

    applyShape(frame, width, height) {
      this.width = width;
      frame.style.setProperty('--picture-width', String(width));
      frame.style.setProperty('--picture-height', String(height));
      frame.style.setProperty('--device-pixels', String(window.devicePixelRatio || 1));
    }

    // A picture that was made again may have another size than the list still says.
    setShape(width, height) {
      const {width: known, height: knownHeight} = this.content;
      if (!known || !knownHeight || known * height !== width * knownHeight) this.applyShape(this.frame, width, height);
      this.showScale();
    }

    makeControls() {
      if (!this.content.photo) return dom.element('div', {class: 'comparison-controls'}, this.zoom, this.scale);
      this.range = dom.element('input', {type: 'range', class: 'comparison-range', min: '0', max: '100', step: '1',
        on: {input: () => this.setSplit(this.range.valueAsNumber)}});
      this.slider = dom.element('label', {class: 'comparison-slider'}, dom.element('span', {}, 'Compare with the photo'), this.range);
      this.hold = dom.element('button', {type: 'button', class: 'comparison-hold', 'aria-pressed': 'false'}, 'Hold to see the photo');
      this.attachHold();
      return dom.element('div', {class: 'comparison-controls'}, this.slider, this.hold, this.zoom, this.scale);
    }

    setSplit(split) {
      if (!this.range) return;
      kept.split = Math.round(Math.min(100, Math.max(0, split)));
      this.range.value = String(kept.split);
      this.range.setAttribute('aria-valuetext', splitText(kept.split));
      this.showSplit(kept.split);
    }

    showSplit(split) {
      this.frame.style.setProperty('--split', `${split}%`);
      this.frame.classList.toggle('is-painting-only', split <= 0);
      this.frame.classList.toggle('is-photo-only', split >= 100);
    }

    attachHold() {
      const set = (isHeld) => {
        if (this.isHeld === isHeld) return;
        this.isHeld = isHeld;
        this.hold.setAttribute('aria-pressed', String(isHeld));
        this.showSplit(isHeld ? 100 : kept.split);
      };
      const isKey = (event) => event.key === ' ' || event.key === 'Enter';
      this.hold.addEventListener('pointerdown', (event) => {
        if (event.button !== 0) return;
        this.hold.setPointerCapture(event.pointerId);
        set(true);
      });
      for (const event of ['pointerup', 'pointercancel', 'blur']) this.hold.addEventListener(event, () => set(false));
      this.hold.addEventListener('keydown', (event) => { if (isKey(event)) set(true); });
      this.hold.addEventListener('keyup', (event) => { if (isKey(event)) set(false); });
      this.hold.addEventListener('contextmenu', (event) => event.preventDefault());
    }

    // On the fitted picture a pointer moves the split; at actual size a mouse moves the picture, as fingers do by themselves.
    attachPointer() {
      let last = null;
      this.frame.addEventListener('pointerdown', (event) => {
        if (event.button !== 0 || (kept.isActualSize && event.pointerType !== 'mouse')) return;
        if (!kept.isActualSize && !this.range) return;
        event.preventDefault();
        this.frame.setPointerCapture(event.pointerId);
        last = {x: event.clientX, y: event.clientY};
        if (!kept.isActualSize) this.splitAt(event.clientX);
      });
      this.frame.addEventListener('pointermove', (event) => {
        if (last === null) return;
        if (kept.isActualSize) this.viewport.scrollBy(last.x - event.clientX, last.y - event.clientY);
        else this.splitAt(event.clientX);
        last = {x: event.clientX, y: event.clientY};
      });
      for (const name of ['pointerup', 'pointercancel']) this.frame.addEventListener(name, () => { last = null; });
      this.frame.addEventListener('dblclick', (event) => this.zoomAt(event));
    }

    splitAt(x) {
      const box = this.frame.getBoundingClientRect();
      this.setSplit(((x - box.left) / box.width) * 100);
    }

    zoomAt(event) {
      const box = this.frame.getBoundingClientRect();
      const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
      this.setActualSize(!kept.isActualSize);
      this.viewport.scrollTo(x * this.frame.offsetWidth - this.viewport.clientWidth / 2, y * this.frame.offsetHeight - this.viewport.clientHeight / 2);
    }

    setActualSize(isActualSize) {
      kept.isActualSize = isActualSize;
      this.zoom.setAttribute('aria-pressed', String(isActualSize));
      this.viewport.classList.toggle('is-actual-size', isActualSize);
      const attributes = {tabindex: '0', role: 'region', 'aria-label': 'The picture at its actual size; scrolls'};
      for (const [name, value] of Object.entries(attributes)) {
        if (isActualSize) this.viewport.setAttribute(name, value);
        else this.viewport.removeAttribute(name);
      }
      if (isActualSize) {
        this.viewport.scrollTo((this.frame.offsetWidth - this.viewport.clientWidth) / 2, (this.frame.offsetHeight - this.viewport.clientHeight) / 2);
      }
      this.showScale();
    }

    showScale() {
      const percent = Math.round((this.frame.clientWidth * (window.devicePixelRatio || 1) * 100) / this.width);
      dom.replace(this.scale, percent ? `Shown at ${percent} %` : '');
    }

    removePhoto() {
      for (const node of [this.photo, this.handle, this.slider, this.hold, ...this.frame.querySelectorAll('.comparison-side')]) node.remove();
      this.range = null;
    }

    showMissing() {
      dom.replace(this.viewport, dom.element('p', {class: 'message'},
        'The picture can\'t be shown: its file is gone or was moved, or this browser does not know its format.'));
      this.controls.hidden = true;
    }

    close() {
      this.sizes.disconnect();
    }
  }

  stylewatch.Comparison = Comparison;
}(window.stylewatch));
