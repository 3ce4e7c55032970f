// Addresses made of names: each part of a path percent-encoded as the bytes it has on disk.
(function (stylewatch) {
  'use strict';
  const ENCODER = new TextEncoder();
  const DECODER = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true});

  // Formats that browsers show.
  const SHOWN_FORMATS = /\.(jpe?g|png|webp|avif)$/i;

  function hex(byte) {
    return '%' + byte.toString(16).toUpperCase().padStart(2, '0');
  }

  // U+DC80 to U+DCFF, alone, stand for bytes that are not UTF-8, as Python's os.fsdecode gives them.
  function encode(text) {
    let encoded = '';
    for (const character of String(text)) {
      const code = character.codePointAt(0);
      if (code >= 0xdc80 && code <= 0xdcff) encoded += hex(code - 0xdc00);
      else if (code >= 0xd800 && code <= 0xdfff) encoded += encodeURIComponent('\ufffd');
      else encoded += encodeURIComponent(character).replace(/[!'()*]/g, (mark) => hex(mark.charCodeAt(0)));
    }
    return encoded;
  }

  function bytesOf(text) {
    const bytes = [];
    for (let index = 0; index < text.length; index += 1) {
      const digits = text[index] === '%' ? text.slice(index + 1, index + 3) : '';
      if (/^[0-9a-f]{2}$/i.test(digits)) {
        bytes.push(parseInt(digits, 16));
        index += 2;
      } else {
        const character = String.fromCodePoint(text.codePointAt(index));
        bytes.push(...ENCODER.encode(character));
        index += character.length - 1;
      }
    }
    return bytes;
  }

  // The longest run of bytes from `start` that is one UTF-8 character, or the byte as a lone surrogate.
  function characterAt(bytes, start) {
    for (const length of [1, 2, 3, 4]) {
      try {
        return [DECODER.decode(new Uint8Array(bytes.slice(start, start + length))), length];
      } catch (error) {
        continue;
      }
    }
    return [String.fromCharCode(0xdc00 + bytes[start]), 1];
  }

  function decode(text) {
    if (!/[%\u0080-\uffff]/.test(text)) return text;
    const bytes = bytesOf(text);
    let decoded = '';
    for (let index = 0; index < bytes.length;) {
      const [character, length] = characterAt(bytes, index);
      decoded += character;
      index += length;
    }
    return decoded;
  }

  function path(name) {
    return String(name).split('/').map(encode).join('/');
  }

  function output(name) {
    return `${stylewatch.store.catalog.output_href}/${path(name)}`;
  }

  // A server hands out no photos, which lie outside of the folder that it serves.
  function photo(name) {
    const folder = stylewatch.store.catalog.photos_href;
    return window.location.protocol !== 'file:' || !folder ? null : `${folder}/${path(name)}`;
  }

  function isShown(name) {
    return SHOWN_FORMATS.test(name);
  }

  function thumbnail(digest) {
    return digest ? `thumbs/${digest.slice(0, 2)}/${digest}.webp` : '';
  }

  function photoThumbnail(digest) {
    return digest ? `photos/${digest.slice(0, 2)}/${digest}-s.webp` : '';
  }

  stylewatch.links = {encode, decode, path, output, photo, isShown, thumbnail, photoThumbnail};
}(window.stylewatch));
